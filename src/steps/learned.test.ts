import { describe, expect, test } from 'vitest'
import { type LawOptions, resumeFrom, runWithLaws } from '../../test/laws.ts'
import { createTelemetryExecutor } from '../effects/telemetry.ts'
import type { Executor } from '../engine/effect.ts'
import type { StepKind } from '../engine/step.ts'
import type { Event } from '../events/event.ts'
import type { ModelRequest } from '../events/messages.ts'
import type { AfterFailure } from '../events/routing.ts'
import type { Json } from '../events/values.ts'
import { listRoutes } from '../events/views/routes.ts'
import type { GraphStep } from '../graph/step-graph.ts'
import { agentStep } from './agent.ts'
import { chatStep } from './chat.ts'
import { verifiedStep } from './verified.ts'

const candidates = ['a', 'b', 'c'].map((model, index) => ({
  provider: 'p',
  model,
  ...(index === 0 ? { route: { among: 3, exploration: 0 } } : {}),
}))
const agent = { agent: 's', title: 's', system: '', candidates, blocks: [] }
const STEPS: { readonly [kind: string]: GraphStep } = {
  agent: { id: 's', kind: 'agent', spec: agent as never },
  chat: { id: 's', kind: 'chat', spec: { candidates } as never },
  verified: {
    id: 's',
    kind: 'verified',
    spec: { step: { id: 's', kind: 'agent', spec: agent }, checks: [], repair_limit: 0 } as never,
  },
}
const input: Json = { messages: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }] }

/** The first model is away; `after` is what is known of the others. */
function optionsWith(
  after: { readonly [model: string]: AfterFailure },
  kinds: LawOptions['kinds'],
  code = 'provider_unreachable',
): LawOptions {
  const model: Executor = {
    kind: 'model',
    run: async ({ request }) => {
      const asked = request as unknown as ModelRequest
      if (asked.model === 'a') return { ok: false, code, message: 'as planned', touched: 'no', retry: false }
      const answer = { content: [{ type: 'text', text: asked.model }], finish: 'stop', usage: { input: 1, output: 1 } }
      return { ok: true, answer: answer as Json }
    },
  }
  const telemetry = createTelemetryExecutor(async ({ models }) => ({
    models: Object.fromEntries(
      models.map((name, index) => {
        const known = after[name.slice(2)]
        const told = { samples: 50, success: 1 - index / 10 }
        return [name, known ? { ...told, after: { transport: known } } : told]
      }),
    ),
  }))
  return { kinds, executors: () => ({ model, telemetry }), plan: { input } }
}

const kinds = { agent: agentStep, chat: chatStep, verified: verifiedStep }
const visited = (events: readonly Event[]): readonly (string | undefined)[] =>
  listRoutes(events).flatMap(({ step, to }) => (step === 's' ? [to.model] : []))
const often = { samples: 30, success: 0.9 }
const seldom = { samples: 30, success: 0.5 }

describe.each(Object.keys(STEPS))('F26 the next model of a step of the kind %s', (kind) => {
  const graph = { name: 'g', steps: [STEPS[kind] as GraphStep] }

  test('is the one that helped after such failures, and the record says why', async () => {
    const { events } = await runWithLaws(graph, optionsWith({ b: seldom, c: often }, kinds))
    expect(visited(events)).toEqual(['a', 'c'])
    expect(listRoutes(events).find(({ learned }) => learned)?.learned).toEqual({
      after: 'transport',
      ...often,
      instead: { provider: 'p', model: 'b', ...seldom },
    })
  })

  test('is the next of the choice while little is known, and after failures that say nothing of the model', async () => {
    const little = { samples: 3, success: 1 }
    const without = await runWithLaws(graph, optionsWith({ b: seldom, c: little }, kinds))
    expect(visited(without.events)).toEqual(['a', 'b'])
    const open = await runWithLaws(graph, optionsWith({ b: seldom, c: often }, kinds, 'breaker_open'))
    expect(visited(open.events)).toEqual(['a', 'b'])
  })

  test('stays as it was in runs that were begun before', async () => {
    const olderOf = (one: StepKind): StepKind => {
      const version = one.version - 1
      return { kind: one.kind, version, run: one.older?.[version] ?? one.run }
    }
    const before = Object.fromEntries(Object.entries(kinds).map(([name, one]) => [name, olderOf(one)]))
    const known = { b: seldom, c: often }
    const { events, room } = await runWithLaws(graph, { ...optionsWith(known, before), cuts: () => [] })
    expect(visited(events)).toEqual(['a', 'b'])
    const began = events.find(({ type }) => type === 'step-started')?.seq ?? 0
    for (let cut = began; cut < events.length; cut += 1) {
      const resumed = await resumeFrom(events, { cut, room, options: optionsWith(known, kinds) })
      expect(visited(resumed)).toEqual(['a', 'b'])
    }
  })
})
