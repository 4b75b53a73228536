/**
 * Loaded before the program (`--import`): every drain of the event loop takes a random while longer, so what happens between two of
 * them happens in another order of things than when the run was recorded. Says at the end how many there were.
 */
import { writeSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'

const { setImmediate: hop, setTimeout: sleep } = timers
const tally = { drains: 0, delayed: 0 }

async function drain(): Promise<void> {
  tally.drains += 1
  await hop()
  const chance = Math.random()
  if (chance > 0.3) return
  tally.delayed += 1
  if (chance < 0.05) await sleep(Math.random() * 8)
  else for (let more = Math.random() * 6; more > 0; more--) await hop()
}

Object.assign(timers, { setImmediate: drain })
syncBuiltinESMExports()
process.on('exit', () => writeSync(2, `${JSON.stringify(tally)}\n`))
