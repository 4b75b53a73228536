import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { readBirth } from '../config/birth.ts'
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
