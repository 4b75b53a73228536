import type { GraphStep } from '../graph/step-graph.ts'
import { quoteAgent } from './quote-agent.ts'
import { quoteAssembly } from './quote-assembly.ts'
import {
  capBounds,
  ENDLESS_BOUNDS,
  type Figures,
  NO_BOUNDS,
  NO_READING,
  type Reading,
  type Unbounded,
} from './quote-figures.ts'
import { quoteGraceful } from './quote-graceful.ts'
import { type StepQuote, type StepWork, seenBy } from './quote-means.ts'
import { quoteDispatch, quoteEach, quoteLoop, quoteNested, quoteQueries } from './quote-parts.ts'
import { medianOf } from './quote-past.ts'
import { quotePlan } from './quote-plan.ts'
import { quoteVerified } from './quote-verified.ts'

const LONGEST_SCRIPT_ANSWER = 'what scripts print has no limit'
const NO_ANSWER_LIMIT: Reading = { least: 0, expected: 100, worst: Infinity }

/** What one step takes each time it runs. Kinds that propose steps add up what those take. */
export function quoteStep(work: StepWork): StepQuote {
  return holdBudget(work.step, quoteKind(work))
}

function quoteKind(work: StepWork): StepQuote {
  const { step, place, means } = work
  switch (step.kind) {
    case 'agent': {
      const { input, dependencies } = seenBy(work)
      return quoteAgent({ step, place, dependencies, means, ...(input ? { input } : {}) })
    }
    case 'condition':
      return { id: place, kind: step.kind, bounds: NO_BOUNDS, output: NO_READING, unbounded: [], basis: 'certain' }
    case 'script':
    case 'tool':
      return quoteWork(work)
    case 'gate':
      return quoteGate(work)
    case 'each':
      return quoteEach(work)
    case 'queries':
      return quoteQueries(work)
    case 'loop':
      return quoteLoop(work)
    case 'nested':
      return quoteNested(work)
    case 'graceful':
      return quoteGraceful(work)
    case 'dispatch':
      return quoteDispatch(work)
    case 'verified':
      return quoteVerified(work)
    case 'assemble':
      return quoteAssembly(work)
    case 'plan':
      return quotePlan(work)
    default:
      return {
        id: place,
        kind: step.kind,
        bounds: ENDLESS_BOUNDS,
        output: { ...NO_ANSWER_LIMIT, why: `nobody knows what ${place} answers` },
        unbounded: [{ step: place, what: 'cost', why: `nobody knows what a step of the kind ${step.kind} takes` }],
        basis: 'guess',
      }
  }
}

/** A program takes time, and no money. */
function quoteWork({ step, place, means }: StepWork): StepQuote {
  const { tries } = means.limits
  const attempts = step.retry?.attempts ?? 1
  const seen = means.past.steps.get(place)?.ms ?? []
  const usual = medianOf(seen)
  const longest = step.timeout_ms === undefined ? Infinity : step.timeout_ms * attempts * tries
  const timed = (ms: number): Figures => ({ cost: 0, tokens: 0, calls: 0, ms, busy: ms })
  return {
    id: place,
    kind: step.kind,
    bounds: {
      least: timed(seen.length === 0 ? 0 : seen.reduce((least, one) => Math.min(least, one), Infinity)),
      expected: timed(Math.min(usual ?? 1_000, longest)),
      worst: timed(longest),
    },
    output: {
      ...NO_ANSWER_LIMIT,
      why: step.kind === 'tool' ? `what ${place} answers has no limit` : LONGEST_SCRIPT_ANSWER,
    },
    unbounded: longest < Infinity ? [] : [{ step: place, what: 'time', why: `the ${step.kind} has no time limit` }],
    basis: usual === undefined ? 'guess' : 'history',
  }
}

/** A person takes the time they take. */
function quoteGate(work: StepWork): StepQuote {
  const quote = quoteWork(work)
  const unbounded: Unbounded[] = quote.unbounded.map((one) => ({ ...one, why: 'it waits for a person' }))
  return { ...quote, output: { ...NO_ANSWER_LIMIT, why: 'what a person answers has no limit' }, unbounded }
}

/** What a step and all below it may spend, they cannot exceed, unless a person may give more or what has no price is free. */
function holdBudget({ budget }: GraphStep, quote: StepQuote): StepQuote {
  const held = budget && (budget.on_limit === 'ask' || budget.unpriced === 'allow' ? budget.within : budget)
  if (!held) return quote
  const bounds = capBounds(quote.bounds, held)
  const unbounded =
    bounds.worst.cost < Infinity ? quote.unbounded.filter(({ what }) => what !== 'cost') : quote.unbounded
  return { ...quote, bounds, unbounded }
}
