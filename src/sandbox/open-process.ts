import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  endGroup,
  nextMark,
  type ProcessSpec,
  type StartFailure,
  signalGroup,
  startMarked,
  unwatchGroup,
  watchGroup,
} from './process.ts'
import { killMarked } from './survivors.ts'

/** A program that is spoken with over its pipes for as long as both want. */
export interface OpenProcess {
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Resolves when the program has ended and nothing it started is left. */
  readonly ended: Promise<{ readonly exit?: number; readonly signal?: string }>
  /** Closes its input, then asks its group to end, then ends it. */
  close(): Promise<void>
}

/** How long a program may take to end by itself once its input is closed. One at work does not; it is asked, and has its time then. */
const FAREWELL_MS = 200
const LINGER_MS = 100

/**
 * Starts a program, without a shell, in its own process group, and leaves it running. It dies with us, however we end. The caller
 * has to read both outputs, or the program stands still.
 */
export async function openProcess(
  spec: Pick<ProcessSpec, 'program' | 'args' | 'cwd' | 'env'>,
): Promise<OpenProcess | StartFailure> {
  const mark = nextMark()
  const child = await startMarked(spec, mark)
  if (typeof child === 'string') return child
  const { stdin, stdout, stderr } = child
  if (!stdin || !stdout || !stderr) throw new Error('a program without pipes')
  const group = child.pid as number
  watchGroup(group)
  // A program that has ended reads nothing any more; that is said by `ended`.
  for (const stream of [stdin, stdout, stderr]) stream.on('error', () => {})
  const exited = new Promise<{ exit?: number; signal?: string }>((resolve) => {
    child.once('exit', (exit, signal) => resolve(exit === null ? { signal: signal ?? 'SIGKILL' } : { exit }))
  })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const ended = exited.then(async (how) => {
    await Promise.race([closed, sleep(LINGER_MS, undefined, { ref: false })])
    signalGroup(child, group, 'SIGKILL')
    await killMarked(mark, group)
    unwatchGroup(group)
    for (const stream of [stdin, stdout, stderr]) stream.destroy()
    return how
  })
  let closing: Promise<void> | undefined
  return {
    pid: group,
    stdin,
    stdout,
    stderr,
    ended,
    close: () => {
      closing ??= (async () => {
        stdin.end()
        const gone = await Promise.race([exited.then(() => true), sleep(FAREWELL_MS, false, { ref: false })])
        if (!gone) await endGroup(child, group)
        await ended
      })()
      return closing
    },
  }
}
