import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

/** What tells one process from all others: numbers of processes are given again, another birth is another process. */
export interface ProcessMark {
  readonly host: string
  readonly pid: number
  /** Clock ticks since boot; null where the system does not tell. */
  readonly born: string | null
}

/** This process. */
export function markProcess(): ProcessMark {
  return { host: hostname(), pid: process.pid, born: readBirth(process.pid) ?? null }
}

/** `mark` has the parts of a ProcessMark, or not. True only when it is of a process of this machine that certainly is no more. */
export function isProcessGone(mark: object): boolean {
  const { host, pid, born } = mark as { readonly [part in keyof ProcessMark]?: unknown }
  if (host !== hostname() || typeof pid !== 'number') return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
  const now = readBirth(pid)
  return now !== undefined && typeof born === 'string' && now !== born
}

/** When a process was started; only Linux tells. */
function readBirth(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    // A zombie has ended; its parent has only not asked yet.
    return fields[0] === 'Z' ? 'ended' : fields[19]
  } catch {
    return undefined
  }
}
