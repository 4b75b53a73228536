/** One process that simulates seeds: `node worker.ts MODE FIRST COUNT [STEP]`; prints one line of JSON per seed that failed, then a sum. */
import { type Mode, runSeed } from './run-seed.ts'
import { sha256 } from './sim.ts'

const [mode, first, count, step = '1', until = ''] = process.argv.slice(2) as [Mode, string, string, string?, string?]
const points: { [name: string]: number } = {}
const cells: { [name: string]: number } = {}
const statuses: { [name: string]: number } = {}
let events = 0
/** Of all heads, in order: two workers with the same seeds say the same. */
let digest = ''
let seeds = 0

let seed = Number(first)
process.on('unhandledRejection', (error) => {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  console.log(JSON.stringify({ violation: { mode, seed, head: '', invariant: 'crash', message } }))
  process.exit(1)
})

for (let i = 0; i < Number(count); i++) {
  seed = Number(first) + i * Number(step)
  const result = await runSeed(seed, { mode })
  seeds += 1
  events += result.events
  digest = sha256(digest + result.head)
  statuses[result.status] = (statuses[result.status] ?? 0) + 1
  for (const [name, times] of Object.entries(result.points)) points[name] = (points[name] ?? 0) + times
  for (const [name, times] of Object.entries(result.cells)) cells[name] = (cells[name] ?? 0) + times
  if (!result.violation) continue
  console.log(JSON.stringify({ violation: { mode, seed: result.seed, head: result.head, ...result.violation } }))
  if (until === 'first') break
}
console.log(JSON.stringify({ sum: { seeds, events, digest, points, cells, statuses } }))
// Simulated processes that died wait for ever; nothing of them is left to do.
process.exit(0)
