import { runWithLaws } from '../../test/laws.ts'
import { countExecutor } from '../effects/count.ts'
import type { EffectOutcome } from '../engine/effect.ts'
import type { EventOf } from '../events/event.ts'
import { type ModelAnswer, type ModelRequest, type Usage } from '../events/messages.ts'
import type { PinnedTool } from '../events/tool-call.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { readInline } from '../events/views/view.ts'
import { agentStep } from './agent.ts'

export const look: PinnedTool = {
  name: 'look',
  version: '1.0.0',
  description: 'looks something up',
  input_schema: { type: 'object', properties: { n: { type: 'number' } } },
  safety: 'pure',
  permissions: {},
  source: 'builtin',
  digest: 'd',
}

export const long = (seed: string, words: number) =>
  Array.from({ length: words }, (_, n) => `${seed}${n % 97}`).join(' ')

type Said = {
  readonly text?: string
  readonly calls?: readonly number[]
  readonly usage?: Usage
  readonly fail?: string
}

interface Scene {
  readonly spec?: JsonObject
  readonly candidates?: readonly JsonObject[]
  readonly input?: string
  readonly model: (request: ModelRequest, nth: number) => Said
  readonly look?: (n: number) => Json
  readonly cuts?: number
}

/** Runs one agent under the laws of the engine: what it records and asks comes out the same in every replay and resumption. */
export async function play({ spec, candidates, input, model, look: answerLook, cuts = 7 }: Scene) {
  const requests: ModelRequest[] = []
  let first = true
  const { events, end } = await runWithLaws(
    {
      name: 'g',
      steps: [
        {
          id: 'a',
          kind: 'agent',
          spec: {
            agent: 'a',
            title: 'A',
            system: 'be good',
            blocks: [],
            candidates: (candidates ?? [{ provider: 'p', model: 'm' }]) as never,
            ...spec,
          },
        },
      ],
    },
    {
      kinds: { agent: agentStep },
      plan: { limits: { calls_per_step: 100 }, ...(input === undefined ? {} : { input }) },
      cuts: (all) => all.map(({ seq }) => seq).filter((seq) => seq < all.length && cuts > 0 && seq % cuts === 1),
      executors: () => {
        const own = first ? requests : []
        first = false
        let nth = 0
        return {
          count: countExecutor,
          model: {
            kind: 'model',
            run: async ({ request }): Promise<EffectOutcome> => {
              const asked = request as unknown as ModelRequest
              own.push(asked)
              nth += 1
              const said = model(asked, asked.messages.filter(({ role }) => role === 'assistant').length + 1)
              if (said.fail) return { ok: false, code: said.fail, message: 'as planned', touched: 'yes', retry: false }
              return { ok: true, answer: answerOf(said, nth) as unknown as Json }
            },
          },
          tool: {
            kind: 'tool',
            run: async ({ request }) => {
              const { n } = (request as { arguments: { n: number } }).arguments
              return { ok: true, answer: answerLook?.(n) ?? `found ${n}` }
            },
          },
          steer: {
            kind: 'steer',
            run: async ({ request }) => ({
              ok: true,
              answer: { messages: [], after: (request as { after: number }).after },
            }),
          },
        }
      },
    },
  )
  const built = events.filter((event) => event.type === 'context-built') as EventOf<'context-built'>[]
  const facts = built.map(({ data }) => data.facts as { readonly [key: string]: Json })
  const manifests = built.map(({ data }) =>
    data.content ? (readInline(data.content) as JsonObject | undefined) : undefined,
  )
  const failed = events.find((event) => event.type === 'step-failed')
  return { events, end, requests, facts, manifests, failed: failed?.type === 'step-failed' ? failed.data : undefined }
}

export function answerOf({ text = '', calls = [], usage = {} }: Said, nth: number): ModelAnswer {
  return {
    content: [
      ...(text === '' ? [] : [{ type: 'text' as const, text }]),
      ...calls.map((n, at) => ({
        type: 'tool-call' as const,
        id: `c${nth}-${at}`,
        name: 'look',
        arguments: `{"n":${n}}`,
      })),
    ],
    finish: calls.length > 0 ? 'tool-calls' : 'stop',
    usage,
  }
}
