import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { LeaseOwner } from '../journal/lease.ts'

/** This process, told so that another one on the same machine can see whether it still lives. */
export function describeOwner(): LeaseOwner {
  return { id: randomUUID(), host: hostname(), pid: process.pid, born: readBirth(process.pid) ?? null }
}

/** True only when the owner was a process of this machine and certainly is no more. */
export function isOwnerDead(owner: LeaseOwner): boolean {
  if (owner.host !== hostname() || typeof owner.pid !== 'number') return false
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    return (error as { code?: string }).code === 'ESRCH'
  }
  const born = readBirth(owner.pid)
  // Process numbers are given again: another birth is another process.
  return born !== undefined && typeof owner.born === 'string' && born !== owner.born
}

/** When a process was started, in clock ticks since boot; only Linux tells. */
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
