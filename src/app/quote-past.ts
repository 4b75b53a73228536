import type { Event, PlannedStep } from '../events/event.ts'
import { type Route, readRoute } from '../events/views/route.ts'

/** Calls of one model in one place, or in all. */
export interface PastCalls {
  calls: number
  failed: number
  readonly input: number[]
  readonly output: number[]
  readonly ms: number[]
}

/** What became of one step over many runs; items, rounds and repairs of one place count together. */
export interface PastStep {
  planned: number
  started: number
  /** From its first start to its end. */
  readonly ms: number[]
  /** By `provider/model`. */
  readonly models: Map<string, PastCalls>
}

/** What is known from earlier runs. */
export interface Past {
  runs: number
  /** By `placeOf`. */
  readonly steps: Map<string, PastStep>
  readonly models: Map<string, PastCalls>
  /** Bytes of the runs' inputs. */
  readonly inputs: number[]
}

export function createPast(): Past {
  return { runs: 0, steps: new Map(), models: new Map(), inputs: [] }
}

/** A step's id without its numbers: `review[3]/draft~1` is at `review[]/draft`. */
export function placeOf(id: string): string {
  return id
    .replaceAll(/\[\d+\]/g, '[]')
    .replaceAll(/#\d+/g, '#')
    .replaceAll(/~\d+/g, '')
}

/** Adds what one run tells. With `stepsToo` it is of the same definition, else only its models say something. */
export function addRun(past: Past, events: Iterable<Event>, stepsToo: boolean): void {
  const routes = new Map<string, Route>()
  const open = new Map<string, string>()
  const begun = new Map<string, number>()
  for (const event of events) {
    switch (event.type) {
      case 'run-started':
        if (stepsToo) {
          past.runs += 1
          past.inputs.push(event.data.input.bytes)
          planSteps(past, event.data.steps)
        }
        break
      case 'steps-added':
        if (stepsToo && 'steps' in event.data && !event.data.joins) planSteps(past, event.data.steps)
        break
      case 'step-started':
        if (event.data.attempt === 1 && stepsToo) stepAt(past, event.data.step).started += 1
        if (!begun.has(event.data.step)) begun.set(event.data.step, event.at)
        break
      case 'step-finished': {
        const start = begun.get(event.data.step)
        if (stepsToo && start !== undefined) stepAt(past, event.data.step).ms.push(event.at - start)
        break
      }
      case 'step-routed':
        routes.set(event.data.step, readRoute(event.data.facts))
        break
      case 'effect-intended':
        if (event.data.kind === 'model' && event.data.answered_by === undefined)
          open.set(event.data.key, event.data.step)
        break
      case 'effect-done':
      case 'effect-failed': {
        const step = open.get(event.data.key)
        const { provider, model } = (step === undefined ? undefined : routes.get(step)) ?? {}
        if (step === undefined || provider === undefined || model === undefined) break
        open.delete(event.data.key)
        const name = `${provider}/${model}`
        noteCall(callsOf(past.models, name), event)
        if (stepsToo) noteCall(callsOf(stepAt(past, step).models, name), event)
      }
    }
  }
}

type Outcome = Extract<Event, { readonly type: 'effect-done' | 'effect-failed' }>

/** Calls that cost nothing, because they never began or the answer was kept, count as failed or not at all. */
function noteCall(calls: PastCalls, { type, data }: Outcome): void {
  if (type === 'effect-failed') calls.failed += 1
  const { usage, ms } = data
  if (usage?.input === undefined && usage?.output === undefined) return
  calls.calls += 1
  calls.input.push(usage.input ?? 0)
  calls.output.push(usage.output ?? 0)
  if (ms !== undefined) calls.ms.push(ms)
}

function planSteps(past: Past, steps: readonly PlannedStep[]): void {
  for (const { id } of steps) stepAt(past, id).planned += 1
}

function stepAt(past: Past, id: string): PastStep {
  const place = placeOf(id)
  let step = past.steps.get(place)
  if (!step) past.steps.set(place, (step = { planned: 0, started: 0, ms: [], models: new Map() }))
  return step
}

function callsOf(map: Map<string, PastCalls>, name: string): PastCalls {
  let calls = map.get(name)
  if (!calls) map.set(name, (calls = { calls: 0, failed: 0, input: [], output: [], ms: [] }))
  return calls
}

/** Undefined of nothing. */
export function medianOf(numbers: readonly number[]): number | undefined {
  if (numbers.length === 0) return undefined
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = 0, high = 0] = [sorted[middle - (sorted.length % 2 === 0 ? 1 : 0)], sorted[middle]]
  return (low + high) / 2
}

/** How often a step began for each time the one that proposed it (none: the run) did. Undefined where nothing is known. */
export function frequencyOf(past: Past, place: string, parent: string | undefined): number | undefined {
  const times = parent === undefined ? past.runs : (past.steps.get(parent)?.started ?? 0)
  const step = past.steps.get(place)
  if (times === 0 || !step || step.planned === 0) return undefined
  return step.started / times
}
