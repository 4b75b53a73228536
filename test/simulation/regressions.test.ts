/** Seeds that once failed, by what they found. Their graphs and faults change when the simulation does; the small tests in `test/engine` do not. */
import { expect, test } from 'vitest'
import { type Mode, runSeed } from './run-seed.ts'

const FOUND: readonly (readonly [what: string, mode: Mode, seed: number])[] = [
  ['a command was judged before its turn and resolved one question twice', 'safety', 2],
  ['an open question kept a stopped run from its end', 'safety', 4],
  ['the note of a foreign error was written after the end', 'safety', 5],
  ['timers fired between run-paused and run-resumed', 'safety', 6],
  ['words repeated after a resumption resolved a later try', 'safety', 9],
  ['a step that ran again did not wait for a place', 'safety', 40],
  ['an effect began although its step had ended in the same turn', 'safety', 51],
  ['a repeated call passed the limit on calls', 'safety', 151],
  ['a repeated call passed the limit on calls', 'liveness', 174],
  ['a deadline was written after the end', 'safety', 10376],
  ['replay took the offer of an ended attempt', 'safety', 10897],
  ['replay took the offer of an ended attempt', 'safety', 12893],
]

test.for(FOUND)('%s (%s %i)', async ([, mode, seed]) => {
  expect((await runSeed(seed, { mode })).violation).toBeUndefined()
})
