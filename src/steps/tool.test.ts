import { describe, expect, test } from 'vitest'
import { FakeContext } from '../../test/fixtures/step-context.ts'
import { StepFailure } from '../engine/step.ts'
import type { MessagePart } from '../events/messages.ts'
import type { PinnedTool } from '../events/tool-call.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { toolStep } from './tool.ts'
import { converse } from './tool-loop.ts'

function pin(name: string, more: Partial<PinnedTool> = {}): PinnedTool {
  const usual = {
    version: '1.0.0',
    description: name,
    safety: 'pure',
    permissions: {},
    source: 'builtin',
    digest: 'd',
  } as const
  const input_schema: JsonObject = {
    type: 'object',
    properties: { question: { type: 'string' } },
    required: ['question'],
  }
  return { name, ...usual, input_schema, ...more }
}

async function callTool(tool: PinnedTool, given: JsonObject, answer: Json | StepFailure = 'yes') {
  const ctx = new FakeContext(() => answer)
  const spec = { tool, arguments: given } as unknown as JsonObject
  const step = { id: 's', kind: 'tool', attempt: 1, spec }
  const result = await toolStep.run(step, { input: '', dependencies: [] }, ctx).catch((error: unknown) => error)
  return { result, asked: ctx.asked }
}

describe('a tool step', () => {
  test('asks for exactly what was pinned, and gives what came of it', async () => {
    const tool = pin('write_file', { safety: 'unsafe', permissions: { write: ['**'] }, digest: 'abc' })
    const { result, asked } = await callTool(tool, { question: 'x' }, { bytes: 1 })
    expect(result).toEqual({ output: { bytes: 1 } })
    expect(asked).toEqual([
      {
        kind: 'tool',
        name: 'tool:call',
        safety: 'unsafe',
        pool: 'tool-serial:s',
        request: {
          tool: 'write_file',
          version: '1.0.0',
          source: 'builtin',
          digest: 'abc',
          arguments: { question: 'x' },
          call: 'call',
          permissions: { write: ['**'] },
        },
      },
    ])
  })

  test('arguments that do not follow the schema are never asked', async () => {
    const { result, asked } = await callTool(pin('read_file'), { question: 1 })
    expect(result).toMatchObject({ code: 'bad_input' })
    expect(asked).toEqual([])
  })

  test('a failure is its failure', async () => {
    const failure = new StepFailure('tool_changed', 'no')
    expect((await callTool(pin('read_file'), { question: 'x' }, failure)).result).toBe(failure)
  })
})

describe('ask_user', () => {
  test('is a question of the run, not a tool that runs', async () => {
    const given = { question: 'Which?', options: ['a', 'b'] }
    const { result, asked } = await callTool(pin('ask_user'), given, 'a')
    expect(asked).toEqual([{ kind: 'ask', name: 'tool:call', safety: 'pure', request: given }])
    expect(result).toEqual({ output: 'a' })
  })

  test('only the built-in one is: a tool of somebody else that is called so is a tool', async () => {
    const { asked } = await callTool(pin('ask_user', { source: 'catalog' }), { question: 'x' })
    expect(asked[0]?.kind).toBe('tool')
  })

  test('in a conversation the answer is the result of the call', async () => {
    const call: MessagePart = { type: 'tool-call', id: 'c1', name: 'ask_user', arguments: '{"question":"Which?"}' }
    const ctx = new FakeContext((ask, index) => {
      if (ask.kind === 'ask') return 'the blue one'
      if (ask.kind === 'steer') return { messages: [], after: 0 }
      const content = index === 0 ? [call] : [{ type: 'text', text: 'done' }]
      return { content, finish: index === 0 ? 'tool-calls' : 'stop', usage: {} } as unknown as Json
    })
    const { answer, said } = await converse(ctx, {
      step: 's',
      request: { provider: 'p', model: 'm', messages: [] },
      pool: 'provider:p',
      tools: [pin('ask_user')],
      limits: { turns: 5, repeats: 3 },
      nextName: () => `model${ctx.asked.length}`,
    })
    expect(ctx.asked.map(({ kind, name }) => [kind, name])).toContainEqual(['ask', 'tool:c1'])
    expect(said.at(-1)?.content).toEqual([{ type: 'tool-result', id: 'c1', name: 'ask_user', output: 'the blue one' }])
    expect(answer.finish).toBe('stop')
  })
})
