import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { stat } from 'node:fs/promises'
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
  readonly signal: AbortSignal
  /** Live output as text, up to the limit of that stream. */
  onOutput?(stream: 'stdout' | 'stderr', text: string): void
}

/** Why a program did not start. `busy`: the machine had no room for another process at that moment. */
export type StartFailure = 'program_missing' | 'folder_missing' | 'not_permitted' | 'too_large' | 'busy' | 'not_startable'

export interface ProcessResult {
  readonly started: boolean
  readonly error?: StartFailure
  readonly exit?: number
  /** The signal that ended it, ours or another. */
  readonly signal?: string
  readonly stdout: string
  readonly stderr: string
  /** Output beyond the limit was left out of the middle of `stdout` or `stderr`. */
  readonly truncated: boolean
  readonly timed_out: boolean
  readonly aborted: boolean
}

export type RunProcess = (spec: ProcessSpec) => Promise<ProcessResult>

const MIB = 1024 * 1024
/** From the polite signal to the final one. */
const PATIENCE_MS = 2000
/** How long output may still arrive after the program itself has ended. */
const LINGER_MS = 100

/**
 * Runs one program, without a shell, in its own process group. When it ends, is aborted or times out, nothing it started is left
 * (process group, then whatever carries its mark), and nobody who still holds its pipes is waited for. Also when we are killed.
 */
export async function runProcess(spec: ProcessSpec): Promise<ProcessResult> {
  const stdout = new CappedBytes(spec.output_limit ?? MIB)
  const stderr = new CappedBytes((spec.output_limit ?? MIB) >> 2)
  const ending = { timed_out: false, aborted: spec.signal.aborted }
  const describe = (how: Pick<ProcessResult, 'started' | 'error' | 'exit' | 'signal'>): ProcessResult => ({
    ...how,
    ...ending,
    stdout: stdout.text(),
    stderr: stderr.text(),
    truncated: stdout.truncated || stderr.truncated,
  })
  if (ending.aborted) return describe({ started: false })

  const mark = `${owner}.${++runs}`
  const child = start(spec, mark)
  const failure = 'failure' in child ? child.failure : await waitForStart(child)
  if ('failure' in child || child.pid === undefined)
    return describe({ started: false, error: await nameFailure(failure, spec.cwd) })
  const group = child.pid
  watchGroup(group)
  listen(child, 'stdout', stdout, spec)
  listen(child, 'stderr', stderr, spec)
  child.stdin?.on('error', ignoreBrokenPipe)
  child.stdin?.end(spec.input ?? '')

  const exited = new Promise<Pick<ProcessResult, 'exit' | 'signal'>>((resolve) => {
    child.once('exit', (exit, signal) => resolve(exit === null ? { signal: signal ?? 'SIGKILL' } : { exit }))
  })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let stopped: Promise<void> | undefined
  const stop = (why: 'timed_out' | 'aborted') => {
    if (stopped) return
    ending[why] = true
    stopped = endGroup(group)
  }
  const onAbort = () => stop('aborted')
  spec.signal.addEventListener('abort', onAbort)
  if (spec.signal.aborted) onAbort()
  const timer = spec.timeout_ms === undefined ? undefined : setTimeout(stop, spec.timeout_ms, 'timed_out')
  try {
    const how = await exited
    clearTimeout(timer)
    if (stopped) await stopped
    else await Promise.race([closed, sleep(LINGER_MS)])
    sendSignal(-group, 'SIGKILL')
    await killMarked(mark, group)
    await Promise.race([closed, sleep(LINGER_MS)])
    return describe({ started: true, ...how })
  } finally {
    clearTimeout(timer)
    spec.signal.removeEventListener('abort', onAbort)
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
    unwatchGroup(group)
  }
}
