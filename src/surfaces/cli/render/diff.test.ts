import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareLines, listChanges } from './diff.ts'

const text = fc
  .array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 })
  .map((lines) => lines.map((line) => `${line}\n`).join(''))
const side = (before: string, after: string, leave: '-' | '+') =>
  compareLines(before, after)
    .filter(({ sign }) => sign !== leave)
    .map((line) => `${line.text}\n`)
    .join('')

test('both texts can be read from a comparison', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      expect(side(before, after, '+')).toBe(before)
      expect(side(before, after, '-')).toBe(after)
    }),
  )
})

test('as little as possible is told to change', () => {
  const signs = (before: string, after: string) =>
    compareLines(before, after)
      .map(({ sign }) => sign)
      .join('')
  expect(signs('a\nb\nc\n', 'a\nx\nc\n')).toBe(' -+ ')
  expect(signs('a\nb\nc\n', 'b\nc\nd\n')).toBe('-  +')
  expect(signs('', 'a\n')).toBe('+')
  expect(signs('a\n', 'a')).toBe(' +')
  expect(compareLines('a\n', 'a\n').every(({ sign }) => sign === ' ')).toBe(true)
})

test('places far from each other stand apart, each under its line', () => {
  const lines = Array.from({ length: 30 }, (_, n) => `${n + 1}`)
  const changed = lines.map((line) => (line === '5' || line === '25' ? `${line}!` : line))
  const shown = listChanges(compareLines(`${lines.join('\n')}\n`, `${changed.join('\n')}\n`))
  expect(shown.filter((line) => 'from' in line)).toEqual([{ from: 2 }, { from: 22 }])
  expect(shown).toHaveLength(18)
})

test('texts of ten thousand lines are compared at once', () => {
  const many = (word: string) => Array.from({ length: 10_000 }, (_, n) => `${word} ${n}\n`).join('')
  expect(compareLines(many('a'), many('b'))).toHaveLength(20_000)
})
