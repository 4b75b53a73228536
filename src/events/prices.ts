/** What a price in dollars is for: so many tokens. */
export const PRICE_UNITS = { per_million: 1_000_000, per_1k: 1_000, per_token: 1 } as const

export type PriceUnit = keyof typeof PRICE_UNITS

/** Dollars for a million tokens: no model costs more, and none that costs something costs less. */
const PRICE_BOUNDS = { most: 1_000, least: 0.001 } as const

export type PriceRead =
  /** Integer nano-dollars for a million tokens. */
  | { readonly ok: true; readonly nano: number }
  /** `meant`: the unit under which the number would be a usual price. */
  | { readonly ok: false; readonly fault: string; readonly meant?: PriceUnit }

/** A price that somebody wrote, held against what prices can be. */
export function readPrice(dollars: number, unit: PriceUnit = 'per_million'): PriceRead {
  if (!Number.isFinite(dollars)) return { ok: false, fault: 'is not a number' }
  if (dollars < 0) return { ok: false, fault: 'is below zero' }
  const million = toMillion(dollars, unit)
  const { most, least } = PRICE_BOUNDS
  if (million <= most && (million >= least || dollars === 0)) return { ok: true, nano: toNano(dollars, unit) }
  const much = million > most
  const fault = `comes to $${showDollars(million)} for a million tokens, ${much ? `more than $${most}` : `less than $${least}`}`
  const meant = guessUnit(dollars, unit)
  return { ok: false, fault, ...(meant ? { meant } : {}) }
}

/** Nano-dollars for a million tokens as dollars: 3_000_000_000 is 3. */
export function toDollars(nano: number): number {
  return nano / 1e9
}

/** Digits as people write prices: `0.075`, `3`, `3000000`. */
export function showDollars(dollars: number): string {
  const text = dollars.toPrecision(6)
  return /e/.test(text)
    ? dollars.toLocaleString('en-US', { useGrouping: false, maximumSignificantDigits: 6 })
    : `${Number(text)}`
}

function toMillion(dollars: number, unit: PriceUnit): number {
  return (dollars * 1_000_000) / PRICE_UNITS[unit]
}

/** Rounded once, from the number as it was written: floats never add up. */
function toNano(dollars: number, unit: PriceUnit): number {
  return Math.round(Math.abs(dollars) * (1e15 / PRICE_UNITS[unit]))
}

/** The other unit that makes it the most usual price, about $3 for a million tokens. */
function guessUnit(dollars: number, unit: PriceUnit): PriceUnit | undefined {
  const { most, least } = PRICE_BOUNDS
  const odd = (other: PriceUnit) => Math.abs(Math.log10(toMillion(dollars, other) / 3))
  return (Object.keys(PRICE_UNITS) as PriceUnit[])
    .filter((other) => {
      const million = toMillion(dollars, other)
      return other !== unit && million >= least && million <= most
    })
    .toSorted((a, b) => odd(a) - odd(b))[0]
}
