import type { StepKind } from '../../src/engine/step.ts'
import type { Message, MessagePart, ModelAnswer, ModelRequest } from '../../src/events/messages.ts'
import type { Need } from '../../src/events/money.ts'
import type { Json, JsonObject } from '../../src/events/values.ts'
import { converse } from '../../src/steps/tool-loop.ts'
import type { Chance } from './chance.ts'
import { pinTool, TOOL_NAMES, type ToolName } from './tools.ts'

export interface TalkSpec {
  readonly tools: readonly ToolName[]
  readonly turns: number
  readonly need?: Need
}

/** An agent with tools: the real loop, and a model that says what chance says. */
export const talking: StepKind = {
  kind: 'talking',
  version: 1,
  run: async (step, _inputs, ctx) => {
    const { tools, turns, need } = step.spec as unknown as TalkSpec
    const request = { provider: 'sim', model: 'sim', messages: [{ role: 'user', content: [] }], options: { need } }
    let asked = 0
    const { answer } = await converse(
      {
        ...ctx,
        signal: ctx.signal,
        effect: (ask) => ctx.effect(ask.kind === 'model' && need ? { ...ask, need } : ask),
      },
      {
        step: step.id,
        request: JSON.parse(JSON.stringify(request)) as ModelRequest,
        pool: 'wide',
        tools: tools.map(pinTool),
        limits: { turns, repeats: 3 },
        nextName: () => `talk${asked++}`,
      },
    )
    return { output: { finish: answer.finish } }
  },
}

/** What a model says to a conversation: text, good calls, bad ones, calls under an id that was there before, and calls cut off. */
export function drawAnswer(request: ModelRequest, { hit, between, pick }: Chance): ModelAnswer {
  const names = request.tools?.map(({ name }) => name) ?? []
  const calls: MessagePart[] = []
  if (hit(0.65))
    for (let n = between(1, 3); n > 0; n--) {
      const args = hit(0.8) ? `{"n":${between(0, 9)}}` : pick(['{"n":', '{"n":"one"}', '', '[]'])
      const name = hit(0.95) ? pick(names) : pick(TOOL_NAMES)
      calls.push({ type: 'tool-call', id: pick(['', 'a', 'b', `c${between(0, 99)}`]), name, arguments: args })
    }
  const finish =
    calls.length === 0 ? 'stop' : pick(['tool-calls', 'tool-calls', 'tool-calls', 'stop', 'length'] as const)
  return { content: [{ type: 'text', text: 'so' }, ...calls], finish, usage: {} }
}

/** The calls of an answer that may be executed: whole, and with arguments that are what the schema says. */
export function executableCalls({ content, finish }: ModelAnswer): readonly { name: string; arguments: JsonObject }[] {
  if (finish === 'length') return []
  return content.flatMap((part) => {
    if (part.type !== 'tool-call' || !/^\{"n":\d\}$/.test(part.arguments)) return []
    return [{ name: part.name, arguments: JSON.parse(part.arguments) as JsonObject }]
  })
}

/** I17: every call has exactly one result, in order, right after the answer that made it. */
export function findTranscriptFault(messages: readonly Message[]): string | undefined {
  for (const [index, { role, content }] of messages.entries()) {
    const calls = content.flatMap((part) => (part.type === 'tool-call' ? [part.id] : []))
    const results = content.flatMap((part) => (part.type === 'tool-result' ? [part.id] : []))
    if (results.length > 0 && role !== 'tool') return `a result stands in message ${index} by ${role}`
    if (role === 'tool' && messages[index - 1]?.role !== 'assistant') return `message ${index} answers no call`
    if (role !== 'assistant') continue
    const next = messages[index + 1]
    const answered = next?.role === 'tool' ? next.content.map((part) => (part as { readonly id?: Json }).id) : []
    if (String(calls) !== String(answered)) return `the calls ${calls} have the results ${answered}`
    if (new Set(calls).size < calls.length) return `the calls ${calls} share an id`
  }
  return undefined
}
