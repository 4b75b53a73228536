import { randomUUID } from 'node:crypto'
import { isProcessGone, markProcess } from '../config/process-mark.ts'
import type { LeaseOwner } from '../journal/lease.ts'

/** This process, told so that another one on the same machine can see whether it still lives. */
export function describeOwner(): LeaseOwner {
  return { id: randomUUID(), ...markProcess() }
}

/** True only when the owner was a process of this machine and certainly is no more. */
export function isOwnerDead(owner: LeaseOwner): boolean {
  return isProcessGone(owner)
}
