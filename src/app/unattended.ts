import { isHeld } from '../journal/lease.ts'
import type { App } from './app.ts'
import { createNodeWorld } from './node-world.ts'
import { isOwnerDead } from './owner.ts'

/** So long nothing happens before anyone is told that nothing will, in ms. */
const SILENCE_MS = 1_000

/** Says once for each silence of a run that nobody drives it; `heard` begins a new one. */
export function watchUnattended(app: App, run: string, say: (text: string) => void) {
  const { clock } = createNodeWorld()
  let heard = 0
  let told = false
  const look = async () => {
    const before = heard
    const { journal } = await app.openJournal()
    if (await isHeld(journal, run, { clock, isDead: isOwnerDead })) return
    // What came meanwhile may be the end.
    if (told || heard !== before) return
    told = true
    say(`Nobody drives the run ${run} at the moment. To go on with it: llm-orc runs resume ${run}`)
  }
  let seen = 0
  const timer = setInterval(() => {
    // A journal that cannot be read is the business of whoever follows it.
    if (!told && seen === heard) look().catch(() => {})
    seen = heard
  }, SILENCE_MS)
  return {
    heard: () => {
      heard += 1
      told = false
    },
    end: () => {
      told = true
      clearInterval(timer)
    },
  }
}
