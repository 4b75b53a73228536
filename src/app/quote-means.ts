import { countAtMost } from '../context/count.ts'
import type { RunLimits } from '../events/event.ts'
import type { ModelCard } from '../events/model-card.ts'
import type { Json } from '../events/values.ts'
import type { Candidate } from '../graph/candidates.ts'
import type { InputRules } from '../graph/composite.ts'
import type { GraphStep } from '../graph/step-graph.ts'
import { isJsonObject, textOfJson } from '../steps/read-json.ts'
import { addReadings, type Bounds, NO_READING, type Reading, type Unbounded } from './quote-figures.ts'
import type { Past } from './quote-past.ts'

/** A step on its way to a quote: where it stands and what it sees. */
export interface StepWork {
  readonly step: GraphStep
  /** Its id without numbers. */
  readonly place: string
  readonly input: Reading
  /** The input itself, as long as it is known. */
  readonly given?: Json
  /** What it depends on, and what its proposer lets it see, in order. */
  readonly dependencies: readonly { readonly name: string; readonly reading: Reading }[]
  readonly means: QuoteMeans
}

/** What every part of a quote looks at. */
export interface QuoteMeans {
  readonly past: Past
  readonly limits: RunLimits
  /** Does the provider run on this machine, without a bill? */
  isFree(provider: string): boolean
  /** What one step takes each time it runs. */
  step(work: StepWork): StepQuote
}

/** What one step may take, once for each time the step that proposed it runs. */
export interface StepQuote {
  readonly id: string
  readonly kind: string
  readonly model?: string
  readonly bounds: Bounds
  readonly output: Reading
  readonly unbounded: readonly Unbounded[]
  /** What `expected` rests on. */
  readonly basis: 'history' | 'guess' | 'certain'
  /** Steps that it proposes, as they would run once. */
  readonly inside?: readonly StepQuote[]
}

/** What a picture or another file is held to be, as `context/count.ts` does. */
const PER_FILE = 2_000
/** Characters of usual text to a token. */
const USUAL_TOKEN = 4

/** Words are never fewer than tokens: no tokenizer in common use joins two. */
export function readText(text: string): Reading {
  return {
    least: text.match(/\S+/g)?.length ?? 0,
    expected: Math.ceil(text.length / USUAL_TOKEN),
    worst: countAtMost(text),
  }
}

/** An input as an agent reads it, with the files beside its text. */
export function readInput(input: Json): Reading {
  const text = readText(textOfJson(input))
  if (!isJsonObject(input)) return text
  const files = [input['images'], input['files']].flatMap((list) => (Array.isArray(list) ? list : [])).length
  return addReadings([text, { least: 0, expected: (files * PER_FILE) / 2, worst: files * PER_FILE }])
}

/** The card of a model; one that runs here costs nothing, whatever else is known of it. */
export function cardOf({ provider, model, card }: Candidate, { isFree }: QuoteMeans): ModelCard | undefined {
  if (card?.prices || !isFree(provider)) return card
  return { provider, model, sources: ['local'], ...card, prices: { input: 0, output: 0 } }
}

/** What rules leave of the input and the dependencies. */
export function seenBy({ step, input, dependencies }: StepWork): {
  readonly input?: Reading
  readonly dependencies: readonly Reading[]
} {
  const { input_key, input_scope } = (step.spec['rules'] ?? {}) as InputRules
  const readings = dependencies.map(({ reading }) => reading)
  if (input_key !== undefined) {
    const [first = NO_READING, ...others] = readings
    return { input: { ...first, least: 0 }, dependencies: others }
  }
  return input_scope === 'dependencies' ? { dependencies: readings } : { input, dependencies: readings }
}

/** The one input that a graph inside a step gets. */
export function composedInput(work: StepWork): Pick<StepWork, 'input' | 'given'> {
  const { input, dependencies } = seenBy(work)
  const whole = addReadings([...(input ? [input] : []), ...dependencies])
  const plain = work.dependencies.length === 0 && work.given !== undefined && work.step.spec['rules'] === undefined
  return {
    input: dependencies.length === 0 ? whole : { ...whole, least: 0 },
    ...(plain ? { given: work.given as Json } : {}),
  }
}
