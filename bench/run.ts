/**
 * Measures ours beside the physical limit, in turns, each in a process of its own:
 * `node bench/run.ts [--only W1,W6] [--rounds 5] [--json FILE] [--baseline FILE] [--write-baseline] [--tiny]`;
 * `--scale` instead writes and verifies runs of 10^3 to 10^6 events.
 * Quote the ratios; absolute times belong to the machine.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Side, startFake } from './processes.ts'
import { measureScale } from './scale.ts'
import { type Baseline, type Line, type Round, summarise, toBaseline, toMarkdown } from './table.ts'
import type { Measured } from './work.ts'
import { type Means, PROGRAM, WORKLOADS } from './workloads.ts'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'string' },
    baseline: { type: 'string', default: join(import.meta.dirname, 'baseline.json') },
    'write-baseline': { type: 'boolean', default: false },
    tiny: { type: 'boolean', default: false },
    scale: { type: 'boolean', default: false },
  },
})

if (options.scale) {
  console.log(await measureScale(options.tiny ? [100, 1_000] : [1_000, 10_000, 100_000, 1_000_000]))
  process.exit(0)
}

const chosen = options.only?.split(',')
const unknown = chosen?.filter((id) => !WORKLOADS.some((workload) => workload.id === id)) ?? []
if (unknown.length > 0) {
  console.error(`There is no work ${unknown.join(', ')}. There is: ${WORKLOADS.map(({ id }) => id).join(', ')}.`)
  process.exit(2)
}
const rounds = Math.max(1, Number(options.rounds) || 1)
const baseline = existsSync(options.baseline) ? (JSON.parse(readFileSync(options.baseline, 'utf8')) as Baseline) : {}

/** Sides take turns in going first, so that neither always finds the machine as the other left it. */
async function measureRound(measure: (side: Side) => Promise<Measured>, round: number): Promise<Round> {
  const order: readonly Side[] = round % 2 === 0 ? ['limit', 'ours'] : ['ours', 'limit']
  const measured: { [side in Side]?: Measured } = {}
  for (const side of order) measured[side] = await measure(side)
  return { limit: measured.limit ?? {}, ours: measured.ours ?? {} }
}

const fake = await startFake()
const means: Means = { fake, tiny: options.tiny }
const lines: Line[] = []
const raw: { [work: string]: readonly Round[] } = {}
try {
  for (const workload of WORKLOADS) {
    if (chosen && !chosen.includes(workload.id)) continue
    const measured: Round[] = []
    for (let round = 0; round < rounds; round++) {
      process.stderr.write(`\r\u001b[K${workload.id}: round ${round + 1} of ${rounds}`)
      measured.push(await measureRound((side) => workload.measure(side, means), round))
    }
    raw[workload.id] = measured
    lines.push(...summarise(workload, measured, baseline))
  }
} finally {
  process.stderr.write('\r\u001b[K')
  fake.stop()
}

const machine = { node: process.version, cores: cpus().length, platform: `${process.platform} ${process.arch}` }
console.log(
  `Node ${machine.node}, ${machine.cores} cores, ${machine.platform}, ${rounds} rounds; W5 starts ${PROGRAM}.\n`,
)
console.log(toMarkdown(lines))
if (options.json) {
  const report = { at: new Date().toISOString(), machine, rounds, program: PROGRAM, lines, raw }
  writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`)
}
if (options['write-baseline']) {
  writeFileSync(options.baseline, `${JSON.stringify({ ...baseline, ...toBaseline(lines) }, null, 2)}\n`)
}
