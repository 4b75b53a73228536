import type { EventOf } from '../event.ts'
import { answerFits } from '../presets.ts'
import type { Value } from '../values.ts'
import type { View } from './view.ts'

/** One touch of the world: what was meant, and what became of it. */
export interface LedgerEntry {
  readonly key: string
  readonly step: string
  readonly attempt: number
  readonly kind: string
  readonly safety: EventOf<'effect-intended'>['data']['safety']
  /** The first intent; it holds the request's content. */
  readonly seq: number
  readonly request: Value
  /** `reused`: the answer of an earlier attempt, or of a fork, was given again. */
  outcome: 'open' | 'done' | 'failed' | 'unknown' | 'reused'
  /** How often it was begun; 0 where an answer was reused. */
  tries: number
  /** Who answered; absent while nobody has. */
  source?: 'world' | 'person' | 'cache' | 'record'
  /** The event of the outcome. */
  answered?: number
  code?: string
  /** Of an unsafe one that failed: it may have happened, or had begun. */
  touched?: 'maybe' | 'yes'
  /** Nano-dollars of all tries, as far as somebody told. */
  cost?: number
  /** ms UTC of the newest intent, or since when its outcome is unknown. */
  since: number
}

export interface Ledger {
  /** In the order of their intents. */
  readonly entries: LedgerEntry[]
  /** The newest entry of each key. */
  readonly newest: Map<string, LedgerEntry>
}

/** Every intent of a run, with its outcome. */
export const ledgerView: View<Ledger> = {
  initial: () => ({ entries: [], newest: new Map() }),
  evolve: (state, event) => {
    switch (event.type) {
      case 'effect-intended':
        intend(state, event)
        break
      case 'effect-done':
      case 'effect-failed':
        settle(state, event)
        break
      case 'effect-unknown': {
        const entry = state.newest.get(event.data.key)
        if (entry) Object.assign(entry, { outcome: 'unknown', since: event.at })
        break
      }
      case 'run-forked':
        for (const answer of event.data.change.answers ?? []) {
          const waits = ({ step, outcome }: LedgerEntry) =>
            step === answer.step && (outcome === 'open' || outcome === 'unknown')
          const entry = state.entries.find((each) => waits(each) && answerFits(answer, each))
          if (entry) Object.assign(entry, { outcome: 'done', source: 'person', answered: event.seq })
        }
    }
    return state
  },
}

function intend(state: Ledger, { data, seq, at }: EventOf<'effect-intended'>): void {
  const { key, step, attempt, kind, safety, request, redo, answered_by } = data
  const known = state.newest.get(key)
  if (known && redo !== undefined) {
    known.tries += 1
    known.outcome = 'open'
    known.since = at
    delete known.source
    delete known.answered
    delete known.code
    delete known.touched
    return
  }
  const reused =
    answered_by === undefined
      ? ({ outcome: 'open', tries: 1 } as const)
      : ({ outcome: 'reused', tries: 0, source: 'record', answered: answered_by } as const)
  const entry: LedgerEntry = { key, step, attempt, kind, safety, seq, request, since: at, ...reused }
  state.entries.push(entry)
  state.newest.set(key, entry)
}

function settle(state: Ledger, event: EventOf<'effect-done'> | EventOf<'effect-failed'>): void {
  const { data, actor, seq } = event
  const entry = state.newest.get(data.key)
  if (!entry) return
  entry.outcome = event.type === 'effect-done' ? 'done' : 'failed'
  const told = event.type === 'effect-done' ? event.data.source : undefined
  entry.source = told ?? (actor === 'person' ? 'person' : 'world')
  entry.answered = seq
  if (event.type === 'effect-failed') {
    entry.code = event.data.code
    const { touched } = event.data
    if (entry.safety === 'unsafe' && touched !== 'no' && actor !== 'person') entry.touched = touched
  }
  if (data.cost !== undefined) entry.cost = (entry.cost ?? 0) + data.cost
}
