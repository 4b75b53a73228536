import { leftOf, measureBudgets } from '../events/accounts.ts'
import type { Event } from '../events/event.ts'
import { evolve } from '../events/evolve.ts'
import { type Account, addAmounts, type BudgetAnswer, createAccount } from '../events/money.ts'
import { createRunState, type RunState } from '../events/state.ts'
import { upcast } from '../events/upcast.ts'
import type { Journal } from '../journal/journal.ts'

interface Folded {
  readonly state: RunState
  /** What calls have cost that nothing was held for, because nothing limited them. */
  readonly unheld: Account
  /** ms UTC of the first event. */
  started: number
  /** Steps that ask at the same time read the journal one after the other. */
  reading: Promise<void>
}

interface Place {
  readonly run: string
  readonly step: string
}

/** What a run's money looks like from one of its steps, by what is on disk of the run. */
export interface Purse {
  /** Nano-dollars that the budgets of the step have left; what was settled a moment ago may not be counted. */
  left(place: Place): Promise<number | undefined>
  budget(place: Place): Promise<BudgetAnswer>
}

/** Each event is read once for all the steps that ask. */
export function openPurse(journal: Pick<Journal, 'read'>): Purse {
  const runs = new Map<string, Folded>()
  const look = async (run: string): Promise<Folded> => {
    const folded = runs.get(run) ?? {
      state: createRunState(),
      unheld: createAccount(),
      started: 0,
      reading: Promise.resolve(),
    }
    runs.set(run, folded)
    folded.reading = folded.reading.then(() => readOn(journal, run, folded))
    await folded.reading
    return folded
  }
  return {
    left: async ({ run, step }) => {
      const { state } = await look(run)
      const asking = state.steps.get(step)
      return asking && leftOf(state, asking)
    },
    budget: async ({ run, step }) => {
      const { state, unheld, started } = await look(run)
      const { spent, ...others } = measureBudgets(state, step)
      const { cost = 0, tokens = 0, calls = 0 } = spent
      const { settled } = unheld
      return {
        spent: {
          cost: cost + settled.cost,
          tokens: tokens + settled.tokens,
          calls: calls + unheld.calls,
          ms: state.at - started,
        },
        ...others,
      }
    },
  }
}

async function readOn(journal: Pick<Journal, 'read'>, run: string, folded: Folded): Promise<void> {
  const { state } = folded
  for await (const { data } of journal.read(`run/${run}`, state.seq + 1)) {
    const event = upcast(data)
    if (state.seq === 0) folded.started = event.at
    countUnheld(folded, event)
    evolve(state, event)
    state.wakes.length = 0
  }
}

/** Before the event is folded, while what it ends is still there. */
function countUnheld({ state, unheld }: Folded, event: Event): void {
  if (event.type === 'run-forked') Object.assign(unheld, createAccount())
  if (event.type === 'effect-intended' && event.data.safety === 'billable') {
    const { reserved, answered_by } = event.data
    if (!reserved && answered_by === undefined) unheld.calls += 1
  }
  if (event.type !== 'effect-done' && event.type !== 'effect-failed') return
  const { key, cost = 0, usage } = event.data
  if (state.effects.get(key)?.reserved || (event.type === 'effect-done' && event.data.source === 'cache')) return
  unheld.settled = addAmounts(unheld.settled, { cost, tokens: (usage?.input ?? 0) + (usage?.output ?? 0) })
}
