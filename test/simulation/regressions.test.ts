/** Seeds at which the simulation finds what it once found in the engine, were it not mended. The small forms stand in `test/engine/found-by-simulation.test.ts`. */
import { expect, test } from 'vitest'
import { type Mode, runSeed } from './run-seed.ts'

const FOUND: readonly (readonly [what: string, mode: Mode, seed: number])[] = [
  ['an effect that was not open was counted as closed once more', 'safety', 4],
  ['a failed try of an ended attempt was repeated', 'safety', 0],
  ['a command was judged before its turn and resolved one question twice', 'safety', 0],
  ['words about an earlier try resolved a later one', 'safety', 92],
  ['an open question kept a stopped run from its end', 'safety', 0],
  ['the note of a foreign error was written after the end', 'safety', 10],
  ['timers fired before the run was resumed', 'safety', 2],
  ['timers fired after the end', 'safety', 498],
  ['a step that ran again did not wait for a place', 'safety', 25],
  ['an effect began although its step had ended in the same turn', 'safety', 0],
  ['a repeated call passed the limit on calls', 'safety', 79],
  ['replay took the offer of an ended attempt', 'safety', 27],
  ['an executor that answered no outcome stopped the engine', 'safety', 0],
  ['a run went on writing after it was let go', 'safety', 361],
  ['a call that had been denied was made by the next process, whose policy allowed it', 'safety', 8],
  ['a lost unsafe call was not told of when there was no money to try it again', 'safety', 312],
  ['an approval was used a moment after it had expired', 'safety', 13441],
]

test.for(FOUND)('%s (%s %i)', async ([, mode, seed]) => {
  expect((await runSeed(seed, { mode })).violation).toBeUndefined()
})
