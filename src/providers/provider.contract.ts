import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Message, ModelRequest } from '../events/messages.ts'
import type { ModelPart, Provider } from './provider.ts'

/**
 * What the model under test has to say, by the last user message:
 * `hello` CONTRACT_TEXT in several chunks · `use a tool` a call of `lookup` with CONTRACT_ARGUMENTS, and after its result `found it` ·
 * `too many` status 429, retry after 3 s · `overloaded` 529 · `broken` 500 · `who are you` 401, quoting the key CONTRACT_KEY ·
 * `cut` some text, then the connection breaks · `slow` chunks that never come to an end within the test.
 */
export interface ProviderWorld {
  readonly provider: Provider
  /** Connections with an unfinished answer; providers without a network leave it out. */
  readonly busy?: () => number
  /** Requests seen so far. */
  readonly requests?: () => number
  close(): Promise<void>
}

export const CONTRACT_TEXT = 'Grüße, 世界 🌍! One two three four five six seven.'
export const CONTRACT_ARGUMENTS = '{"city":"Zürich","days":3}'
export const CONTRACT_KEY = 'key-Zq81-contract'

/** What every provider must do. */
export function describeProvider(name: string, open: () => Promise<ProviderWorld>): void {
  describe(`${name} keeps the contract of a provider`, () => {
    let world: ProviderWorld
    beforeAll(async () => {
      world = await open()
    })
    afterAll(() => world.close())
    const ask = (text: string, more: Partial<ModelRequest> = {}) =>
      collect(world.provider.stream(toRequest(text, more), new AbortController().signal))

    test('streams a text and ends it with one finish', async () => {
      const parts = await ask('hello')
      expect(textOf(parts)).toBe(CONTRACT_TEXT)
      expect(parts.filter((part) => part.type === 'text').length).toBeGreaterThan(1)
      expect(parts.at(-1)).toMatchObject({ type: 'finish', reason: 'stop' })
      for (const count of Object.values(usageOf(parts))) {
        if (typeof count === 'number') expect(Number.isSafeInteger(count) && count >= 0).toBe(true)
      }
      expect(parts.filter(isLast)).toHaveLength(1)
    })

    test('passes tool calls with the arguments as written, and takes their results back', async () => {
      const parts = await ask('use a tool')
      const call = parts.find((part) => part.type === 'tool-call')
      expect(call).toMatchObject({ name: 'lookup' })
      expect(JSON.parse(call?.arguments ?? '')).toEqual(JSON.parse(CONTRACT_ARGUMENTS))
      expect(parts.at(-1)).toMatchObject({ type: 'finish', reason: 'tool-calls' })
      if (!call) return
      const messages: Message[] = [
        ...toRequest('use a tool').messages,
        { role: 'assistant', content: [call] },
        { role: 'tool', content: [{ type: 'tool-result', id: call.id, name: call.name, output: { sunny: true } }] },
      ]
      expect(textOf(await ask('', { messages }))).toBe('found it')
    })

    test.for([
      ['too many', { code: 'rate_limited', retry: true, status: 429, retry_after_ms: 3000 }],
      ['overloaded', { code: 'provider_overloaded', retry: true, status: 529 }],
      ['broken', { code: 'provider_error', retry: true, status: 500 }],
      ['who are you', { code: 'provider_auth', retry: false, status: 401 }],
    ] as const)('reports "%s" as data, after one request', async ([text, failure]) => {
      const before = world.requests?.() ?? 0
      const parts = await ask(text)
      expect(parts.at(-1)).toMatchObject({ type: 'failed', failure: { ...failure, touched: 'yes' } })
      expect(JSON.stringify(parts)).not.toContain(CONTRACT_KEY)
      if (world.requests) expect(world.requests() - before).toBe(1)
    })

    test('F12 a cut answer is a failure, and its beginning is kept', async () => {
      const parts = await ask('cut')
      expect(parts.at(-1)).toMatchObject({ type: 'failed', failure: { retry: true } })
      expect(failureOf(parts)).toMatch(/stream_truncated|provider_error|malformed_response/)
      expect(parts.filter(isLast)).toHaveLength(1)
    })

    test('an abort before the call sends nothing', async () => {
      const parts = await collect(world.provider.stream(toRequest('hello'), AbortSignal.abort()))
      expect(failureOf(parts)).toBe('aborted')
    })

    test('F13 an abort at any part ends the call and closes the socket', async () => {
      for (let at = 1; at <= 4; at++) {
        const control = new AbortController()
        const parts: ModelPart[] = []
        for await (const part of world.provider.stream(toRequest('slow'), control.signal)) {
          parts.push(part)
          if (parts.filter(({ type }) => type === 'text').length === at) control.abort()
        }
        expect(failureOf(parts)).toBe('aborted')
        expect(parts.filter(isLast)).toHaveLength(1)
        if (world.busy) await until(() => world.busy?.() === 0)
      }
    })

    test('F13 an abort while nothing arrives ends the call too', async () => {
      const control = new AbortController()
      setTimeout(() => control.abort(new Error('enough')), 20)
      expect(failureOf(await collect(world.provider.stream(toRequest('slow'), control.signal)))).toBe('aborted')
    })
  })
}

export function toRequest(text: string, more: Partial<ModelRequest> = {}): ModelRequest {
  return {
    provider: 'contract',
    model: 'contract-model',
    messages: [
      { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
      { role: 'user', content: [{ type: 'text', text }] },
    ],
    max_tokens: 200,
    tools: [
      {
        name: 'lookup',
        description: 'Looks up the weather.',
        input_schema: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } },
      },
    ],
    ...more,
  }
}

export async function collect(stream: AsyncIterable<ModelPart>): Promise<ModelPart[]> {
  const parts: ModelPart[] = []
  for await (const part of stream) parts.push(part)
  return parts
}

export function textOf(parts: readonly ModelPart[]): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

export function failureOf(parts: readonly ModelPart[]): string | undefined {
  const last = parts.at(-1)
  return last?.type === 'failed' ? last.failure.code : undefined
}

function usageOf(parts: readonly ModelPart[]): object {
  const last = parts.at(-1)
  return last?.type === 'finish' ? last.usage : {}
}

function isLast({ type }: ModelPart): boolean {
  return type === 'finish' || type === 'failed'
}

/** Waits for a fact outside, generously: the claim is that it happens, the bound only ends a hopeless wait. */
export async function until(fact: () => boolean, ms = 5000): Promise<void> {
  for (let waited = 0; !fact(); waited += 10) {
    if (waited > ms) throw new Error('it did not happen')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
