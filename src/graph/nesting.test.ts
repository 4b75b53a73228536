import { expect, test } from 'vitest'
import { checkNesting, MAX_DEPTH, type NestedFile } from './nesting.ts'

function files(uses: { readonly [file: string]: readonly string[] }): NestedFile[] {
  return Object.entries(uses).map(([file, others]) => ({
    file,
    uses: others.map((other, index) => ({ file: other, place: { file, line: index + 1, column: 1 } })),
  }))
}

test('files that share others are fine', () => {
  expect(checkNesting(files({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }))).toEqual([])
})

test('a circle is named with its files, where it begins', () => {
  expect(checkNesting(files({ a: ['x', 'b'], b: ['c'], c: ['a'], x: [] }))).toMatchObject([
    { code: 'ensemble_cycle', message: 'ensembles run each other in a circle: a -> b -> c -> a', file: 'a', line: 2 },
  ])
  expect(checkNesting(files({ a: ['a'] }))).toMatchObject([{ message: expect.stringContaining('a -> a') }])
})

test('the highest tower allowed, and one more', () => {
  const tower = (height: number) =>
    files(Object.fromEntries(Array.from({ length: height + 1 }, (_, n) => [`f${n}`, n < height ? [`f${n + 1}`] : []])))
  expect(checkNesting(tower(MAX_DEPTH))).toEqual([])
  expect(checkNesting(tower(MAX_DEPTH + 1))).toMatchObject([
    { code: 'ensemble_too_deep', message: expect.stringContaining('f0 -> f1 -> f2 -> f3 -> f4 -> f5 -> f6') },
  ])
})
