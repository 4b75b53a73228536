import { isBudgetKey } from '../money.ts'
import type { JsonObject, Value } from '../values.ts'
import type { View } from './view.ts'

/** One thing somebody was asked to allow, and what became of it. */
export interface ApprovalEntry {
  readonly key: string
  readonly step: string
  /** What it is about; the person answers to its digest. */
  readonly request: Value
  readonly grant: JsonObject
  /** `void`: its step was over before anybody spoke, or before the word was used. */
  status: 'asked' | 'given' | 'used' | 'denied' | 'void'
  /** ms UTC. */
  readonly asked: number
  readonly expires_at?: number
  by?: 'person' | 'policy' | 'time'
  reason?: string
}

export interface Approvals {
  readonly entries: ApprovalEntry[]
  /** Those that are asked or given, by key. */
  readonly open: Map<string, ApprovalEntry>
}

/** Everything that was asked for approval in a run. */
export const approvalsView: View<Approvals> = {
  initial: () => ({ entries: [], open: new Map() }),
  evolve: (state, event) => {
    switch (event.type) {
      case 'approval-requested': {
        const { key, step, request, grant, expires_at } = event.data
        const expiry = expires_at === undefined ? {} : { expires_at }
        const entry: ApprovalEntry = { key, step, request, grant, status: 'asked', asked: event.at, ...expiry }
        state.entries.push(entry)
        state.open.set(key, entry)
        break
      }
      case 'approval-given': {
        const entry = state.open.get(event.data.key)
        if (entry) Object.assign(entry, { status: 'given', by: event.actor === 'person' ? 'person' : 'policy' })
        // More money is there as soon as it is granted; no effect has this key.
        if (isBudgetKey(event.data.key)) close(state, event.data.key, { status: 'used' })
        break
      }
      case 'approval-denied': {
        const { key, reason } = event.data
        const by = event.actor === 'person' ? 'person' : event.actor === 'engine' ? 'time' : 'policy'
        close(state, key, { status: 'denied', by, reason })
        break
      }
      case 'effect-intended':
        close(state, event.data.key, { status: 'used' })
        break
      case 'step-finished':
      case 'step-failed':
      case 'step-cancelled':
        for (const [key, { step }] of state.open)
          if (step === event.data.step)
            close(state, key, { status: 'void', reason: 'its step was over before it was used' })
        break
      case 'run-forked':
        for (const entry of state.open.values()) entry.status = 'asked'
        break
      case 'run-finished':
        for (const key of state.open.keys())
          close(state, key, { status: 'void', reason: 'the run was over before it was used' })
    }
    return state
  },
}

function close(state: Approvals, key: string, how: Partial<ApprovalEntry>): void {
  const entry = state.open.get(key)
  if (!entry) return
  Object.assign(entry, how)
  state.open.delete(key)
}
