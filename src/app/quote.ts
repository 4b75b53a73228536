import { DEFAULT_LIMITS, readEvents } from '../engine/engine.ts'
import { OrcError } from '../events/errors.ts'
import type { Event, RunLimits } from '../events/event.ts'
import type { Json } from '../events/values.ts'
import { formatCost } from '../events/views/amounts.ts'
import type { App } from './app.ts'
import { type Bounds, capBounds, type Figures, mapCases, type Reading, type Unbounded } from './quote-figures.ts'
import { quoteGraph } from './quote-graph.ts'
import { type QuoteMeans, readInput, type StepQuote } from './quote-means.ts'
import { addRun, createPast, medianOf, type Past } from './quote-past.ts'
import { quoteStep } from './quote-step.ts'
import { sketchRuns } from './run-sketch.ts'
import type { Target } from './target.ts'

/** Cost in integer nano-dollars; tokens in and out together; ms from start to end. What is absent has no limit, or nobody knows it. */
export interface QuotedFigures {
  readonly cost?: number
  readonly tokens?: number
  readonly calls?: number
  readonly ms?: number
}

/** `least`: nothing fails, and what may be left out is. `worst`: everything goes to its limits. */
export interface QuotedBounds {
  readonly least: QuotedFigures
  readonly expected: QuotedFigures
  readonly worst: QuotedFigures
}

export interface QuotedStep extends QuotedBounds {
  /** `[]`, `#` and nothing stand for the numbers of items, rounds and repairs. */
  readonly id: string
  readonly kind: string
  readonly model?: string
  /** What `expected` rests on: earlier runs, or guesses. */
  readonly basis: StepQuote['basis']
  /** The steps that it proposes, each as it runs once. */
  readonly inside?: readonly QuotedStep[]
}

/** What a run would take, said before it. */
export interface Quote {
  readonly target: { readonly kind: string; readonly name: string }
  /** Earlier runs of it that `expected` rests on. */
  readonly runs: number
  readonly steps: readonly QuotedStep[]
  readonly total: QuotedBounds
  /** Why something has no limit, and where. */
  readonly unbounded: readonly Unbounded[]
  /** The limit on cost that was asked about, in nano-dollars. */
  readonly cap?: number
  /** False: the worst case exceeds the cap. */
  readonly ok: boolean
  readonly provider_notes: readonly string[]
}

export interface QuoteOrder {
  readonly target: Target
  readonly input: Json
  readonly limits?: Partial<RunLimits>
  /** Nano-dollars. */
  readonly cap?: number
}

/** Newest runs that are looked at: of the same target, and of others, which say something about the models. */
const OWN_RUNS = 20
const OTHER_RUNS = 20
const LOOKED_THROUGH = 200
const EVENTS_READ = 50_000

/** Throws OrcError `quote_unbounded` when there is a cap and no limit on what the run may cost. */
export async function quoteTarget(app: App, { target, input, limits = {}, cap }: QuoteOrder): Promise<Quote> {
  const past = await readPast(app, target)
  const quote = quoteRun(target.graph, {
    input,
    past,
    limits: { ...DEFAULT_LIMITS, ...limits },
    isFree: (provider) => app.models.isFree(provider),
  })
  const { cost = Infinity } = quote.total.worst
  if (cap !== undefined && cost === Infinity) throw refuseCap(quote.unbounded, cap)
  const { kind, name } = target
  return {
    target: { kind, name },
    runs: past.runs,
    ...quote,
    ...(cap === undefined ? {} : { cap }),
    ok: cap === undefined || cost <= cap,
    provider_notes: target.notes,
  }
}

function refuseCap(unbounded: readonly Unbounded[], cap: number): OrcError {
  const reasons = unbounded.filter(({ what }) => what === 'cost').map(({ step, why }) => `${step}: ${why}`)
  const more = reasons.length > 3 ? `; and ${reasons.length - 3} more` : ''
  return new OrcError({
    code: 'quote_unbounded',
    message: `the cost is unbounded, so it cannot be held under ${formatCost(cap)}: ${reasons.slice(0, 3).join('; ')}${more}`,
    hint: 'Give what is named a limit or a price, or give it a budget.',
  })
}

/** The quote of a graph. A pure function of the graph, the input, the limits and the past. */
export function quoteRun(
  graph: Target['graph'],
  about: Omit<QuoteMeans, 'step'> & { readonly input: Json },
): Pick<Quote, 'steps' | 'total' | 'unbounded'> {
  const { input, ...rest } = about
  const means: QuoteMeans = { ...rest, step: quoteStep }
  const { steps, bounds, unbounded } = quoteGraph(graph, {
    prefix: '',
    input: compareInput(input, means.past),
    given: input,
    means,
  })
  const timed = queue(bounds, means.limits)
  const { budget } = graph
  const holds = budget && budget.on_limit !== 'ask' && budget.unpriced !== 'allow'
  const total = holds ? capBounds(timed, budget.limits) : timed
  const limited = total.worst.cost < Infinity
  return {
    steps: steps.filter(({ kind }) => kind !== 'condition').map(describeStep),
    total: describeBounds(total),
    unbounded: unbounded.filter(({ what }) => what === 'time' || !limited),
  }
}

/** An input that is longer than those before makes every request longer that holds it. */
function compareInput(input: Json, { inputs }: Past): Reading {
  const reading = readInput(input)
  const before = medianOf(inputs)
  if (before === undefined) return reading
  const bytes = new TextEncoder().encode(JSON.stringify(input)).length
  return { ...reading, shift: reading.expected * (1 - before / bytes) }
}

/** Fewer at once take longer, at most as long as the rest of the work shared by all places. */
function queue(bounds: Bounds, { max_concurrent: places = Infinity, timeout_ms = Infinity }: RunLimits): Bounds {
  return mapCases((which) => {
    const { ms, busy, ...others } = bounds[which]
    const shared = busy === Infinity && places === Infinity ? ms : busy / places
    const late = which === 'worst' ? ms + Math.max(0, busy - ms) / places : Math.max(ms, shared)
    return { ...others, busy, ms: Math.min(Number.isNaN(late) ? ms : late, timeout_ms) }
  })
}

function describeStep({ id, kind, model, basis, bounds, inside = [] }: StepQuote): QuotedStep {
  const shown = inside.filter((one) => one.kind !== 'condition')
  return {
    id,
    kind,
    ...(model === undefined ? {} : { model }),
    basis,
    ...describeBounds(bounds),
    ...(shown.length > 0 ? { inside: shown.map(describeStep) } : {}),
  }
}

function describeBounds({ least, expected, worst }: Bounds): QuotedBounds {
  return {
    least: describeFigures(least, Math.floor),
    expected: describeFigures(expected, Math.round),
    worst: describeFigures(worst, Math.ceil),
  }
}

function describeFigures({ cost, tokens, calls, ms }: Figures, round: (number: number) => number): QuotedFigures {
  const known = Object.entries({ cost, tokens, calls, ms }).filter(([, amount]) => Number.isFinite(amount))
  return Object.fromEntries(
    known.map(([key, amount]) => [key, key === 'calls' ? Math.round(amount * 10) / 10 : round(amount)]),
  )
}

/** What the newest runs tell, in one pass over each. */
async function readPast(app: App, { kind, name }: Target): Promise<Past> {
  const past = createPast()
  const store = await app.openJournal()
  let [own, others, seen, events] = [0, 0, 0, 0]
  for await (const { id, first, events: count } of sketchRuns(app, { all: true })) {
    seen += 1
    if (own >= OWN_RUNS || seen > LOOKED_THROUGH || events > EVENTS_READ) break
    const { target } = first?.data ?? {}
    if (!target) continue
    const same = target.kind === kind && target.name === name
    if (!same && others >= OTHER_RUNS) continue
    const read: Event[] = []
    for await (const event of readEvents(store, id)) read.push(event)
    addRun(past, read, same)
    events += count
    if (same) own += 1
    else others += 1
  }
  return past
}
