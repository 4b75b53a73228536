import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, toJson } from './canonical.ts'
import type { Json } from './values.ts'

function shuffleKeys(value: unknown, seed: number): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffleKeys(item, seed))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, item]) => [key, shuffleKeys(item, seed)] as const)
  return Object.fromEntries(
    seed % 2 === 0
      ? entries.toReversed()
      : entries.toSorted(([a], [b]) => (a.length - b.length) * 31 + (a < b ? 1 : -1)),
  )
}

describe('canonical JSON', () => {
  test('B24 the order in which keys were made does not matter, and parsing gives the same back', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (value, seed) => {
        const plain = toJson(value)
        if (!plain.ok) return
        const text = canonicalJson(plain.json)
        expect(canonicalJson(shuffleKeys(plain.json, seed))).toBe(text)
        expect(canonicalJson(JSON.parse(text))).toBe(text)
      }),
      { numRuns: 500 },
    )
  })

  test('keys that look like integers stand in the order of their characters, not of their numbers', () => {
    expect(canonicalJson({ 9: 1, 10: 2, b: 3 })).toBe('{"10":2,"9":1,"b":3}')
    expect(canonicalJson({ b: { 2: 0, 10: 0 }, a: 1 })).toBe('{"a":1,"b":{"10":0,"2":0}}')
  })

  test('keys are compared by UTF-16 code units, whatever the locale', () => {
    expect(canonicalJson({ é: 1, z: 2, '\u{10000}': 3, '\uffff': 4 })).toBe('{"z":2,"é":1,"\u{10000}":3,"\uffff":4}')
  })

  test('texts that only look the same stay different', () => {
    expect(canonicalJson('é'.normalize('NFC'))).not.toBe(canonicalJson('é'.normalize('NFD')))
  })

  test('numbers are written as JavaScript writes them', () => {
    expect(canonicalJson([1e21, 1e-7, 0.1 + 0.2, 100])).toBe('[1e+21,1e-7,0.30000000000000004,100]')
  })
})

describe('what becomes plain JSON', () => {
  test.each<[string, unknown, Json]>([
    ['-0 becomes 0', -0, 0],
    ['undefined properties vanish', { a: undefined, b: 1 }, { b: 1 }],
    ['lone surrogates are replaced', 'a\ud800b', 'a\ufffdb'],
    ['lone surrogates in keys too', { '\udc00': 1 }, { '\ufffd': 1 }],
    ['objects without prototype are fine', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ])('%s', (_, given, wanted) => {
    expect(toJson(given)).toEqual({ ok: true, json: wanted })
  })

  const circle: { self?: unknown } = {}
  circle.self = circle
  test.each<[string, unknown]>([
    ['NaN', { a: Number.NaN }],
    ['infinity', [Infinity]],
    ['a date', new Date(0)],
    ['a map', new Map()],
    ['a function', () => 1],
    ['a bigint', 1n],
    ['undefined in a list', [undefined]],
    ['a class instance', new (class A {})()],
    ['a circle', circle],
    ['a key named __proto__', JSON.parse('{"__proto__": {"polluted": true}}')],
  ])('B03 %s is refused, and nothing is polluted', (_, given) => {
    expect(toJson(given).ok).toBe(false)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test('very deep nesting is refused, not a crash', () => {
    let deep: unknown = 1
    for (let i = 0; i < 5_000; i++) deep = [deep]
    expect(toJson(deep).ok).toBe(false)
  })
})
