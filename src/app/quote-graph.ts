import type { GraphStep, StepGraph } from '../graph/step-graph.ts'
import {
  addReadings,
  type Bounds,
  mapCases,
  NO_READING,
  type Reading,
  scaleBounds,
  type Unbounded,
} from './quote-figures.ts'
import type { QuoteMeans, StepQuote, StepWork } from './quote-means.ts'
import { frequencyOf } from './quote-past.ts'

/** Where a graph is put. */
export interface GraphPlace extends Pick<StepWork, 'input' | 'given' | 'means'> {
  /** Before the ids of its steps. */
  readonly prefix: string
  /** The step that proposes them; absent for those of the run itself. */
  readonly parent?: string
}

export interface GraphQuote {
  readonly steps: readonly StepQuote[]
  readonly bounds: Bounds
  readonly output: Reading
  readonly unbounded: readonly Unbounded[]
}

/** A whole graph: sums of money and tokens, and the longest way through it in time. */
export function quoteGraph(graph: StepGraph, at: GraphPlace): GraphQuote {
  const quotes = new Map<string, StepQuote>()
  const skips = new Map<string, boolean>()
  for (const step of inOrder(graph.steps)) {
    const before = (step.after ?? []).filter(({ on }) => on !== 'verdict')
    const dependencies = before.map(({ step: name }) => ({ name, reading: quotes.get(name)?.output ?? NO_READING }))
    const place = `${at.prefix}${step.id}`
    const { input, means } = at
    const quote = means.step({
      step,
      place,
      input,
      dependencies,
      means,
      ...(at.given === undefined ? {} : { given: at.given }),
    })
    const skippable = isSkippable(step, skips)
    skips.set(step.id, skippable)
    quotes.set(step.id, oftenAs(quote, { parent: at.parent, skippable, means }))
  }
  const steps = [...quotes.values()]
  return {
    steps,
    bounds: passThrough(graph.steps, quotes),
    output: outputOf(graph, quotes),
    unbounded: steps.flatMap(({ unbounded }) => unbounded),
  }
}

/** As often as it ran before; what may be left out costs nothing at least. */
export function oftenAs(
  quote: StepQuote,
  how: {
    readonly parent?: string | undefined
    readonly skippable: boolean
    readonly means: QuoteMeans
    readonly usual?: number
  },
): StepQuote {
  const times = frequencyOf(how.means.past, quote.id, how.parent) ?? how.usual ?? 1
  const bounds = scaleBounds(quote.bounds, { least: how.skippable ? 0 : 1, expected: times, worst: 1 })
  return { ...quote, bounds }
}

/** Dependencies first, else as written. */
function inOrder(steps: readonly GraphStep[]): readonly GraphStep[] {
  const byId = new Map(steps.map((step) => [step.id, step]))
  const ordered = new Set<GraphStep>()
  const seen = new Set<GraphStep>()
  const visit = (step: GraphStep) => {
    if (seen.has(step)) return
    seen.add(step)
    for (const edge of step.after ?? []) {
      const other = byId.get(edge.step)
      if (other) visit(other)
    }
    ordered.add(step)
  }
  for (const step of steps) visit(step)
  return [...ordered]
}

/** May it be left out although nothing fails? */
function isSkippable({ after = [] }: GraphStep, skips: ReadonlyMap<string, boolean>): boolean {
  const mayBeSkipped = (name: string) => skips.get(name) === true
  if (after.some(({ on }) => on === 'verdict' || on === 'failure')) return true
  if (after.some(({ step, on }) => on === 'success' && mayBeSkipped(step))) return true
  return after.length > 0 && after.every(({ step }) => mayBeSkipped(step))
}

function passThrough(steps: readonly GraphStep[], quotes: ReadonlyMap<string, StepQuote>): Bounds {
  return mapCases((which) => {
    const ends = new Map<string, number>()
    const sum = { cost: 0, tokens: 0, calls: 0, ms: 0, busy: 0 }
    for (const step of inOrder(steps)) {
      const { cost = 0, tokens = 0, calls = 0, ms = 0, busy = 0 } = quotes.get(step.id)?.bounds[which] ?? {}
      sum.cost += cost
      sum.tokens += tokens
      sum.calls += calls
      sum.busy += busy
      const start = (step.after ?? []).reduce((latest, edge) => Math.max(latest, ends.get(edge.step) ?? 0), 0)
      ends.set(step.id, start + ms)
      sum.ms = Math.max(sum.ms, start + ms)
    }
    return sum
  })
}

function outputOf({ steps, output }: StepGraph, quotes: ReadonlyMap<string, StepQuote>): Reading {
  const awaited = new Set(steps.flatMap(({ after = [] }) => after.map((edge) => edge.step)))
  const last = output === undefined ? steps.filter(({ id }) => !awaited.has(id)).map(({ id }) => id) : [output]
  return addReadings(last.map((id) => quotes.get(id)?.output ?? NO_READING))
}
