/** `npm run simulate -- --seeds N --seed S [--mode safety|liveness] [--trace] [--grade]`: deterministic simulation of the engine. */
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { POINT_NAMES } from '../test/simulation/faults.ts'
import { findMisfits, type Grade, gradeBug } from '../test/simulation/grade.ts'
import { PLANTED, type PlantedBug } from '../test/simulation/planted.ts'
import { type Mode, runSeed } from '../test/simulation/run-seed.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '3000' },
    seed: { type: 'string', default: '0' },
    mode: { type: 'string', default: 'safety' },
    only: { type: 'string' },
    coverage: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    grade: { type: 'boolean', default: false },
  },
})
const seeds = Number(values.seeds)
const first = Number(values.seed)
const mode = values.mode as Mode
const run = promisify(execFile)
const worker = fileURLToPath(new URL('../test/simulation/worker.ts', import.meta.url))

interface Sum {
  readonly digest: string
  seeds: number
  events: number
  readonly points: { [name: string]: number }
  readonly cells: { [name: string]: number }
  readonly statuses: { [name: string]: number }
}

interface Found {
  readonly mode: Mode
  readonly seed: number
  readonly invariant: string
  readonly message: string
}

/** Simulates the seeds in as many processes as there are cores. */
async function simulate(): Promise<number> {
  const began = performance.now()
  const cores = Math.min(availableParallelism(), seeds)
  const outputs = await Promise.all(
    Array.from({ length: cores }, (_, i) => {
      const count = Math.ceil((seeds - i) / cores)
      const words = [worker, mode, `${first + i}`, `${count}`, `${cores}`]
      // A worker that crashes says so before.
      return run(process.execPath, words, { maxBuffer: 64 * 1024 * 1024 }).catch((error: { stdout: string }) => error)
    }),
  )
  const lines = outputs.flatMap(({ stdout }) => stdout.trim().split('\n')).map((line) => JSON.parse(line))
  const violations = lines.flatMap((line) => (line.violation ? [line.violation as Found] : []))
  const sum: Sum = { digest: '', seeds: 0, events: 0, points: {}, cells: {}, statuses: {} }
  for (const part of lines.flatMap((line) => (line.sum ? [line.sum as Sum] : []))) {
    sum.seeds += part.seeds
    sum.events += part.events
    for (const table of ['points', 'cells', 'statuses'] as const)
      for (const [name, times] of Object.entries(part[table])) sum[table][name] = (sum[table][name] ?? 0) + times
  }
  report(sum, { violations, seconds: (performance.now() - began) / 1000 })
  return violations.length > 0 || !(await givesSameBytes()) ? 1 : 0
}

/** Two more processes simulate the first seeds again: every head has to be the same. */
async function givesSameBytes(): Promise<boolean> {
  const count = Math.min(60, seeds)
  const words = [worker, mode, `${first}`, `${count}`]
  const [one, other] = await Promise.all([run(process.execPath, words), run(process.execPath, words)])
  const digestOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout.trim().split('\n').at(-1) ?? '').sum?.digest
  const same = digestOf(one) !== undefined && digestOf(one) === digestOf(other)
  console.log(`${count} seeds twice: ${same ? 'the same bytes' : 'VIOLATION D2: other bytes'}`)
  return same
}

function report(sum: Sum, { violations, seconds }: { violations: readonly Found[]; seconds: number }): void {
  const silent = POINT_NAMES.filter((point) => !sum.points[point])
  console.log(
    `${mode}: ${sum.seeds} seeds from ${first}, ${sum.events} events, ${seconds.toFixed(1)} s, ${Math.round(sum.seeds / seconds)} seeds/s`,
  )
  console.log(`ends: ${listOf(sum.statuses)}`)
  console.log(
    `${POINT_NAMES.length - silent.length} of ${POINT_NAMES.length} points fired${silent.length ? `; never: ${silent.join(', ')}` : ''}`,
  )
  printCells(sum.cells)
  for (const { seed, invariant, message } of [...violations].sort((a, b) => a.seed - b.seed).slice(0, 20))
    console.log(
      `VIOLATION ${invariant} at seed ${seed}: ${message}\n  again: npm run simulate -- --mode ${mode} --seed ${seed} --trace`,
    )
  console.log(`${violations.length} violations`)
}

function listOf(counts: { readonly [name: string]: number }): string {
  return Object.entries(counts)
    .sort((a, b) => b[1] - a[1])
    .map(([name, times]) => `${name} ${times}`)
    .join(', ')
}

/** How often each fault met each state. */
function printCells(cells: { readonly [cell: string]: number }): void {
  const rows = new Map<string, string[]>()
  for (const [cell, times] of Object.entries(cells).sort()) {
    const [fault = '', state = ''] = cell.split(' × ')
    rows.set(fault, [...(rows.get(fault) ?? []), `${state} ${times}`])
  }
  console.log(`${Object.keys(cells).length} cells (fault × state):`)
  if (values.coverage) for (const [fault, states] of rows) console.log(`  ${fault.padEnd(26)} ${states.join(' · ')}`)
  const thin = Object.entries(cells).filter(([, times]) => times < 10)
  console.log(`  ${thin.length} of them fewer than 10 times`)
}

async function trace(): Promise<number> {
  const result = await runSeed(first, { mode, trace: (line) => console.log(line) })
  console.log(JSON.stringify({ seed: result.seed, status: result.status, events: result.events, head: result.head }))
  return result.violation ? 1 : 0
}

/** Are bugs found that we know of? */
async function grade(): Promise<number> {
  const misfits = await findMisfits()
  for (const misfit of misfits) console.log(`MISFIT ${misfit}`)
  const bugs = PLANTED.filter((bug) => !values.only || bug.name.includes(values.only))
  const grades: Grade[] = []
  const queue: PlantedBug[] = [...bugs]
  const takeOne = async (): Promise<void> => {
    for (let bug = queue.shift(); bug; bug = queue.shift()) {
      const graded = await gradeBug(bug, Math.min(seeds, 2_000))
      grades.push(graded)
      const { found } = graded
      const how = found
        ? `seed ${String(found.seed).padStart(4)}  ${found.invariant.padEnd(10)}`
        : 'NOT FOUND            '
      console.log(
        `${how} ${(graded.ms / 1000).toFixed(1).padStart(5)} s  ${bug.name}${found ? `\n${' '.repeat(32)}${found.message.split('\n')[0]}` : ''}`,
      )
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, takeOne))
  const missed = grades.filter((graded) => !graded.found)
  const otherwise = grades.filter(({ found, expected }) => found && !expected.includes(found.invariant))
  for (const { bug, found, expected } of otherwise)
    console.log(`found by ${found?.invariant}, not ${expected.join(' or ')}: ${bug}`)
  console.log(`${grades.length - missed.length} of ${grades.length} planted bugs found`)
  return missed.length + misfits.length > 0 ? 1 : 0
}

process.exit(await (values.grade ? grade() : values.trace ? trace() : simulate()))
