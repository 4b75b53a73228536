import { describe, expect, test } from 'vitest'
import type { EffectOrder } from '../engine/effect.ts'
import type { ToolRequest } from '../events/tool-call.ts'
import type { Tool, ToolOutcome } from '../tools/tool.ts'
import { createSteerExecutor } from './steer.ts'
import { createToolExecutor } from './tool.ts'

const request: ToolRequest = {
  tool: 'add',
  version: '1.0.0',
  source: 'catalog',
  digest: 'right',
  arguments: { n: 1 },
  call: 'c1',
  permissions: {},
}

function orderOf(asked: unknown): EffectOrder {
  const names = { run: 'r', step: 's', attempt: 1, key: 's/tool:c1', kind: 'tool', tries: 1, idempotency_key: 'k' }
  return { ...names, safety: 'unsafe', request: asked as EffectOrder['request'] }
}

async function perform(found: { outcome?: ToolOutcome; digest?: string; outside?: boolean } | undefined) {
  let ran = 0
  const tool: Tool = {
    name: 'add',
    version: '1.0.0',
    description: '',
    schemas: { input: {} },
    safety: 'unsafe',
    permissions: {},
    run: async (args, { idempotency_key, cwd }) => {
      ran += 1
      return found?.outcome ?? { ok: true, output: { args, idempotency_key, cwd } }
    },
  }
  const executor = createToolExecutor({
    cwd: '/work',
    find: async () => found && { tool, digest: found.digest ?? 'right', outside: found.outside ?? false },
  })
  const outcome = await executor.run(orderOf(request), { signal: new AbortController().signal, stream: () => {} })
  return { outcome, ran }
}

describe('the tool executor', () => {
  test('gives the tool its arguments, the key of the call and the folder', async () => {
    expect((await perform({})).outcome).toEqual({
      ok: true,
      answer: { args: { n: 1 }, idempotency_key: 'k', cwd: '/work' },
    })
  })

  test('S13 a tool that is not the pinned one, or is gone, is refused untouched', async () => {
    expect(await perform({ digest: 'other' })).toMatchObject({
      ran: 0,
      outcome: { code: 'tool_changed', touched: 'no' },
    })
    expect(await perform(undefined)).toMatchObject({ ran: 0, outcome: { code: 'tool_missing', touched: 'no' } })
  })

  test('S01 what came from outside is marked, in failures too', async () => {
    expect((await perform({ outside: true })).outcome).toMatchObject({ ok: true, labels: ['outside'] })
    const outcome = { ok: false, code: 'http_error', message: 'm', detail: 'text of the page', touched: 'yes' } as const
    expect((await perform({ outside: true, outcome })).outcome).toMatchObject({
      ok: false,
      labels: ['outside'],
      retry: false,
    })
  })

  test('an answer no journal can hold becomes one it can', async () => {
    const output = { a: undefined, n: Number.NaN, text: '\ud800' } as unknown as null
    expect((await perform({ outcome: { ok: true, output } })).outcome).toMatchObject({ answer: { n: null, text: '�' } })
  })
})

test('words to one step are not told to another; each is told once', async () => {
  const executor = createSteerExecutor(async (_, after) =>
    [
      { seq: 3, text: 'all' },
      { seq: 5, to: 's', text: 'you' },
      { seq: 6, to: 'other', text: 'not you' },
    ].filter(({ seq }) => seq > after),
  )
  const ask = (after: number) =>
    executor.run(orderOf({ after }), { signal: new AbortController().signal, stream: () => {} })
  expect(await ask(0)).toEqual({ ok: true, answer: { messages: ['all', 'you'], after: 6 } })
  expect(await ask(3)).toEqual({ ok: true, answer: { messages: ['you'], after: 6 } })
  expect(await ask(6)).toEqual({ ok: true, answer: { messages: [], after: 6 } })
})
