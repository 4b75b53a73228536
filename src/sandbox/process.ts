import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { CappedBytes } from './capped-bytes.ts'
import type { Environment } from './environment.ts'
import { killMarked, MARK_NAME, sendSignal, WATCH_PROGRAM } from './survivors.ts'

export interface ProcessSpec {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd: string
  /** The whole environment; nothing of ours is added but the mark (`cleanEnvironment` makes one). */
  readonly env: Environment
  /** Written to standard input, which is then closed. */
  readonly input?: string
  /** Bytes of standard output that are kept, first and last half; default 1 MiB. Of standard error a quarter of it. */
  readonly output_limit?: number
  readonly timeout_ms?: number
  /** `inherit-input`: the program reads our own standard input (a terminal). */
  readonly stdio?: 'pipe' | 'inherit-input'
  /** Open file descriptors of ours that the program finds as its 3, 4 and so on; `ignore` gives nothing of ours at that place. */
  readonly descriptors?: readonly (number | 'ignore')[]
  readonly signal: AbortSignal
  /** Live output as text, up to the limit of that stream. */
  onOutput?(stream: 'stdout' | 'stderr', text: string): void
}

/** Why a program did not start. `busy`: the machine had no room for another process at that moment. */
export type StartFailure =
  | 'program_missing'
  | 'folder_missing'
  | 'not_permitted'
  | 'too_large'
  | 'busy'
  | 'not_startable'

export interface ProcessResult {
  readonly started: boolean
  readonly error?: StartFailure
  readonly exit?: number
  /** The signal that ended it, ours or another. */
  readonly signal?: string
  readonly stdout: string
  readonly stderr: string
  /** Output beyond the limit was left out of the middle of `stdout`. In `stderr`, which is for people, a line says so. */
  readonly truncated: boolean
  readonly timed_out: boolean
  readonly aborted: boolean
  /** It printed sixteen times the limit and was stopped. */
  readonly flooded: boolean
}

export type RunProcess = (spec: ProcessSpec) => Promise<ProcessResult>

const MIB = 1024 * 1024
/** From the polite signal to the final one. */
const PATIENCE_MS = 2000
/** How long output may still arrive after the program itself has ended. */
const LINGER_MS = 100
const POLL_MS = 25
/** Output beyond this many times the limit is no output but an accident; reading it all would cost time and memory. */
const FLOOD = 16

/**
 * Runs one program, without a shell, in its own process group. When it ends, is aborted or times out, nothing it started is left
 * (process group, then whatever carries its mark), and nobody who still holds its pipes is waited for. Also when we are killed.
 */
export async function runProcess(spec: ProcessSpec): Promise<ProcessResult> {
  const stdout = new CappedBytes(spec.output_limit ?? MIB)
  const stderr = new CappedBytes((spec.output_limit ?? MIB) >> 2)
  const ending = { timed_out: false, aborted: spec.signal.aborted, flooded: false }
  const describe = (how: Pick<ProcessResult, 'started' | 'error' | 'exit' | 'signal'>): ProcessResult => ({
    ...how,
    ...ending,
    stdout: stdout.text(),
    stderr: stderr.text(),
    truncated: stdout.truncated,
  })
  if (ending.aborted) return describe({ started: false })

  const mark = nextMark()
  const child = await startMarked(spec, mark)
  if (typeof child === 'string') return describe({ started: false, error: child })
  const group = child.pid as number
  watchGroup(group)
  const exited = new Promise<Pick<ProcessResult, 'exit' | 'signal'>>((resolve) => {
    child.once('exit', (exit, signal) => resolve(exit === null ? { signal: signal ?? 'SIGKILL' } : { exit }))
  })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  // A program need not read its input: the broken pipe is no failure.
  child.stdin?.on('error', () => {})
  child.stdin?.end(spec.input ?? '')

  let stopped: Promise<void> | undefined
  const stop = (why: 'timed_out' | 'aborted' | 'flooded') => {
    if (stopped) return
    ending[why] = true
    stopped = endGroup(child, group)
  }
  const room = { left: (spec.output_limit ?? MIB) * FLOOD }
  for (const [name, bytes] of [
    ['stdout', stdout],
    ['stderr', stderr],
  ] as const) {
    const onFlood = () => {
      child.stdout?.destroy()
      child.stderr?.destroy()
      stop('flooded')
    }
    keepOutput(child[name], bytes, { room, onFlood, pass: (text) => spec.onOutput?.(name, text) })
  }
  const onAbort = () => stop('aborted')
  spec.signal.addEventListener('abort', onAbort)
  if (spec.signal.aborted) onAbort()
  const timer = spec.timeout_ms === undefined ? undefined : setTimeout(stop, spec.timeout_ms, 'timed_out')
  const how = await exited
  clearTimeout(timer)
  spec.signal.removeEventListener('abort', onAbort)
  if (stopped) await stopped
  else await Promise.race([closed, sleep(LINGER_MS, undefined, { ref: false })])
  signalGroup(child, group, 'SIGKILL')
  await killMarked(mark, group)
  unwatchGroup(group)
  await Promise.race([closed, sleep(LINGER_MS, undefined, { ref: false })])
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
  return describe({ started: true, ...how })
}

/** Starts it in its own process group, under a mark. */
export async function startMarked(
  spec: Pick<ProcessSpec, 'program' | 'args' | 'cwd' | 'env' | 'stdio' | 'descriptors'>,
  mark: string,
): Promise<ChildProcess | StartFailure> {
  try {
    const child = spawn(spec.program, spec.args, {
      cwd: spec.cwd,
      env: { ...spec.env, [MARK_NAME]: mark },
      shell: false,
      detached: process.platform !== 'win32',
      windowsHide: true,
      stdio: [spec.stdio === 'inherit-input' ? 'inherit' : 'pipe', 'pipe', 'pipe', ...(spec.descriptors ?? [])],
    })
    if (child.pid !== undefined) return child
    const [error] = await once(child, 'error')
    throw error
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') return START_FAILURES[code ?? ''] ?? 'not_startable'
    const folder = await stat(spec.cwd).catch(() => undefined)
    return folder?.isDirectory() ? 'program_missing' : 'folder_missing'
  }
}

const START_FAILURES: { readonly [code: string]: StartFailure } = {
  EACCES: 'not_permitted',
  EPERM: 'not_permitted',
  ENOEXEC: 'not_permitted',
  E2BIG: 'too_large',
  EAGAIN: 'busy',
  EMFILE: 'busy',
  ENFILE: 'busy',
  ENOMEM: 'busy',
}

interface Listener {
  readonly room: { left: number }
  onFlood(): void
  pass(text: string): void
}

/** Keeps what comes and passes it on as text, the latter only up to the limit: live output is for people. */
function keepOutput(stream: Readable | null, bytes: CappedBytes, { room, onFlood, pass }: Listener): void {
  const decoder = new TextDecoder()
  stream?.on('data', (chunk: Buffer) => {
    bytes.add(chunk)
    if (!bytes.truncated) pass(decoder.decode(chunk, { stream: true }))
    room.left -= chunk.length
    if (room.left < 0) onFlood()
  })
  stream?.on('error', () => {})
}

/** Asks the group to end, then ends it. */
export async function endGroup(child: ChildProcess, group: number): Promise<void> {
  signalGroup(child, group, 'SIGTERM')
  for (let waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
    await sleep(POLL_MS)
    if (!signalGroup(child, group, 0)) return
  }
  signalGroup(child, group, 'SIGKILL')
}

/** False when nobody of the group is left. Windows has no groups: there only the program itself is reached. */
export function signalGroup(child: ChildProcess, group: number, signal: NodeJS.Signals | 0): boolean {
  return process.platform === 'win32' ? child.kill(signal) : sendSignal(-group, signal)
}

const owner = randomUUID()
let runs = 0

/** Names one run of a program; whatever carries it is found again. */
export function nextMark(): string {
  return `${owner}.${++runs}`
}

const groups = new Set<number>()
let watch: ChildProcess | undefined

/** From now on the group dies with us. */
export function watchGroup(group: number): void {
  groups.add(group)
  if (process.platform === 'win32') return
  if (watch) watch.stdin?.write(`+ ${group}\n`)
  else startWatch()
}

export function unwatchGroup(group: number): void {
  groups.delete(group)
  watch?.stdin?.write(`- ${group}\n`)
}

/** One watching shell per process of ours, started with the first program; it never keeps us alive. */
function startWatch(): void {
  const started = spawn('/bin/sh', ['-c', WATCH_PROGRAM, 'llm-orc-watch', `${MARK_NAME}=${owner}.`], {
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  watch = started
  const forget = () => {
    if (watch === started) watch = undefined
  }
  started.once('error', forget)
  started.once('exit', forget)
  started.unref()
  const input = started.stdin as Socket
  input.unref()
  input.on('error', forget)
  for (const group of groups) input.write(`+ ${group}\n`)
}
