/** What something takes. Infinity: there is no limit, or nobody knows. */
export interface Figures {
  /** Nano-dollars. */
  readonly cost: number
  /** In and out together. */
  readonly tokens: number
  readonly calls: number
  /** From start to end. */
  readonly ms: number
  /** The same as if nothing ran side by side. */
  readonly busy: number
}

export interface Bounds {
  readonly least: Figures
  readonly expected: Figures
  readonly worst: Figures
}

/** How many tokens a text is that a model is to read. `least` counts what is there for certain. */
export interface Reading {
  readonly least: number
  readonly expected: number
  readonly worst: number
  /** How much longer than in earlier runs it is expected to be, where that is known. */
  readonly shift?: number
  /** Why there is no limit, when `worst` is Infinity. */
  readonly why?: string
}

/** Why something has no limit, and in which step. `time`: money and tokens have one. */
export interface Unbounded {
  readonly step: string
  readonly what: 'cost' | 'time'
  readonly why: string
}

export const NO_FIGURES: Figures = { cost: 0, tokens: 0, calls: 0, ms: 0, busy: 0 }
export const NO_BOUNDS: Bounds = { least: NO_FIGURES, expected: NO_FIGURES, worst: NO_FIGURES }
export const NO_READING: Reading = { least: 0, expected: 0, worst: 0 }
const ENDLESS: Figures = { cost: Infinity, tokens: Infinity, calls: Infinity, ms: Infinity, busy: Infinity }
/** Nothing can be said but that it may be nothing at all. */
export const ENDLESS_BOUNDS: Bounds = { least: NO_FIGURES, expected: ENDLESS, worst: ENDLESS }

/** One after the other. */
export function addFigures(a: Figures, b: Figures): Figures {
  return {
    cost: a.cost + b.cost,
    tokens: a.tokens + b.tokens,
    calls: a.calls + b.calls,
    ms: a.ms + b.ms,
    busy: a.busy + b.busy,
  }
}

function scaleFigures(figures: Figures, times: number): Figures {
  const { cost, tokens, calls, ms, busy } = figures
  return {
    cost: multiply(cost, times),
    tokens: multiply(tokens, times),
    calls: multiply(calls, times),
    ms: multiply(ms, times),
    busy: multiply(busy, times),
  }
}

/** One after the other, all of them. */
export function sumBounds(parts: readonly Bounds[]): Bounds {
  return mapCases((which) => parts.reduce((sum, part) => addFigures(sum, part[which]), NO_FIGURES))
}

/** One after the other, so many times in each case. */
export function scaleBounds(bounds: Bounds, times: Readonly<Record<keyof Bounds, number>>): Bounds {
  return mapCases((which) => scaleFigures(bounds[which], times[which]))
}

export function mapCases(make: (which: keyof Bounds) => Figures): Bounds {
  return { least: make('least'), expected: make('expected'), worst: make('worst') }
}

export function addReadings(readings: readonly Reading[]): Reading {
  const sum = { least: 0, expected: 0, worst: 0, shift: 0 }
  for (const { least, expected, worst, shift = 0 } of readings) {
    sum.least += least
    sum.expected += expected
    sum.worst += worst
    sum.shift += shift
  }
  const why = readings.find((reading) => reading.worst === Infinity)?.why
  return why === undefined ? sum : { ...sum, why }
}

export function scaleReading(reading: Reading, times: Readonly<Record<keyof Bounds, number>>): Reading {
  return {
    ...reading,
    least: multiply(reading.least, times.least),
    expected: multiply(reading.expected, times.expected),
    worst: multiply(reading.worst, times.worst),
  }
}

/** Nothing, however often, is nothing; and so is anything that never happens. */
export function multiply(amount: number, times: number): number {
  return amount === 0 || times === 0 ? 0 : amount * times
}

export function capBounds(
  bounds: Bounds,
  limits: { readonly max_cost?: number; readonly max_tokens?: number; readonly max_calls?: number },
): Bounds {
  const { max_cost = Infinity, max_tokens = Infinity, max_calls = Infinity } = limits
  return mapCases((which) => {
    const { cost, tokens, calls, ...time } = bounds[which]
    return {
      cost: Math.min(cost, max_cost),
      tokens: Math.min(tokens, max_tokens),
      calls: Math.min(calls, max_calls),
      ...time,
    }
  })
}

/** Each reason once. */
export function joinReasons(reasons: readonly Unbounded[]): readonly Unbounded[] {
  return [...new Map(reasons.map((reason) => [`${reason.step} ${reason.what} ${reason.why}`, reason])).values()]
}
