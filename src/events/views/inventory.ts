import type { Event, EventOf, PlannedEdge, PlannedStep } from '../event.ts'
import { readLost } from '../lost.ts'
import type { Value } from '../values.ts'
import type { View } from './view.ts'

/** What of the work below a step is finished, and what is not. Names are ids without the step's own in front. */
export type Inventory<Output> = {
  readonly done: readonly { readonly name: string; readonly output: Output }[]
  readonly missing: readonly Missing[]
}

/** What the work has read brought these with it. */
export type Labelled = {
  readonly labels: readonly string[]
}

export type Missing = {
  readonly name: string
  /** Of the failure, or `skipped` or `cancelled`. */
  readonly code: string
  readonly message: string
}

interface Known {
  readonly id: string
  readonly kind: string
  readonly after: readonly PlannedEdge[]
  readonly children: string[]
  /** Another step of the same proposal waits for it. */
  awaited: boolean
  end?: 'succeeded' | 'unmet' | Missing
  output?: Value
  /** It succeeded although these inside it failed; with an empty list nobody says which. */
  lost?: readonly string[]
}

export interface InventoryState {
  readonly steps: Map<string, Known>
  readonly owners: Map<string, string>
  readonly labels: Map<string, ReadonlySet<string>>
}

/** What a run's steps have come to, as far as it is told in their events. */
export const inventoryView: View<InventoryState> = {
  initial: () => ({ steps: new Map(), owners: new Map(), labels: new Map() }),
  evolve(state, event) {
    takeEvent(state, event)
    return state
  },
}

function takeEvent({ steps, owners, labels }: InventoryState, event: Event): void {
  switch (event.type) {
    case 'run-started':
      return addSteps(steps, event.data.steps, undefined)
    case 'steps-added':
      return 'steps' in event.data ? addSteps(steps, event.data.steps, event.data.step) : undefined
    case 'effect-intended':
      owners.set(event.data.key, event.data.step)
      return
    case 'effect-done':
    case 'effect-failed': {
      const owner = owners.get(event.data.key)
      if (owner === undefined || !event.data.labels) return
      labels.set(owner, new Set([...(labels.get(owner) ?? []), ...event.data.labels]))
      return
    }
    case 'step-finished': {
      const { output, verdict } = event.data
      const lost = readLost(verdict)
      return endStep(steps, event.data.step, { end: 'succeeded', output, ...(lost ? { lost } : {}) })
    }
    case 'step-failed': {
      const { step, code, message, retry_at } = event.data
      return retry_at === undefined ? endStep(steps, step, { end: { name: step, code, message } }) : undefined
    }
    case 'step-skipped': {
      const { step } = event.data
      const lost = { name: step, code: 'skipped', message: 'it was skipped' }
      return endStep(steps, step, { end: isUnwanted(steps, event) ? 'unmet' : lost })
    }
    case 'step-cancelled': {
      const { step, reason } = event.data
      return endStep(steps, step, { end: { name: step, code: 'cancelled', message: reason } })
    }
  }
}

function addSteps(steps: Map<string, Known>, added: readonly PlannedStep[], parent: string | undefined): void {
  for (const { id, kind, after } of added) {
    // A later attempt of its proposer joins what is there.
    if (steps.has(id)) continue
    steps.set(id, { id, kind, after, children: [], awaited: false })
    if (parent !== undefined) steps.get(parent)?.children.push(id)
  }
  for (const { step } of added.flatMap(({ after }) => after)) {
    const awaited = steps.get(step)
    if (awaited) awaited.awaited = true
  }
}

function endStep(steps: Map<string, Known>, id: string, how: Partial<Known>): void {
  const step = steps.get(id)
  if (step) Object.assign(step, how)
}

/** By the user's own word it need not be: its condition does not hold, or it is there for a failure that did not come. */
function isUnwanted(steps: ReadonlyMap<string, Known>, { data }: EventOf<'step-skipped'>): boolean {
  const { after = [] } = steps.get(data.step) ?? {}
  const endOf = ({ step }: PlannedEdge) => steps.get(step)?.end
  if (data.reason === 'condition') return true
  if (data.reason === 'edge') return after.some((edge) => edge.on === 'failure' && endOf(edge) === 'succeeded')
  return after.every((edge) => endOf(edge) === 'unmet')
}

/**
 * The finished parts below a step, each as large as it is: of a step that failed, what is finished inside it, at whatever depth; of a
 * loop, the end of its last whole round and what is finished of the broken one. What is missing is named as deep as it is known.
 */
export function takeInventory({ steps, labels }: InventoryState, root: string): Inventory<Value> & Labelled {
  const done: { name: string; output: Value }[] = []
  const missing: Missing[] = []
  const nameOf = (id: string) => (id.startsWith(root) ? id.slice(root.length + 1) : id)
  const find = (ids: readonly string[]) =>
    ids.flatMap((id) => {
      const step = steps.get(id)
      return step && step.kind !== 'condition' ? [step] : []
    })
  const take = (step: Known): void => {
    if (step.end === 'unmet') return
    if (step.end === 'succeeded') {
      if (step.output) done.push({ name: nameOf(step.id), output: step.output })
      for (const lost of listLosses(step, find)) take(lost)
      return
    }
    const before = { missing: missing.length, done: done.length }
    for (const child of partsOf(step, find(step.children))) take(child)
    if (missing.length > before.missing) return
    // Answers that were made and rejected are no results.
    if (step.kind === 'verified') done.length = before.done
    const { code, message } = step.end ?? { code: 'unfinished', message: 'it has not ended' }
    missing.push({ name: nameOf(step.id), code, message })
  }
  for (const step of find(steps.get(root)?.children ?? [])) take(step)
  const below = [...labels].filter(([id]) => id.startsWith(root) && '/#['.includes(id.charAt(root.length) || ' '))
  return { done, missing, labels: [...new Set(below.flatMap(([, brought]) => [...brought]))].sort() }
}

/** At whatever depth: what is named may itself have gone on over a failure. */
function listLosses({ lost, children }: Known, find: (ids: readonly string[]) => Known[]): readonly Known[] {
  if (!lost) return []
  return find(lost.length > 0 ? lost : children).flatMap((step) => {
    if (step.end === 'succeeded') return listLosses(step, find)
    return typeof step.end === 'object' ? [step] : []
  })
}

const ROUND = /^#(\d+)\//

/** What counts of a step that did not come to its end: of a loop its last rounds, else all its children. */
function partsOf({ id }: Known, children: readonly Known[]): readonly Known[] {
  const rounds = children.map((child) => Number(ROUND.exec(child.id.slice(id.length))?.[1]))
  if (rounds.length === 0 || rounds.some(Number.isNaN)) return children
  const last = Math.max(...rounds)
  const of = (round: number) => children.filter((_, index) => rounds[index] === round)
  // A loop goes on only after a round that came to something.
  return [...of(last - 1).filter(({ awaited, end }) => !awaited && end === 'succeeded'), ...of(last)]
}
