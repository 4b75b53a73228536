import { runWithLaws } from '../../test/laws.ts'
import type { EffectOutcome, Executor } from '../engine/effect.ts'
import type { StepKind } from '../engine/step.ts'
import type { Event, EventOf } from '../events/event.ts'
import { type ModelRequest, textOf } from '../events/messages.ts'
import type { Json } from '../events/values.ts'
import { createReport } from '../events/views/report.ts'
import { readInline } from '../events/views/view.ts'
import type { GraphStep } from '../graph/step-graph.ts'
import { agentStep } from './agent.ts'
import { assembleStep } from './assemble.ts'
import { readJson } from './read-json.ts'
import { scriptStep } from './script.ts'
import { verifiedStep } from './verified.ts'

// Runs graphs of agents on the real engine and the memory journal; models and scripts are functions of what they are asked.

export interface Asked {
  readonly model: string
  readonly system: string
  /** The last message of the user. */
  readonly prompt: string
  readonly request: ModelRequest
}

/** A text is an answer, an object with a code a failure. */
export type Model = (asked: Asked) => string | { readonly code: string }
export type Script = (input: Json) => { readonly exit: number; readonly stdout: string } | { readonly code: string }

export const kinds: { readonly [kind: string]: StepKind } = {
  agent: agentStep,
  script: scriptStep,
  verified: verifiedStep,
  assemble: assembleStep,
}

export interface Course {
  readonly model?: Model
  readonly script?: Script
  readonly seed?: string
  /** Every how many events the record is cut and resumed; usually 5, 0 for never. */
  readonly cuts?: number
  readonly calls: Asked[]
}

export async function runGraph(steps: readonly GraphStep[], given: Omit<Course, 'calls'>) {
  const calls: Asked[] = []
  let first = true
  const { events, end } = await runWithLaws(
    { name: 'g', steps },
    {
      kinds,
      ...(given.seed === undefined ? {} : { seed: given.seed }),
      cuts: (events) =>
        events.map(({ seq }) => seq).filter((seq) => seq < events.length && seq % (given.cuts ?? 5) === 1),
      // Only the first process is counted; resumptions ask again.
      executors: () => {
        const counted = first ? calls : []
        first = false
        return { model: modelExecutor(given.model ?? (() => 'ok'), counted), script: scriptExecutor(given.script) }
      },
    },
  )
  const report = createReport(events)
  return { events, end, calls, report, output: report.agents.at(steps.length - 1)?.output }
}

export function candidate(model: string) {
  return { provider: 'p', model }
}

export function agent(
  id: string,
  models: readonly string[] = [id],
  more: { readonly [key: string]: Json } = {},
): GraphStep {
  const spec = { agent: id, title: id, system: 'be good', candidates: models.map(candidate), blocks: [], ...more }
  return { id, kind: 'agent', spec }
}

/** The facts and content of what steps recorded. */
export function recordsOf<T extends 'step-verified' | 'ballot-cast' | 'note-written'>(
  events: readonly Event[],
  type: T,
) {
  return events.flatMap((event) => {
    if (event.type !== type || !('facts' in event.data)) return []
    const { facts, content, step } = (event as EventOf<'step-verified'>).data
    return [{ step, ...facts, content: content && readInline(content) } as { readonly [key: string]: Json }]
  })
}

function modelExecutor(model: Model, calls: Asked[]): Executor {
  return {
    kind: 'model',
    run: async (order): Promise<EffectOutcome> => {
      const request = order.request as unknown as ModelRequest
      const said = (role: string) =>
        textOf(request.messages.findLast((message) => message.role === role)?.content ?? [])
      const asked = { model: request.model, system: said('system'), prompt: said('user'), request }
      calls.push(asked)
      const answer = model(asked)
      if (typeof answer !== 'string')
        return { ok: false, code: answer.code, message: 'as planned', touched: 'yes', retry: false }
      return { ok: true, answer: { content: [{ type: 'text', text: answer }], finish: 'stop', usage: {} } }
    },
  }
}

function scriptExecutor(script: Script | undefined): Executor {
  return {
    kind: 'script',
    run: async (order): Promise<EffectOutcome> => {
      const { environment } = order.request as { readonly environment: { readonly [name: string]: string } }
      const answer = script?.(readJson(environment['INPUT_DATA'] ?? '') ?? null) ?? { exit: 0, stdout: '' }
      if ('code' in answer) return { ok: false, code: answer.code, message: 'as planned', touched: 'no', retry: false }
      return { ok: true, answer: { ...answer, stderr: '', truncated: false } }
    },
  }
}
