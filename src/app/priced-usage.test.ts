import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { priceUsage } from '../events/model-card.ts'
import { createAnthropic } from '../providers/anthropic.ts'
import { openRawServer, toHead } from '../providers/contract-server.fixture.ts'
import { createGoogle } from '../providers/google.ts'
import { createOpenAI } from '../providers/openai.ts'
import { createOpenAICompatible } from '../providers/openai-compatible.ts'
import { collect, toRequest } from '../providers/provider.contract.ts'
import type { Provider } from '../providers/provider.ts'
import { createXai } from '../providers/xai.ts'
import { type Catalogue, openCatalogue } from '../router/catalogue.ts'

const DAY = '2026-11-21'

/** How each vendor streams an answer that ends with this usage. */
const STREAMS: { readonly [vendor: string]: (usage: object) => readonly object[] } = {
  anthropic: (usage) => [
    {
      type: 'message_start',
      message: { id: 'm', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null, usage },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hi' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage },
    { type: 'message_stop' },
  ],
  openai: (usage) => [
    { type: 'response.created', response: { id: 'r', created_at: 1, model: 'm' } },
    { type: 'response.output_item.added', output_index: 0, item: { type: 'message', id: 'i' } },
    { type: 'response.output_text.delta', item_id: 'i', delta: 'hi' },
    { type: 'response.output_item.done', output_index: 0, item: { type: 'message', id: 'i' } },
    { type: 'response.completed', response: { usage } },
  ],
  google: (usageMetadata) => [
    {
      candidates: [{ index: 0, content: { role: 'model', parts: [{ text: 'hi' }] }, finishReason: 'STOP' }],
      usageMetadata,
    },
  ],
  xai: (usage) => [
    { id: 'c', model: 'm', choices: [{ index: 0, delta: { role: 'assistant', content: 'hi' } }] },
    { id: 'c', model: 'm', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage },
  ],
}

const MAKERS: { readonly [vendor: string]: (base_url: string) => Provider } = {
  anthropic: (base_url) => createAnthropic({ base_url, key: () => 'key-1234' }),
  openai: (base_url) => createOpenAI({ base_url, key: () => 'key-1234' }),
  google: (base_url) => createGoogle({ base_url, key: () => 'key-1234' }),
  xai: (base_url) => createXai({ base_url, key: () => 'key-1234' }),
  deepseek: (base_url) => createOpenAICompatible({ base_url, key: () => 'key-1234' }),
}

interface Block {
  readonly vendor: string
  readonly model: string
  readonly what: string
  readonly usage: object
  /** Dollars for a million tokens times tokens, by hand, in millionths of a dollar. */
  readonly micros: number
}

const BLOCKS: readonly Block[] = [
  {
    vendor: 'anthropic',
    model: 'claude-sonnet-4-6',
    what: 'input and output alone',
    usage: { input_tokens: 1_200, output_tokens: 340 },
    micros: 1_200 * 3 + 340 * 15,
  },
  {
    vendor: 'anthropic',
    model: 'claude-sonnet-4-6',
    what: 'cache read and written, told beside the input',
    usage: {
      input_tokens: 50,
      cache_read_input_tokens: 18_000,
      cache_creation_input_tokens: 2_000,
      output_tokens: 400,
    },
    micros: 50 * 3 + 18_000 * 0.3 + 2_000 * 3.75 + 400 * 15,
  },
  {
    vendor: 'anthropic',
    model: 'claude-haiku-4-5-20251001',
    what: 'a part of the cache written for an hour',
    usage: {
      input_tokens: 10,
      cache_read_input_tokens: 0,
      cache_creation_input_tokens: 3_000,
      cache_creation: { ephemeral_5m_input_tokens: 1_000, ephemeral_1h_input_tokens: 2_000 },
      output_tokens: 100,
    },
    micros: 10 * 1 + 1_000 * 1.25 + 2_000 * 2 + 100 * 5,
  },
  {
    vendor: 'anthropic',
    model: 'claude-sonnet-4-5',
    what: 'a long context, where the cache makes it long',
    usage: {
      input_tokens: 1_000,
      cache_read_input_tokens: 250_000,
      cache_creation_input_tokens: 0,
      output_tokens: 2_000,
    },
    micros: 1_000 * 6 + 250_000 * 0.6 + 2_000 * 22.5,
  },
  {
    vendor: 'openai',
    model: 'gpt-4o',
    what: 'cached tokens among the input',
    usage: { input_tokens: 2_006, input_tokens_details: { cached_tokens: 1_920 }, output_tokens: 300 },
    micros: 86 * 2.5 + 1_920 * 1.25 + 300 * 10,
  },
  {
    vendor: 'openai',
    model: 'gpt-5',
    what: 'thoughts among the output',
    usage: { input_tokens: 75, output_tokens: 1_186, output_tokens_details: { reasoning_tokens: 1_024 } },
    micros: 75 * 1.25 + 1_186 * 10,
  },
  {
    vendor: 'openai',
    model: 'gpt-5.6',
    what: 'a long context with cache read and written',
    usage: {
      input_tokens: 300_000,
      input_tokens_details: { cached_tokens: 100_000, cache_write_tokens: 50_000 },
      output_tokens: 1_000,
    },
    micros: 150_000 * 8 + 100_000 * 0.8 + 50_000 * 10 + 1_000 * 30,
  },
  {
    vendor: 'google',
    model: 'gemini-2.5-pro',
    what: 'thoughts beside the answer',
    usage: { promptTokenCount: 900, candidatesTokenCount: 120, thoughtsTokenCount: 480, totalTokenCount: 1_500 },
    micros: 900 * 1.25 + 600 * 10,
  },
  {
    vendor: 'google',
    model: 'gemini-2.5-pro',
    what: 'a long context with a cache',
    usage: {
      promptTokenCount: 260_000,
      cachedContentTokenCount: 200_000,
      candidatesTokenCount: 1_000,
      totalTokenCount: 261_000,
    },
    micros: 60_000 * 2.5 + 200_000 * 0.25 + 1_000 * 15,
  },
  {
    vendor: 'xai',
    model: 'grok-4.3',
    what: 'thoughts beside the completion',
    usage: {
      prompt_tokens: 32,
      completion_tokens: 9,
      total_tokens: 135,
      prompt_tokens_details: { cached_tokens: 6 },
      completion_tokens_details: { reasoning_tokens: 94 },
    },
    micros: 26 * 1.25 + 6 * 0.2 + 103 * 2.5,
  },
  {
    vendor: 'xai',
    model: 'grok-4.3',
    what: 'a prompt of exactly 200,000 tokens, the first at the higher rate',
    usage: { prompt_tokens: 200_000, completion_tokens: 10, total_tokens: 200_010 },
    micros: 200_000 * 2.5 + 10 * 5,
  },
  {
    vendor: 'deepseek',
    model: 'deepseek-chat',
    what: 'hits of the cache under another name',
    usage: { prompt_tokens: 500, completion_tokens: 20, total_tokens: 520, prompt_cache_hit_tokens: 448 },
    micros: 52 * 0.27 + 448 * 0.07 + 20 * 1.1,
  },
]

describe('F27 recorded usage, priced as by hand (U18)', () => {
  let catalogue: Catalogue
  let body = ''
  let server: Awaited<ReturnType<typeof openRawServer>>
  beforeAll(async () => {
    catalogue = await openCatalogue(DAY)
    server = await openRawServer((socket) => socket.end(toHead() + body))
  })
  afterAll(() => server.close())

  test.for(BLOCKS)('$vendor $model: $what', async ({ vendor, model, usage, micros }) => {
    body = (STREAMS[vendor] ?? STREAMS['xai'])!(usage)
      .map(
        (piece) =>
          `${vendor === 'anthropic' && 'type' in piece ? `event: ${String(piece.type)}\n` : ''}data: ${JSON.stringify(piece)}\n\n`,
      )
      .join('')
      .concat(vendor === 'xai' || vendor === 'deepseek' ? 'data: [DONE]\n\n' : '')
    const parts = await collect(
      MAKERS[vendor]!(server.url).stream(toRequest('hi', { model }), new AbortController().signal),
    )
    const end = parts.at(-1)
    expect(end).toMatchObject({ type: 'finish' })
    const prices = catalogue.find(vendor, model)?.facts.prices
    expect(priceUsage(prices, end?.type === 'finish' ? end.usage : {})).toBe(Math.ceil(Math.round(micros * 1e6) / 1e3))
  })

  test('no usage, no price', () => {
    const prices = catalogue.find('openai', 'gpt-5')?.facts.prices
    expect(priceUsage(prices, {})).toBeUndefined()
    expect(priceUsage(prices, { input: 5 })).toBeUndefined()
    expect(priceUsage(undefined, { input: 5, output: 5 })).toBeUndefined()
  })
})
