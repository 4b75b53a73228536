import type { Event } from '../event.ts'
import type { Json } from '../values.ts'
import type { Difference } from './difference.ts'
import type { Bisection, Parting } from './first-cause.ts'

/** What kind of cause it is; `code`: the step's own code, or what it looked at outside of its inputs. */
export type CauseKind =
  | 'definition'
  | 'input'
  | 'limits'
  | 'version'
  | 'answer'
  | 'approval'
  | 'cancelled'
  | 'chance'
  | 'code'
  | 'unfinished'

/** A difference between two runs, for a reader. */
export interface CauseReport {
  readonly kind: CauseKind
  readonly step?: string
  /** The events that settled it. */
  readonly a?: { readonly seq: number; readonly type: string }
  readonly b?: { readonly seq: number; readonly type: string }
  /** One sentence, without a full stop. Foreign in part. */
  readonly words: string
  readonly differences: readonly Difference[]
}

/** One link of the way from the cause to the end. */
export interface LinkReport {
  readonly step?: string
  readonly a?: number
  readonly b?: number
  readonly words: string
}

/** Long contents are shown from a little before the place where they part. */
const SHOWN = 160
const BEFORE = 40

export function reportCause(parting: Parting, { seeds_differ }: Pick<Bisection, 'seeds_differ'>): CauseReport {
  const { a, b, differences } = parting
  const fact = a ?? b
  const kind = kindOf(parting, seeds_differ)
  return {
    kind,
    ...(fact?.step === undefined ? {} : { step: fact.step }),
    ...(a ? { a: sketch(a.event) } : {}),
    ...(b ? { b: sketch(b.event) } : {}),
    words: describeCause(parting, kind),
    differences: differences.map(shortenSides),
  }
}

export function reportLink({ a, b, ...parting }: Parting): LinkReport {
  const step = (a ?? b)?.step
  return {
    ...(step === undefined ? {} : { step }),
    ...(a ? { a: a.event.seq } : {}),
    ...(b ? { b: b.event.seq } : {}),
    words: describeLink({ a, b, ...parting }),
  }
}

function sketch({ seq, type }: Event) {
  return { seq, type }
}

function kindOf({ a, b }: Parting, seedsDiffer: boolean): CauseKind {
  const fact = a ?? b
  switch (fact?.kind) {
    case 'plan':
      return 'definition'
    case 'input':
    case 'limits':
    case 'version':
    case 'approval':
      return fact.kind
    case 'cancel':
      return 'cancelled'
    case 'answer':
      return a && b ? 'answer' : 'unfinished'
    case 'start':
    case 'finish':
      return 'unfinished'
    default:
      if (!a || !b) return 'unfinished'
      return seedsDiffer ? 'chance' : 'code'
  }
}

function describeCause({ a, b, differences }: Parting, kind: CauseKind): string {
  const fact = a ?? b
  const step = fact?.step ?? ''
  switch (kind) {
    case 'definition':
      if (!a || !b) return `only ${a ? 'A' : 'B'} has the step ${step}`
      return `the definition of ${step} differs: ${nameAll(differences)}`
    case 'input':
      return 'the runs were given different inputs'
    case 'limits':
      return `the runs have different limits: ${nameAll(differences)}`
    case 'version':
      return `the program's code for ${fact?.name.slice('version '.length)} steps has another version`
    case 'answer':
      return describeAnswers(a?.event, b?.event, step)
    case 'approval':
      return `${step} was ${a ? saidOf(a.event) : 'not decided on'} in A and ${b ? saidOf(b.event) : 'not decided on'} in B`
    case 'cancelled':
      return `only ${a ? 'A' : 'B'} was cancelled`
    case 'chance':
      return `${step} came out differently from the same: it draws by lot, and the seeds differ`
    case 'code':
      return `${step} came out differently although all it read is the same: its code has changed, or it looks at the clock`
    case 'unfinished':
      return `only ${a ? 'A' : 'B'} came this far: ${describeLink({ a, b })}`
  }
}

function describeAnswers(a: Event | undefined, b: Event | undefined, step: string): string {
  for (const [side, event] of [
    ['A', a],
    ['B', b],
  ] as const)
    if (event?.type === 'effect-intended' || event?.type === 'run-forked')
      return `${step} was given its answer when ${side} was forked`
  if (a?.type === 'effect-done' && b?.type === 'effect-done')
    return `${step} asked the same and got different answers${a.data.source === 'person' ? ' from a person' : ''}`
  return `${step} asked the same: in A it ${outcomeOf(a)}, in B it ${outcomeOf(b)}`
}

function outcomeOf(event: Event | undefined): string {
  switch (event?.type) {
    case 'effect-failed':
      return `failed (${event.data.code}: ${event.data.message})`
    case 'effect-unknown':
      return 'is not known to have happened'
    case 'budget-refused':
      return 'was refused by the budget'
    default:
      return 'was answered'
  }
}

function saidOf({ type }: Event): string {
  return type === 'approval-given' ? 'allowed' : 'not allowed'
}

function describeLink({ a, b }: Pick<Parting, 'a' | 'b'>): string {
  const fact = a ?? b
  const step = fact?.step ?? ''
  const one = !a || !b
  const only = one ? ` (only in ${a ? 'A' : 'B'})` : ''
  switch (fact?.kind) {
    case 'plan':
      return `${step} is defined otherwise${only}`
    case 'input':
      return 'the input'
    case 'ask':
      return `${step} asks ${one ? `something${only}` : 'something else'}`
    case 'answer':
      return one ? `${step} has an answer${only}` : `${step} gets another answer`
    case 'start':
      return `${step} starts${only}`
    case 'record':
      return `${step} ${fact.event.type === 'steps-added' ? 'proposes' : 'records'} ${one ? `something${only}` : 'something else'}`
    case 'end':
      return one ? `${step} ${endOf(fact.event)}${only}` : describeEnds(step, a.event, b.event)
    case 'finish':
      return one ? `the run ends${only}` : `the run ends as ${statusOf(a.event)} in A and as ${statusOf(b.event)} in B`
    default:
      return `${fact?.name ?? ''}${only}`
  }
}

function describeEnds(step: string, a: Event, b: Event): string {
  if (a.type === b.type) return `${step} ${a.type === 'step-finished' ? 'has another output' : `${endOf(a)} otherwise`}`
  return `${step} ${endOf(a)} in A and ${endOf(b)} in B`
}

function endOf(event: Event): string {
  switch (event.type) {
    case 'step-finished':
      return 'succeeded'
    case 'step-failed':
      return `failed (${event.data.code})`
    case 'step-skipped':
      return 'was skipped'
    default:
      return 'was cancelled'
  }
}

function statusOf(event: Event): string {
  return event.type === 'run-finished' ? event.data.status : event.type
}

const NAMED = 4

function nameAll(differences: readonly Difference[]): string {
  const names = [...new Set(differences.map(({ path }) => nameSetting(path)))]
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : ''
  return `${names.slice(0, NAMED).join(', ')}${more}`
}

const SETTINGS: readonly (readonly [RegExp, string])[] = [
  [/candidates\/0\/(?:model|provider|profile)$/, 'model'],
  [/candidates\/0\/(.+)$/, 'model settings'],
  [/candidates(?:\/|$)/, 'fallback models'],
  [/(?:^|\/)system$/, 'system prompt'],
  [/template(?:\/|$)/, 'template'],
  [/script\/(?:sha256|text)$/, 'script'],
  [/script\//, 'where the script is'],
  [/parameters(?:\/|$)/, 'parameters'],
  [/expression$/, 'condition'],
  [/(?:^|\/)after(?:\/|$)/, 'what it waits for'],
  [/timeout_ms$/, 'time limit'],
  [/max_iterations$/, 'number of rounds'],
  [/(?:^|\/)(?:title|blocks\/\d+\/label)$/, 'what agents are called in prompts'],
  [/output_schema(?:\/|$)/, 'form of the answer'],
  [/checks(?:\/|$)/, 'checks'],
]

/** A place in a definition in the words of those who write ensembles; below other steps with their place. */
export function nameSetting(path: string): string {
  const known = SETTINGS.find(([pattern]) => pattern.test(path))?.[1]
  const inside =
    path.split('/').includes('steps') || path.startsWith('spec/step/') ? ` (${path.replace(/^spec\//, '')})` : ''
  return known === undefined ? path.replace(/^spec\//, '') : `${known}${inside}`
}

/** Both sides of a difference; of long texts the part where they part. */
export function shortenSides({ path, a, b }: Difference): Difference {
  if (typeof a !== 'string' || typeof b !== 'string') return { path, a: cut(a, 0), b: cut(b, 0) }
  let same = 0
  while (same < a.length && a[same] === b[same]) same += 1
  const from = Math.max(0, same - BEFORE)
  return { path, a: cut(a, from), b: cut(b, from) }
}

function cut(value: Json | undefined, from: number): Json | undefined {
  if (value === undefined || value === null || typeof value === 'number' || typeof value === 'boolean') return value
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (text.length <= SHOWN) return value
  const part = text.slice(from, from + SHOWN).toWellFormed()
  return `${from > 0 ? '…' : ''}${part}${from + SHOWN < text.length ? '…' : ''}`
}
