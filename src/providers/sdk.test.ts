import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import fc from 'fast-check'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAnthropic } from './anthropic.ts'
import { type ContractServer, openContractServer, openRawServer, toHead } from './contract-server.fixture.ts'
import { createGoogle } from './google.ts'
import { createOllama } from './ollama.ts'
import { createOpenAI } from './openai.ts'
import { createOpenAICompatible } from './openai-compatible.ts'
import { CONTRACT_ARGUMENTS, CONTRACT_TEXT, collect, textOf, toRequest } from './provider.contract.ts'
import type { ModelPart, Provider } from './provider.ts'
import { SdkAnswer } from './sdk-answer.ts'
import { toCallOptions } from './sdk-prompt.ts'
import { streamWhole } from './sdk-whole.ts'

const key = () => 'key-1234'
const ask = (provider: Provider, text: string, more = {}) =>
  collect(provider.stream(toRequest(text, more), new AbortController().signal))

test('an answer that came whole has the parts of a stream: thoughts with their signature, calls, the reason', async () => {
  const { stream } = streamWhole({
    content: [
      { type: 'reasoning', text: 'hm', providerMetadata: { anthropic: { signature: 's' } } },
      { type: 'text', text: 'Look:' },
      { type: 'tool-call', toolCallId: 'c', toolName: 'lookup', input: '{"a":1}' },
      { type: 'tool-call', toolCallId: 'd', toolName: 'web', input: '{}', providerExecuted: true },
    ],
    finishReason: { unified: 'stop', raw: 'end_turn' },
    usage: { inputTokens: { total: 3 }, outputTokens: { total: 4 } } as never,
    warnings: [],
  })
  const answer = new SdkAnswer(toRequest('x'), { name: 'v', secrets: [] }, false)
  const parts: ModelPart[] = []
  for await (const part of stream) parts.push(...answer.take(part))
  expect(parts).toMatchObject([
    { type: 'reasoning', text: 'hm' },
    { type: 'reasoning', text: '', signature: expect.stringContaining('"s"') },
    { type: 'text', text: 'Look:' },
    { type: 'tool-call', id: 'c', arguments: '{"a":1}' },
    { type: 'finish', reason: 'tool-calls', usage: { input: 3, output: 4 } },
  ])
})

describe('asked for whole', () => {
  let server: ContractServer
  beforeAll(async () => {
    server = await openContractServer()
  })
  afterAll(() => server.close())

  test.each([
    ['anthropic', createAnthropic, '/v1'],
    ['openai', createOpenAI, '/v1'],
    ['google', createGoogle, '/v1beta'],
    ['ollama', createOllama, ''],
    ['compatible', createOpenAICompatible, '/v1'],
  ] as const)('%s: text, refusals and a stop are what they are in a stream', async (_, create, path) => {
    const provider = create({ base_url: server.url + path, key, stream: false })
    expect(textOf(await ask(provider, 'hello'))).toBe(CONTRACT_TEXT)
    for (const [text, code] of [
      ['too many', 'rate_limited'],
      ['overloaded', 'provider_overloaded'],
      ['who are you', 'provider_auth'],
    ] as const)
      expect((await ask(provider, text)).at(-1)).toMatchObject({ type: 'failed', failure: { code } })
    const stopped = collect(provider.stream(toRequest('hello'), AbortSignal.abort()))
    expect((await stopped).at(-1)).toMatchObject({ type: 'failed', failure: { code: 'aborted' } })
  })
})

describe('the vendors\u2019 own clients hear the same', () => {
  let server: ContractServer
  beforeAll(async () => {
    server = await openContractServer()
  })
  afterAll(() => server.close())

  const said = (parts: readonly ModelPart[]) => ({
    text: textOf(parts),
    calls: parts.flatMap((part) => (part.type === 'tool-call' ? [[part.name, JSON.parse(part.arguments)]] : [])),
  })
  const parameters = { type: 'object' as const, properties: { city: { type: 'string' } } }
  const expected = {
    hello: { text: CONTRACT_TEXT, calls: [] },
    'use a tool': { text: '', calls: [['lookup', JSON.parse(CONTRACT_ARGUMENTS)]] },
  }

  test.for(Object.entries(expected))('openai: %s', async ([content, wanted]) => {
    const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: key(), maxRetries: 0 })
    const tools = [{ type: 'function' as const, function: { name: 'lookup', parameters } }]
    const answer = await client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content }], tools })
    const message = answer.choices[0]?.message
    const calls = message?.tool_calls?.flatMap((call) =>
      call.type === 'function' ? [[call.function.name, JSON.parse(call.function.arguments)]] : [],
    )
    expect({ text: message?.content ?? '', calls: calls ?? [] }).toEqual(wanted)
    expect(said(await ask(createOpenAICompatible({ base_url: `${server.url}/v1`, key }), content))).toEqual(wanted)
    const response = await client.responses.create({ model: 'm', input: content })
    expect(response.output_text).toBe(wanted.text)
    expect(said(await ask(createOpenAI({ base_url: `${server.url}/v1`, key }), content))).toEqual(wanted)
  })

  test.for(Object.entries(expected))('anthropic: %s', async ([content, wanted]) => {
    const client = new Anthropic({ baseURL: server.url, apiKey: key(), maxRetries: 0 })
    const { content: blocks } = await client.messages.create({
      model: 'm',
      max_tokens: 100,
      messages: [{ role: 'user', content }],
    })
    const text = blocks.map((block) => (block.type === 'text' ? block.text : '')).join('')
    const calls = blocks.flatMap((block) => (block.type === 'tool_use' ? [[block.name, block.input]] : []))
    expect({ text, calls }).toEqual(wanted)
    expect(said(await ask(createAnthropic({ base_url: `${server.url}/v1`, key }), content))).toEqual(wanted)
  })

  test.for(Object.entries(expected))('google: %s', async ([contents, wanted]) => {
    const client = new GoogleGenAI({ apiKey: key(), apiVersion: 'v1beta', httpOptions: { baseUrl: server.url } })
    const { candidates } = await client.models.generateContent({ model: 'm', contents })
    const parts = candidates?.[0]?.content?.parts ?? []
    const text = parts.map((part) => part.text ?? '').join('')
    const calls = parts.flatMap(({ functionCall }) => (functionCall ? [[functionCall.name, functionCall.args]] : []))
    expect({ text, calls }).toEqual(wanted)
    expect(said(await ask(createGoogle({ base_url: `${server.url}/v1beta`, key }), contents))).toEqual(wanted)
  })

  test.for(Object.entries(expected))('ollama: %s', async ([content, wanted]) => {
    const client = new Ollama({ host: server.url })
    const { message } = await client.chat({ model: 'm', messages: [{ role: 'user', content }] })
    const calls = message.tool_calls?.map((call) => [call.function.name, call.function.arguments]) ?? []
    expect({ text: message.content, calls }).toEqual(wanted)
    expect(said(await ask(createOllama({ base_url: server.url }), content))).toEqual(wanted)
  })
})

/** Streams as the vendors write them. */
const lines = (pieces: readonly object[], named = false) =>
  pieces
    .map((piece) => `${named && 'type' in piece ? `event: ${piece.type}\n` : ''}data: ${JSON.stringify(piece)}\n\n`)
    .join('')
const RECORDINGS: Readonly<Record<string, { create: (url: string) => Provider; stream: string }>> = {
  anthropic: {
    create: (url) => createAnthropic({ base_url: url, key }),
    stream: lines(
      [
        {
          type: 'message_start',
          message: {
            id: 'msg_1',
            type: 'message',
            role: 'assistant',
            model: 'm',
            content: [],
            stop_reason: null,
            usage: { input_tokens: 6, cache_read_input_tokens: 4, cache_creation_input_tokens: 3, output_tokens: 1 },
          },
        },
        { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'SIG' } },
        { type: 'content_block_stop', index: 0 },
        {
          type: 'content_block_start',
          index: 1,
          content_block: { type: 'tool_use', id: 'toolu_1', name: 'lookup', input: {} },
        },
        { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{"city":"Zü' } },
        { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: 'rich"}' } },
        { type: 'content_block_stop', index: 1 },
        {
          type: 'message_delta',
          delta: { stop_reason: 'tool_use', stop_sequence: null },
          usage: { output_tokens: 20 },
        },
        { type: 'message_stop' },
      ],
      true,
    ),
  },
  google: {
    create: (url) => createGoogle({ base_url: url, key }),
    stream: lines([
      { responseId: 'r1', candidates: [{ index: 0, content: { role: 'model', parts: [{ text: 'Grü' }] } }] },
      {
        candidates: [
          {
            index: 0,
            content: {
              role: 'model',
              parts: [{ functionCall: { name: 'lookup', args: { city: 'Zürich' } }, thoughtSignature: 'SIG' }],
            },
          },
        ],
      },
      {
        candidates: [{ index: 0, finishReason: 'STOP' }],
        usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 7, totalTokenCount: 12 },
      },
    ]),
  },
  openai: {
    create: (url) => createOpenAI({ base_url: url, key }),
    stream: lines([
      { type: 'response.created', response: { id: 'resp_1', created_at: 1, model: 'm' } },
      { type: 'response.output_item.added', output_index: 0, item: { type: 'message', id: 'i1' } },
      { type: 'response.output_text.delta', item_id: 'i1', delta: 'Grüße' },
      { type: 'response.output_item.done', output_index: 0, item: { type: 'message', id: 'i1' } },
      {
        type: 'response.completed',
        response: {
          usage: {
            input_tokens: 5,
            input_tokens_details: { cached_tokens: 2 },
            output_tokens: 7,
            output_tokens_details: { reasoning_tokens: 3 },
          },
        },
      },
    ]),
  },
}

describe('vendor packages behind our provider', () => {
  const play = async (name: string, bodies: readonly string[]): Promise<ModelPart[][]> => {
    const left = [...bodies]
    const server = await openRawServer((socket) => socket.end(toHead() + (left.shift() ?? '')))
    try {
      const provider = RECORDINGS[name]?.create(server.url)
      const all: ModelPart[][] = []
      for (const _ of bodies) if (provider) all.push(await ask(provider, 'hi'))
      return all
    } finally {
      await server.close()
    }
  }

  test('thoughts come with their signature, calls with raw text, counts with caches', async () => {
    const [parts = []] = await play('anthropic', [RECORDINGS.anthropic?.stream ?? ''])
    expect(parts).toContainEqual({ type: 'reasoning', text: 'hm' })
    expect(parts).toContainEqual({ type: 'tool-call', id: 'toolu_1', name: 'lookup', arguments: '{"city":"Zürich"}' })
    expect(parts.at(-1)).toMatchObject({
      type: 'finish',
      reason: 'tool-calls',
      usage: { input: 13, output: 20, cache_read: 4, cache_write: 3 },
    })
    const signature =
      parts.flatMap((part) => (part.type === 'reasoning' && part.signature ? [part.signature] : []))[0] ?? ''
    const messages = [{ role: 'assistant' as const, content: [{ type: 'reasoning' as const, text: 'hm', signature }] }]
    expect(toCallOptions(toRequest('', { messages }), 'anthropic', {}).prompt).toEqual([
      {
        role: 'assistant',
        content: [{ type: 'reasoning', text: 'hm', providerOptions: { anthropic: { signature: 'SIG' } } }],
      },
    ])
    expect(toCallOptions(toRequest('', { messages }), 'openai', {}).prompt).toEqual([
      { role: 'assistant', content: [] },
    ])
  })

  test('a signed tool call goes back signed', async () => {
    const [parts = []] = await play('google', [RECORDINGS.google?.stream ?? ''])
    expect(parts.at(-1)).toMatchObject({ type: 'finish', reason: 'tool-calls' })
    const content = parts.filter((part) => part.type === 'reasoning' || part.type === 'tool-call')
    const { prompt } = toCallOptions(toRequest('', { messages: [{ role: 'assistant', content }] }), 'google', {})
    expect(prompt).toMatchObject([
      {
        content: [
          { type: 'tool-call', input: { city: 'Zürich' }, providerOptions: { google: { thoughtSignature: 'SIG' } } },
        ],
      },
    ])
  })

  test('options: common ones by their usual names, others to the vendor, a token limit always', () => {
    const options = { top_p: 0.5, stop: 'X', thinking: { type: 'enabled', budget_tokens: 100 }, effort: 'low' }
    expect(toCallOptions(toRequest('hi', { options, temperature: 0 }), 'anthropic', { a: 1 })).toMatchObject({
      topP: 0.5,
      stopSequences: ['X'],
      temperature: 0,
      maxOutputTokens: 200,
      providerOptions: { anthropic: { a: 1, thinking: { type: 'enabled', budgetTokens: 100 }, effort: 'low' } },
    })
  })

  test('F17 a call that never became whole is shown as cut', () => {
    const answer = new SdkAnswer(toRequest(''), { name: 'x', secrets: [] }, false)
    answer.take({ type: 'tool-input-start', id: 'a', toolName: 'lookup' })
    answer.take({ type: 'tool-input-delta', id: 'a', delta: '{"city":"Zü' })
    const usage = { inputTokens: {}, outputTokens: {} } as never
    expect(answer.take({ type: 'finish', finishReason: { unified: 'tool-calls', raw: 'tool_use' }, usage })).toEqual([
      { type: 'tool-call', id: 'a', name: 'lookup', arguments: '{"city":"Zü' },
      { type: 'finish', reason: 'length', usage: {} },
    ])
  })

  test.for(Object.keys(RECORDINGS))('F12 %s: a stream cut after any of its events is never complete', async (name) => {
    const events = RECORDINGS[name]?.stream.split(/(?<=\n\n)/) ?? []
    // Only events before the one that says why it ended; Anthropic says that in its last but one.
    const last = name === 'anthropic' ? events.length - 2 : events.length - 1
    const cuts = Array.from({ length: last }, (_, at) => events.slice(0, at).join(''))
    for (const parts of await play(name, cuts)) {
      expect(parts.at(-1)).toMatchObject({
        type: 'failed',
        failure: { code: expect.stringMatching(/stream_truncated|malformed_response/) },
      })
    }
  })

  test.for(Object.keys(RECORDINGS))('B12 %s: 500 damaged recordings end as data', async (name) => {
    const stream = RECORDINGS[name]?.stream ?? ''
    const junk = fc.constantFrom(
      'null',
      '{}',
      '[]',
      '-1',
      '1e999',
      '"x"',
      '\n\n',
      'data: null\n\n',
      'data: {}\n\n',
      '{',
    )
    const damaged = fc
      .sample(fc.tuple(fc.nat(stream.length), fc.nat(30), junk), { numRuns: 500, seed: 7 })
      .map(([at, drop, put]) => stream.slice(0, at) + put + stream.slice(at + drop))
    for (const parts of await play(name, damaged)) {
      const last = parts.at(-1)
      expect(last?.type).toMatch(/finish|failed/)
      expect(parts.filter(({ type }) => type === 'finish' || type === 'failed')).toHaveLength(1)
      if (last?.type === 'failed')
        expect(last.failure.code).toMatch(/malformed_response|stream_truncated|provider_error/)
    }
  })
})
