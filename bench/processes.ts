/** The processes of a benchmark: the fake server, and one for each measurement. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { get } from 'node:http'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { clockMicros, type ServerStats } from './server.ts'
import type { Measured, Order } from './work.ts'

export const ROOT = dirname(import.meta.dirname)

/** On the disk of this project: a folder in memory would make durability free. */
const SCRATCH = join(ROOT, 'node_modules', '.cache', 'bench')
/** Compiled code is kept between starts, as the program does on a user's machine. */
export const CACHE = join(SCRATCH, 'compiled')

export type Side = 'limit' | 'ours'

/** The fake server in its own process. */
export interface Fake {
  readonly url: string
  /** Counts since it was last read. */
  stats(): Promise<ServerStats>
  forget(): Promise<void>
  /** Resolves when that many answers were written. */
  reaches(answers: number): Promise<void>
  stop(): void
}

export async function startFake(): Promise<Fake> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'server.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })
  const port = await new Promise<string>((resolve) => lines.once('line', resolve))
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    stats: async () => JSON.parse(await read(`${url}/stats`)) as ServerStats,
    forget: async () => void (await read(`${url}/forget`)),
    reaches: async (answers) => {
      const reached = new Promise<void>((resolve) => lines.once('line', () => resolve()))
      await read(`${url}/watch/${answers}`)
      return reached
    },
    stop: () => void child.kill(),
  }
}

function read(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (reply) => {
      let text = ''
      reply.setEncoding('utf8').on('data', (more: string) => (text += more))
      reply.on('end', () => resolve(text))
    }).on('error', reject)
  })
}

/** Work in a folder of its own. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(SCRATCH, { recursive: true })
  const folder = await mkdtemp(join(SCRATCH, 'work-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export interface Started {
  readonly child: ChildProcess
  /** Microseconds of the shared clock. */
  readonly began: number
  readonly lines: readonly string[]
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

export function startNode(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Started {
  const began = clockMicros()
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  const ended = new Promise<number | string>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? signal ?? '')),
  )
  return { child, began, lines, ended }
}

export function startWorker(side: Side, order: Order): Started {
  // The sources need not be stripped of their types at each start: a built program has none.
  const env = { ...process.env, NODE_COMPILE_CACHE: CACHE }
  const program = join(import.meta.dirname, `${side}.ts`)
  return startNode(['--expose-gc', ...profiling(order), program, JSON.stringify(order)], env)
}

/** One measurement in a process of its own. */
export function measureAlone(side: Side, order: Omit<Order, 'folder'>): Promise<Measured> {
  return inFolder(async (folder) => {
    const { ended, lines } = startWorker(side, { ...order, folder })
    const code = await ended
    const last = lines.at(-1)
    if (code !== 0 || last === undefined) throw new Error(`${order.work} of ${side} ended with ${code}`)
    return JSON.parse(last) as Measured
  })
}

/** `BENCH_PROFILE=FOLDER` keeps a CPU profile of each process. */
function profiling({ work }: Order): string[] {
  const folder = process.env.BENCH_PROFILE
  return folder ? ['--cpu-prof', `--cpu-prof-dir=${join(folder, work)}`] : []
}
