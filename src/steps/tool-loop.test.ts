import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runWithLaws } from '../../test/laws.ts'
import type { EffectOutcome } from '../engine/effect.ts'
import type { StepKind } from '../engine/step.ts'
import type { Message, MessagePart, ModelAnswer, ModelRequest } from '../events/messages.ts'
import type { PinnedTool, ToolRequest } from '../events/tool-call.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { readCalls } from './tool-calls.ts'
import { converse, type ToolLimits } from './tool-loop.ts'

function tool(name: string, more: Partial<PinnedTool> = {}): PinnedTool {
  return {
    name,
    version: '1.0.0',
    description: `does ${name}`,
    input_schema: {
      type: 'object',
      properties: { n: { type: 'number' } },
      required: ['n'],
      additionalProperties: false,
    },
    safety: 'pure',
    permissions: {},
    source: 'builtin',
    digest: 'd',
    ...more,
  }
}

type Said = string | readonly { readonly name: string; readonly args: Json; readonly id?: string }[]
type Model = (request: ModelRequest, turn: number) => Said

interface Stage {
  readonly model: Model
  readonly tools?: readonly PinnedTool[]
  readonly use?: (request: ToolRequest) => EffectOutcome
  readonly limits?: Partial<ToolLimits>
  readonly steer?: (after: number) => { messages: readonly string[]; after: number }
}

/** Runs one conversation under the four laws; every request of the model is checked as a strict server would. */
async function talk(stage: Stage) {
  const done: ToolRequest[] = []
  const requests: ModelRequest[] = []
  let first = true
  const kind: StepKind = {
    kind: 'talk',
    version: 1,
    run: async (step, _, ctx) => {
      let calls = 0
      const { answer } = await converse(ctx, {
        step: step.id,
        request: { provider: 'p', model: 'm', messages: [{ role: 'user', content: [{ type: 'text', text: 'go' }] }] },
        pool: 'provider:p',
        tools: stage.tools ?? [tool('add')],
        limits: { turns: 10, repeats: 3, ...stage.limits },
        nextName: () => `model#${++calls}`,
      })
      return { output: answer.content as unknown as Json }
    },
  }
  const { events } = await runWithLaws(
    { name: 'g', steps: [{ id: 's', kind: 'talk', spec: {} }] },
    {
      kinds: { talk: kind },
      executors: () => {
        const own = { done: first ? done : [], requests: first ? requests : [] }
        first = false
        return {
          model: {
            kind: 'model',
            run: async ({ request }) => {
              const asked = request as unknown as ModelRequest
              own.requests.push(asked)
              const fault = findIllegal(asked.messages)
              if (fault) return { ok: false, code: 'request_refused', message: fault, touched: 'no', retry: false }
              const turn = asked.messages.filter(({ role }) => role === 'assistant').length + 1
              return { ok: true, answer: answerOf(stage.model(asked, turn)) as unknown as Json }
            },
          },
          tool: {
            kind: 'tool',
            run: async ({ request }) => {
              own.done.push(request as ToolRequest)
              return (
                stage.use?.(request as ToolRequest) ?? { ok: true, answer: { got: (request as ToolRequest).arguments } }
              )
            },
          },
          steer: {
            kind: 'steer',
            run: async ({ request }) => {
              const { after } = request as { after: number }
              return { ok: true, answer: (stage.steer?.(after) ?? { messages: [], after }) as unknown as Json }
            },
          },
        }
      },
    },
  )
  const end = events.findLast((event) => event.type === 'step-finished' || event.type === 'step-failed')
  return { done, requests, end, last: requests.at(-1)?.messages ?? [] }
}

function answerOf(said: Said): ModelAnswer {
  if (typeof said === 'string') return { content: [{ type: 'text', text: said }], finish: 'stop', usage: {} }
  const content = said.map(({ name, args, id }, index): MessagePart => {
    const raw = typeof args === 'string' ? args : JSON.stringify(args)
    return { type: 'tool-call', id: id ?? `call_${index}`, name, arguments: raw }
  })
  return { content, finish: 'tool-calls', usage: {} }
}

/** I17: every call is answered once, in order, right after the message that made it. */
function findIllegal(messages: readonly Message[]): string | undefined {
  const seen = new Set<string>()
  for (const [index, { content }] of messages.entries()) {
    const calls = content.flatMap((part) => (part.type === 'tool-call' ? [part.id] : []))
    if (calls.length === 0) continue
    for (const id of calls) {
      if (seen.has(id)) return `the id ${id} is used twice`
      seen.add(id)
    }
    const results = messages[index + 1]?.content.flatMap((part) => (part.type === 'tool-result' ? [part.id] : []))
    if (String(results) !== String(calls)) return `calls ${String(calls)} are answered by ${String(results)}`
  }
  return undefined
}

const resultsOf = (messages: readonly Message[]) =>
  messages.flatMap(({ content }) => content.filter((part) => part.type === 'tool-result'))

describe('a conversation with tools', () => {
  test('ask, call, result, answer; parallel calls in one turn; ids that a server counts anew', async () => {
    const { done, requests, end, last } = await talk({
      model: (_, turn) =>
        turn === 1
          ? [
              { name: 'add', args: { n: 1 } },
              { name: 'add', args: { n: 2 } },
            ]
          : turn === 2
            ? [{ name: 'add', args: { n: 3 } }]
            : 'done',
    })
    expect(end?.type).toBe('step-finished')
    expect(done.map((each) => each.arguments)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    expect(requests).toHaveLength(3)
    expect(resultsOf(last).map(({ id, output }) => [id, output])).toEqual([
      ['call_0', { got: { n: 1 } }],
      ['call_1', { got: { n: 2 } }],
      ['call_0~2', { got: { n: 3 } }],
    ])
  })

  test.each([
    ['an unknown tool', { name: 'subtract', args: { n: 1 } }, 'there is no tool subtract'],
    ['arguments of the wrong form', { name: 'add', args: { n: 'x' } }, 'do not follow the schema'],
    ['arguments that are no object', { name: 'add', args: [1] as Json }, 'not a JSON object'],
    ['broken arguments', { name: 'add', args: '{"n": 1' }, 'not a JSON object'],
    [
      'a key that would reach the prototype',
      { name: 'add', args: '{"n": 1, "__proto__": {"x": 1}}' },
      'not a JSON object',
    ],
  ])('%s: not executed, and the model is told', async (_, call, words) => {
    const { done, last, end } = await talk({ model: (__, turn) => (turn === 1 ? [call] : 'sorry') })
    expect(done).toEqual([])
    expect(end?.type).toBe('step-finished')
    expect(resultsOf(last)).toMatchObject([{ failed: true, output: expect.stringContaining(words) as string }])
  })

  test('a tool that fails is told to the model; so is a denial', async () => {
    const use = ({ arguments: { n } }: ToolRequest): EffectOutcome =>
      n === 1
        ? { ok: false, code: 'disk_full', message: 'no room', detail: 'ENOSPC', touched: 'no', retry: false }
        : { ok: true, answer: 'ok' }
    const { last } = await talk({
      model: (_, turn) =>
        turn === 1
          ? [
              { name: 'add', args: { n: 1 } },
              { name: 'add', args: { n: 2 } },
            ]
          : 'done',
      use,
    })
    expect(resultsOf(last)).toMatchObject([
      { failed: true, output: { error: 'disk_full', message: 'no room', detail: 'ENOSPC' } },
      { output: 'ok' },
    ])
  })

  test('U39 the same call with the same result three times ends the step with the reason', async () => {
    const { done, end } = await talk({ model: () => [{ name: 'add', args: { n: 1 } }] })
    expect(done).toHaveLength(3)
    expect(end).toMatchObject({ type: 'step-failed', data: { code: 'tool_loop' } })
  })

  test('a model that never stops asking is stopped at the limit', async () => {
    const { done, end } = await talk({ model: (_, turn) => [{ name: 'add', args: { n: turn } }], limits: { turns: 4 } })
    expect(done).toHaveLength(3)
    expect(end).toMatchObject({ type: 'step-failed', data: { code: 'tool_turns_exhausted' } })
  })

  test('what a person says in between stands before the next turn', async () => {
    const { last } = await talk({
      model: (_, turn) => (turn === 1 ? [{ name: 'add', args: { n: 1 } }] : 'done'),
      steer: (after) => (after === 0 ? { messages: ['be quick'], after: 7 } : { messages: [], after }),
    })
    expect(last.at(-1)).toEqual({ role: 'user', content: [{ type: 'text', text: 'be quick' }] })
  })

  test('a result too long for a model is shortened for it', async () => {
    const { last } = await talk({
      model: (_, turn) => (turn === 1 ? [{ name: 'add', args: { n: 1 } }] : 'done'),
      use: () => ({ ok: true, answer: 'x'.repeat(200_000) }),
    })
    const [result] = resultsOf(last)
    expect(String(result?.output)).toMatch(/^x+\n\[140000 characters left out]\nx+$/)
  })
})

describe('F17 arguments that were cut', () => {
  const schema: JsonObject = { type: 'object' }
  const tools = [tool('add', { input_schema: schema })]
  const part = (raw: string): MessagePart => ({ type: 'tool-call', id: 'c', name: 'add', arguments: raw })

  test('2,000 cuts at every byte: none is executed', () => {
    const whole = JSON.stringify({
      path: 'a/b',
      text: 'ä"\\\n{}[]'.repeat(60),
      list: Array.from({ length: 220 }, (_, n) => ({ n })),
    })
    const bytes = Buffer.from(whole)
    let executed = 0
    let cuts = 0
    for (let at = 0; at < bytes.length && cuts < 2_000; at++, cuts++) {
      const cut = bytes.subarray(0, at).toString()
      for (const call of readCalls({ content: [part(cut)], finish: 'tool-calls' }, tools, new Set()))
        if ('tool' in call) executed += 1
    }
    expect({ cuts, executed }).toEqual({ cuts: 2_000, executed: 0 })
  })

  test('an answer that ended at its token limit executes nothing, however whole its calls look', () => {
    for (const finish of ['length', 'content-filter', 'other'] as const)
      expect(readCalls({ content: [part('{"n":1}')], finish }, tools, new Set())).toMatchObject([
        { refused: expect.stringContaining('cut off') as string },
      ])
  })

  test('whatever a model writes, an executed call has the arguments it wrote', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (raw) => {
        for (const call of readCalls({ content: [part(raw)], finish: 'stop' }, tools, new Set()))
          if ('tool' in call) expect(call.arguments).toEqual(JSON.parse(raw))
      }),
    )
  })
})
