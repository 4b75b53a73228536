import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { countAtMost, countMessages, countRequestAtMost } from '../context/count.ts'
import { countTokens } from '../effects/count.ts'
import { type ModelRequest, textOf } from '../events/messages.ts'
import type { Json, JsonObject } from '../events/values.ts'

import { long, look, play } from './fit.fixture.ts'

/** Pairs are whole, and the first words are still there. */
function findFault({ messages }: ModelRequest): string | undefined {
  const calls = messages.flatMap(({ content }) =>
    content.flatMap((part) => (part.type === 'tool-call' ? [part.id] : [])),
  )
  const results = messages.flatMap(({ content }) =>
    content.flatMap((part) => (part.type === 'tool-result' ? [part.id] : [])),
  )
  if (String(calls) !== String(results)) return `calls ${String(calls)}, results ${String(results)}`
  const roles = messages.slice(0, 2).map(({ role }) => role)
  return String(roles) === 'system,user' ? undefined : `begins with ${String(roles)}`
}

beforeAll(async () => void (await countTokens(['warm'])))

describe('what an agent sends', () => {
  test('F12: everything that fits is sent as it is, with a few numbers in the record', async () => {
    const { requests, facts, manifests } = await play({ input: 'hello', model: () => ({ text: 'hi' }) })
    expect(requests).toEqual([
      {
        provider: 'p',
        model: 'm',
        messages: [
          { role: 'system', content: [{ type: 'text', text: 'be good' }] },
          { role: 'user', content: [{ type: 'text', text: 'hello' }] },
        ],
      },
    ])
    expect(facts).toEqual([
      { effect: 'model', messages: 2, tokens: 28, method: 'bounded', prefix: 0, of: { system: 10, user: 10 } },
    ])
    expect(manifests).toEqual([undefined])
  })

  test('the length of the unchanged beginning is told, tools included', async () => {
    const { facts } = await play({
      spec: { tools: [look] as unknown as Json },
      model: (_, turn) => (turn < 4 ? { calls: [turn] } : { text: 'done' }),
    })
    expect(facts).toHaveLength(4)
    for (const [at, { prefix }] of facts.entries())
      expect(prefix).toBe(at === 0 ? 0 : (facts[at - 1]?.['tokens'] as number) - 8)
    expect(facts[3]?.['of']).toMatchObject({ beside: expect.toSatisfy((tokens: number) => tokens > 20) })
    const typed = await play({
      spec: { output_schema: { type: 'object', required: ['n'] } },
      model: (_, turn) => ({ text: turn === 1 ? 'no' : '{"n":1}' }),
    })
    expect(typed.facts[1]?.['prefix']).toBeGreaterThan(30)
  })

  test('F12: answers it depends on are shortened within their fences, the input and the instruction are not', async () => {
    const material = [
      { heading: 'Report one', content: long('a', 900) },
      { heading: 'Report two', content: 'short' },
    ]
    const { requests, manifests, facts } = await play({
      spec: { material, context: { budget_tokens: 700 } },
      model: () => ({ text: 'ok' }),
    })
    const [request] = requests
    const text = textOf(request?.messages[1]?.content ?? [])
    expect(text).toMatch(
      /## Input\n\n```\nthe input\n```\n\n## Report one\n\n```\na0 a1[\s\S]+characters left out …\][\s\S]+\n```\n\n## Report two\n\n```\nshort\n```/,
    )
    expect(countRequestAtMost(request as ModelRequest)).toBeLessThanOrEqual(700)
    expect(facts[0]).toMatchObject({ limit: 700, cut: 1, dropped: 0, summarised: 0 })
    const parts = manifests[0]?.['parts'] as readonly JsonObject[]
    expect(parts.map(({ name, fate }) => `${String(name)} ${String(fate)}`)).toContain('Report one cut')
  })

  test('F21: 20 conversations with tools that grow: never over the limit, pairs whole, the beginning mostly unchanged', {
    timeout: 60_000,
  }, async () => {
    const shapes = fc.sample(
      fc.record({
        sizes: fc.array(fc.nat(80), { minLength: 8, maxLength: 16 }),
        width: fc.integer({ min: 1, max: 3 }),
        limit: fc.integer({ min: 1200, max: 3000 }),
      }),
      { numRuns: 20, seed: 21 },
    )
    let cut = 0
    let requestsInAll = 0
    for (const { sizes, width, limit } of shapes) {
      const { requests, facts, failed } = await play({
        cuts: 61,
        spec: { tools: [look] as unknown as Json, context: { budget_tokens: limit }, max_turns: 40 },
        candidates: [{ provider: 'p', model: 'm' }],
        model: (request) => {
          const n = nextRound(request)
          return n < sizes.length ? { calls: Array.from({ length: width }, (_, at) => n * 10 + at) } : { text: 'done' }
        },
        look: (n) => long(`n${n} `, sizes[Math.floor(n / 10)] ?? 1),
      })
      expect(failed).toBeUndefined()
      for (const request of requests) {
        expect(countRequestAtMost(request)).toBeLessThanOrEqual(limit)
        expect(findFault(request)).toBeUndefined()
      }
      const touched = facts.filter(({ before }) => before !== undefined)
      cut += touched.length
      requestsInAll += facts.length
    }
    expect(cut).toBeGreaterThan(20)
    expect(cut).toBeLessThan(requestsInAll / 2)
  })

  test('F21: summaries: two at most, each one shorter by a fifth, then the end', async () => {
    const grow = (summary: string) => ({
      spec: {
        tools: [look] as unknown as Json,
        context: { budget_tokens: 1500, overflow: 'summarise' },
        max_turns: 60,
      },
      model: (request: ModelRequest) => (request.tools ? { calls: [nextNumber(request)] } : { text: summary }),
      look: (n: number) => long(`n${n} `, 120),
      cuts: 23,
    })
    const { requests, facts, failed, manifests } = await play(grow('so far: little'))
    const summaries = requests.filter(({ tools }) => !tools)
    expect(summaries).toHaveLength(2)
    expect(failed).toMatchObject({
      code: 'context_overflow',
      message: expect.stringContaining('2 summaries') as string,
    })
    for (const request of requests) expect(countRequestAtMost(request)).toBeLessThanOrEqual(1500)
    for (const request of requests.filter(({ tools }) => tools)) expect(findFault(request)).toBeUndefined()
    expect(facts.filter(({ summarised }) => Number(summarised) > 0)).toHaveLength(2)
    expect(facts.map(({ effect }) => effect)).toContain('summary~1')
    const parts = manifests.find((manifest) => manifest)?.['parts'] as readonly JsonObject[] | undefined
    if (parts) expect(parts.some(({ name, fate }) => name === 'summary' && fate === 'kept')).toBe(true)
    const after = requests[requests.indexOf(summaries[0] as ModelRequest) + 1]
    expect(JSON.stringify(after?.messages)).toContain('so far: little')

    const stubborn = await play(grow(long('never shorter ', 400)))
    expect(stubborn.requests.filter(({ tools }) => !tools)).toHaveLength(1)
    expect(stubborn.failed).toMatchObject({
      code: 'context_overflow',
      message: expect.stringContaining('not short enough') as string,
    })
  })

  test('F21: what may not be cut is refused before any call, and the next model is asked', async () => {
    const input = long('w', 2000)
    const tiny = {
      provider: 'p',
      model: 'tiny',
      card: { provider: 'p', model: 'tiny', context_window: 2000, sources: [] },
    }
    const { requests, failed } = await play({
      input,
      candidates: [tiny, { provider: 'p', model: 'wide' }],
      model: () => ({ text: 'ok' }),
    })
    expect(failed).toBeUndefined()
    expect(requests.map(({ model }) => model)).toEqual(['wide'])
    const alone = await play({ input, candidates: [tiny], model: () => ({ text: 'ok' }) })
    expect(alone.requests).toEqual([])
    expect(alone.failed).toMatchObject({
      code: 'context_overflow',
      message: expect.stringMatching(/prompt \(\d+\)/) as string,
    })
    const strict = await play({
      spec: { material: [{ heading: 'R', content: input }], context: { overflow: 'fail', budget_tokens: 900 } },
      model: () => ({ text: 'ok' }),
    })
    expect(strict.failed).toMatchObject({
      code: 'context_overflow',
      message: expect.stringContaining('budget of context') as string,
    })
  })

  test('a server that finds the request too long gets less to read', async () => {
    const { requests, failed } = await play({
      spec: { material: [{ heading: 'R', content: long('a', 900) }] },
      model: (request) => (countRequestAtMost(request) > 900 ? { fail: 'context_overflow' } : { text: 'ok' }),
    })
    expect(failed).toBeUndefined()
    expect(requests.length).toBeGreaterThan(1)
    expect(requests.length).toBeLessThanOrEqual(3)
  })

  test('a tokenizer counts where the bound does not fit and the model has one that is known', async () => {
    const spec = {
      material: [{ heading: 'R', content: 'The quick brown fox jumps over the lazy dog. '.repeat(60) }],
      context: { budget_tokens: 720 },
    }
    const { events, facts, requests, failed } = await play({
      spec,
      candidates: [{ provider: 'openai', model: 'gpt-4o-mini' }],
      model: () => ({ text: 'ok' }),
    })
    expect(failed).toBeUndefined()
    expect(facts).toMatchObject([{ method: 'exact', limit: 720, cut: 0, dropped: 0 }])
    expect(countMessages(requests[0]?.messages ?? [], countAtMost)).toBeGreaterThan(720)
    expect(events.filter(({ type }) => type === 'effect-intended')).toHaveLength(2)
    const unknown = await play({ spec, model: () => ({ text: 'ok' }) })
    expect(unknown.facts).toMatchObject([{ method: 'bounded', cut: 1 }])
  })
})

function nextRound({ messages }: ModelRequest): number {
  const numbers = messages.flatMap(({ content }) =>
    content.flatMap((part) =>
      part.type === 'tool-call' ? [Math.floor(Number(/\d+/.exec(part.arguments)?.[0]) / 10) + 1] : [],
    ),
  )
  return Math.max(0, ...numbers)
}

function nextNumber({ messages }: ModelRequest): number {
  return (
    messages.filter(({ role }) => role === 'assistant').length +
    Math.max(0, ...[...JSON.stringify(messages).matchAll(/n(\d+) 0/g)].map(([, n]) => Number(n))) +
    1
  )
}
