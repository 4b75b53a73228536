import { type Amount, addAmounts, NOTHING, subtractAmounts } from '../money.ts'
import type { JsonObject } from '../values.ts'

/** One record of a stream `scope/NAME`: what a budget outside of runs has held and paid. */
export type ScopeRecord =
  /** `id` is the run, the effect and its try. */
  | {
      readonly what: 'reserved'
      readonly id: string
      /** Who holds it, so that others can see whether that process still lives. */
      readonly owner: JsonObject
      readonly amount: Amount
      readonly at: number
    }
  /** `basis`: as it was told; all that was held, for nobody told; nothing, for it never reached the world; or its run is gone. */
  | {
      readonly what: 'settled'
      readonly id: string
      readonly amount: Amount
      readonly basis: 'told' | 'reserved' | 'untouched' | 'lost'
      readonly at: number
    }

/** What a budget outside of runs adds up to. */
export interface ScopeState {
  settled: Amount
  reserved: Amount
  calls: number
  /** Held and not settled, by id. */
  readonly open: Map<string, { readonly owner: JsonObject; readonly amount: Amount; readonly at: number }>
  /** What was charged for calls whose run was gone: its late word corrects that. */
  readonly lost: Map<string, Amount>
}

export function createScopeState(): ScopeState {
  return { settled: NOTHING, reserved: NOTHING, calls: 0, open: new Map(), lost: new Map() }
}

export function evolveScope(state: ScopeState, record: ScopeRecord): void {
  const { id, amount } = record
  if (record.what === 'reserved') {
    if (state.open.has(id)) return
    state.open.set(id, { owner: record.owner, amount, at: record.at })
    state.reserved = addAmounts(state.reserved, amount)
    state.calls += 1
    return
  }
  const held = state.open.get(id)
  const charged = state.lost.get(id)
  if (held) {
    state.open.delete(id)
    state.reserved = subtractAmounts(state.reserved, held.amount)
  } else if (charged) {
    state.lost.delete(id)
    state.settled = subtractAmounts(state.settled, charged)
  } else return
  state.settled = addAmounts(state.settled, amount)
  if (record.basis === 'untouched') state.calls -= 1
  if (record.basis === 'lost') state.lost.set(id, amount)
}
