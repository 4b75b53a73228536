import { leftOf } from '../events/accounts.ts'
import { evolve } from '../events/evolve.ts'
import { createRunState, type RunState } from '../events/state.ts'
import { upcast } from '../events/upcast.ts'
import type { Journal } from '../journal/journal.ts'

interface Folded {
  readonly state: RunState
  /** Steps that ask at the same time read the journal one after the other. */
  reading: Promise<void>
}

/**
 * What the budgets of a step have left, by what is on disk of its run: what was settled a moment ago may not be. Each event is read
 * once for all the steps that ask.
 */
export function createLeft(
  journal: Pick<Journal, 'read'>,
): (place: { readonly run: string; readonly step: string }) => Promise<number | undefined> {
  const runs = new Map<string, Folded>()
  return async ({ run, step }) => {
    const folded = runs.get(run) ?? { state: createRunState(), reading: Promise.resolve() }
    runs.set(run, folded)
    const { state } = folded
    folded.reading = folded.reading.then(() => readOn(journal, run, state))
    await folded.reading
    const asking = state.steps.get(step)
    return asking && leftOf(state, asking)
  }
}

async function readOn(journal: Pick<Journal, 'read'>, run: string, state: RunState): Promise<void> {
  for await (const { data } of journal.read(`run/${run}`, state.seq + 1)) {
    evolve(state, upcast(data))
    state.wakes.length = 0
  }
}
