import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PRICE_UNITS, type PriceUnit, readPrice, showDollars } from './prices.ts'

const units = Object.keys(PRICE_UNITS) as PriceUnit[]

describe('B19 prices as people write them', () => {
  test('every price within bounds is kept to the nano-dollar, in every unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000_000, max: 1_000_000_000_000 }), fc.constantFrom(...units), (nano, unit) => {
        const dollars = nano / (1e15 / PRICE_UNITS[unit])
        expect(readPrice(dollars, unit)).toEqual({ ok: true, nano })
      }),
      { numRuns: 500 },
    )
  })

  test('no number gives a price below zero, above $1,000, or one that is no whole number', () => {
    fc.assert(
      fc.property(fc.double(), fc.constantFrom(...units), (dollars, unit) => {
        const read = readPrice(dollars, unit)
        if (!read.ok) return
        expect(Number.isSafeInteger(read.nano)).toBe(true)
        expect(read.nano).toBeGreaterThanOrEqual(0)
        expect(read.nano).toBeLessThanOrEqual(1_000_000_000_000)
      }),
      { numRuns: 500 },
    )
  })

  test('a usual price in the wrong unit is refused, and the right one is named', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 90_000 }), (mills) => {
        const million = mills / 1000
        expect(readPrice(million, 'per_token')).toMatchObject({ ok: false, meant: 'per_million' })
        expect(readPrice(million / 1e6, 'per_million')).toMatchObject({ ok: false, meant: 'per_token' })
      }),
    )
  })

  test.each([
    [3, 'per_token', 'per_million', 'comes to $3000000 for a million tokens, more than $1000'],
    [15, 'per_1k', 'per_million', 'comes to $15000 for a million tokens, more than $1000'],
    [0.000003, 'per_million', 'per_token', 'comes to $0.000003 for a million tokens, less than $0.001'],
    [0.0005, 'per_million', 'per_1k', 'comes to $0.0005 for a million tokens, less than $0.001'],
    [2_000, 'per_million', undefined, 'comes to $2000 for a million tokens, more than $1000'],
    [-1, 'per_million', undefined, 'is below zero'],
    [Number.NaN, 'per_million', undefined, 'is not a number'],
    [Infinity, 'per_token', undefined, 'is not a number'],
  ] as const)('%d %s', (dollars, unit, meant, fault) => {
    expect(readPrice(dollars, unit)).toEqual({ ok: false, fault, ...(meant ? { meant } : {}) })
  })

  test('zero is a price', () => {
    for (const unit of units) expect(readPrice(0, unit)).toEqual({ ok: true, nano: 0 })
    expect(readPrice(-0)).toEqual({ ok: true, nano: 0 })
  })

  test('dollars are shown with the digits they need', () => {
    expect([0.075, 3, 0.0000001, 12.5, 1e21].map(showDollars)).toEqual([
      '0.075',
      '3',
      '0.0000001',
      '12.5',
      '1000000000000000000000',
    ])
  })
})
