import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { openRawServer, type RawAnswer, toHead } from './contract-server.fixture.ts'
import { createOpenAICompatible } from './openai-compatible.ts'
import { collect, failureOf, textOf, toRequest, until } from './provider.contract.ts'
import type { ModelPart } from './provider.ts'

const HELLO = 'Grüße, 世界 🌍!'
const chunk = (choice: unknown, more: object = {}) =>
  JSON.stringify({ id: 'c1', model: 'm', choices: [choice], ...more })
const event = (data: string, end = '\n') => `data: ${data}${end}${end}`
const text = (content: string) => chunk({ index: 0, delta: { content } })
const stop = chunk({ index: 0, delta: {}, finish_reason: 'stop' })
const usage = JSON.stringify({
  choices: [],
  usage: { prompt_tokens: 3, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 2 } },
})
const WHOLE = `\ufeff: hello\n\n${event(text('Grüße, '))}${event(text('世界 🌍!'), '\r\n')}${event(stop)}${event(usage, '\r')}${event('[DONE]')}`
const CALLS = [
  chunk({ index: 0, delta: { tool_calls: [{ index: 0, id: 'a', function: { name: 'one', arguments: '{"x":' } }] } }),
  chunk({ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: '"ü🌍"}' } }] } }),
  chunk({ index: 0, delta: { tool_calls: [{ index: 1, id: 'a', function: { name: 'two', arguments: '' } }] } }),
  chunk({ index: 0, delta: {}, finish_reason: 'tool_calls' }),
]

const servers: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function openChat(answer: RawAnswer) {
  const server = await openRawServer(answer)
  servers.push(server)
  const provider = createOpenAICompatible({ base_url: `${server.url}/v1`, key: () => 'secret-key-1' })
  const ask = (signal = new AbortController().signal) => collect(provider.stream(toRequest('hi'), signal))
  return { server, provider, ask }
}

/** Calls the provider in this process: each entry is one piece of the body as it arrives. */
async function askWith(
  pieces: readonly (string | Uint8Array)[],
  more: { type?: string; status?: string } = {},
): Promise<ModelPart[]> {
  const { ask } = await openChat((socket) => {
    socket.write(toHead(more.type, more.status))
    for (const piece of pieces) socket.write(piece)
    socket.end()
  })
  return ask()
}

describe('chat completions', () => {
  test('text, counts and the names of model and request arrive', async () => {
    const parts = await askWith([WHOLE])
    expect(textOf(parts)).toBe(HELLO)
    expect(parts[0]).toEqual({ type: 'meta', request_id: 'c1', model: 'm' })
    expect(parts.at(-1)).toMatchObject({
      type: 'finish',
      reason: 'stop',
      usage: { input: 3, output: 5, cache_read: 2 },
    })
  })

  test('tool calls keep their raw text and get ids of their own', async () => {
    const parts = await askWith([CALLS.map((data) => event(data)).join('')])
    expect(parts.filter(({ type }) => type === 'tool-call')).toEqual([
      { type: 'tool-call', id: 'a', name: 'one', arguments: '{"x":"ü🌍"}' },
      { type: 'tool-call', id: 'a_2', name: 'two', arguments: '{}' },
    ])
    expect(parts.at(-1)).toMatchObject({ type: 'finish', reason: 'tool-calls' })
  })

  test('a server that does not stream is understood', async () => {
    const message = { role: 'assistant', content: HELLO, reasoning_content: 'hm' }
    const body = chunk(
      { index: 0, message, finish_reason: 'stop' },
      { usage: { prompt_tokens: 1, completion_tokens: 2 } },
    )
    const parts = await askWith([body], { type: 'application/json; charset=utf-8' })
    expect(textOf(parts)).toBe(HELLO)
    expect(parts.at(-1)).toMatchObject({ type: 'finish', usage: { input: 1, output: 2 } })
  })

  test('arguments cut by the token limit stay cut, and say so', async () => {
    const begun = chunk({
      index: 0,
      delta: { tool_calls: [{ index: 0, id: 'a', function: { name: 'one', arguments: '{"x":"he' } }] },
    })
    const parts = await askWith([
      event(begun),
      event(chunk({ index: 0, delta: {}, finish_reason: 'length' })),
      event('[DONE]'),
    ])
    expect(parts.slice(-2)).toMatchObject([
      { type: 'tool-call', arguments: '{"x":"he' },
      { type: 'finish', reason: 'length' },
    ])
  })
})

describe('F12 only a terminal mark ends an answer', () => {
  test('the end of the connection is none', async () => {
    for (const pieces of [
      [event(text('a'))],
      [event(text('a')), event('[DONE]')],
      [event(text('a')), event(stop).slice(0, 30)],
    ]) {
      const parts = await askWith(pieces)
      expect(failureOf(parts)).toBe('stream_truncated')
      expect(textOf(parts)).toBe('a')
    }
  })

  test('neither is a reason that says something broke', async () => {
    for (const reason of ['error', 'abort', 'unknown', 'insufficient_system_resource']) {
      const parts = await askWith([
        event(text('a')),
        event(chunk({ index: 0, delta: {}, finish_reason: reason })),
        event('[DONE]'),
      ])
      expect(failureOf(parts)).toBe('stream_truncated')
    }
  })

  test('a reset is a failure that may be tried again', async () => {
    const { ask } = await openChat((socket) => {
      socket.write(toHead() + event(text('a')), () => setTimeout(() => socket.resetAndDestroy(), 10))
    })
    const parts = await ask()
    expect(parts.at(-1)).toMatchObject({
      type: 'failed',
      failure: { code: 'stream_truncated', retry: true, touched: 'yes' },
    })
  })

  test('a reset before any answer may have reached the server', async () => {
    const { ask } = await openChat((socket) => socket.resetAndDestroy())
    expect((await ask()).at(-1)).toMatchObject({ failure: { code: 'provider_error', retry: true, touched: 'maybe' } })
  })

  test('[DONE] ends the call although the connection stays open, and then lets it go', async () => {
    const { ask, server } = await openChat((socket) => {
      socket.write(toHead() + event(text('a')) + event(stop) + event('[DONE]'))
    })
    expect((await ask()).at(-1)).toMatchObject({ type: 'finish' })
    await until(() => server.open.size === 0)
  })

  test('a finished answer without [DONE] on an open connection is whole after a moment', async () => {
    const { ask } = await openChat((socket) => {
      socket.write(toHead() + event(text('a')) + event(stop))
    })
    expect((await ask()).at(-1)).toMatchObject({ type: 'finish', reason: 'stop' })
  })

  test('a closed port is known not to have been reached', async () => {
    const { server, ask } = await openChat(() => {})
    await server.close()
    expect((await ask()).at(-1)).toMatchObject({
      failure: { code: 'provider_unreachable', touched: 'no', retry: false },
    })
  })
})

describe('F13 abort', () => {
  test('at each piece ends the call and closes the socket', async () => {
    const { provider, server } = await openChat((socket) => {
      socket.write(toHead())
      for (let n = 0; n < 5; n++) socket.write(event(text(`${n}`)))
    })
    for (let at = 1; at <= 5; at++) {
      const control = new AbortController()
      const parts: ModelPart[] = []
      for await (const part of provider.stream(toRequest('hi'), control.signal)) {
        parts.push(part)
        if (textOf(parts).length === at) control.abort()
      }
      expect(failureOf(parts)).toBe('aborted')
      await until(() => server.open.size === 0)
    }
  })

  test('a reader that turns away closes the socket', async () => {
    const { provider, server } = await openChat((socket) => {
      socket.write(toHead() + event(text('a')))
    })
    for await (const part of provider.stream(toRequest('hi'), new AbortController().signal))
      if (part.type === 'text') break
    await until(() => server.open.size === 0)
  })
})

describe('F14 however the bytes are cut', () => {
  test('the same text comes out for every pair of pieces', async () => {
    const bytes = Buffer.from(WHOLE)
    const server = await openRawServer((socket) => {
      socket.setNoDelay(true)
      const at = cuts.shift() ?? 0
      socket.write(Buffer.concat([Buffer.from(toHead()), bytes.subarray(0, at)]))
      setTimeout(() => socket.end(bytes.subarray(at)), 1)
    })
    servers.push(server)
    const cuts = Array.from(bytes, (_, at) => at)
    const provider = createOpenAICompatible({ base_url: server.url, connections: 32 })
    const answers = await Promise.all(
      cuts.map(() => collect(provider.stream(toRequest('hi'), new AbortController().signal))),
    )
    for (const parts of answers) {
      expect(textOf(parts)).toBe(HELLO)
      expect(parts.at(-1)).toMatchObject({ type: 'finish', usage: { output: 5 } })
    }
  })

  test('B11 a line without end is refused, not kept', async () => {
    const { ask } = await openChat((socket) => {
      socket.write(toHead())
      const block = Buffer.alloc(1024 * 1024, 'x')
      const feed = () => {
        for (let n = 0; n < 4; n++) if (!socket.destroyed) socket.write(block, n === 3 ? feed : undefined)
      }
      socket.write('data: ', feed)
    })
    expect(failureOf(await ask())).toBe('malformed_response')
  })
})

describe('B12 whatever a server says', () => {
  const wrong: readonly (readonly [string, readonly string[], { type?: string }?])[] = [
    ['a web page', ['<!doctype html><html><body>hi</body></html>'], { type: 'text/html; charset=utf-8' }],
    ['a web page called events', ['<!doctype html>\n<html>\n\n']],
    ['nothing', []],
    ['nothing as JSON', [], { type: 'application/json' }],
    ['null', ['null'], { type: 'application/json' }],
    ['a list', ['[]'], { type: 'application/json' }],
    ['no choices', ['{"id":"x"}'], { type: 'application/json' }],
    ['null in the stream', [event('null')]],
    ['choices that are no list', [event('{"choices":"x"}')]],
    ['a choice that is none', [event('{"choices":[null]}')]],
    ['a number for text', [event(chunk({ index: 0, delta: { content: 5 } }))]],
    ['calls that are no list', [event(chunk({ index: 0, delta: { tool_calls: {} } }))]],
    [
      'a name of a mebibyte',
      [event(chunk({ index: 0, delta: { tool_calls: [{ function: { name: 'n'.repeat(1024 * 1024) } }] } }))],
    ],
    ['broken JSON', [event('{"choices":[{"del'), event(stop)]],
  ]
  test.for(wrong)('%s is a malformed response', async ([, pieces, more]) => {
    const parts = await askWith(pieces, more ?? {})
    expect(failureOf(parts)).toBe('malformed_response')
    expect(parts).toHaveLength(parts.findIndex(({ type }) => type === 'failed') + 1)
  })

  test('wrong counts are not told, the answer stands', async () => {
    for (const counts of [
      '"12"',
      '{"prompt_tokens":-1,"completion_tokens":1.5}',
      '{"prompt_tokens":"7"}',
      '[]',
      '{"prompt_tokens":1e400}',
    ]) {
      const parts = await askWith([
        event(text('a')),
        event(stop),
        event(`{"choices":[],"usage":${counts}}`),
        event('[DONE]'),
      ])
      const last = parts.at(-1)
      expect(last?.type === 'finish' && { input: last.usage.input, output: last.usage.output }).toEqual({})
    }
  })

  test.for([
    [{ message: 'overloaded', type: 'overloaded_error' }, 'provider_overloaded', true],
    [{ message: 'slow down', code: 429 }, 'rate_limited', true],
    [
      { message: 'This model has a maximum context length of 10 tokens', type: 'invalid_request_error' },
      'context_overflow',
      false,
    ],
    [{ message: 'no', type: 'invalid_request_error' }, 'request_refused', false],
    ['it broke', 'provider_error', true],
    [7, 'provider_error', true],
  ])('an error inside the stream is one: %o', async ([error, code, retry]) => {
    const parts = await askWith([event(text('a')), event(JSON.stringify({ error }))])
    expect(parts.at(-1)).toMatchObject({ type: 'failed', failure: { code, retry } })
  })

  test('600 damaged recordings end as an answer or a failure of ours, never as an exception', async () => {
    const recording =
      [...CALLS.slice(0, 3), text('Grüße'), usage, stop].map((data) => event(data)).join('') + event('[DONE]')
    const junk = fc.constantFrom(
      'null',
      '{}',
      '[]',
      '"x"',
      '-1',
      '1e999',
      '{"a":',
      '\u0000',
      'data: ',
      '\n\n',
      '"index":9',
      '\\ud800',
    )
    const cases = fc.sample(fc.tuple(fc.nat(recording.length), fc.nat(40), junk, fc.boolean()), {
      numRuns: 600,
      seed: 12,
    })
    const server = await openRawServer((socket) => {
      socket.end(toHead(cases_left.length % 7 === 0 ? 'application/json' : undefined) + cases_left.shift())
    })
    servers.push(server)
    const cases_left = cases.map(
      ([at, drop, put, cut]) => recording.slice(0, at) + put + (cut ? '' : recording.slice(at + drop)),
    )
    const provider = createOpenAICompatible({ base_url: server.url, connections: 16 })
    const all = await Promise.all(
      cases.map(() => collect(provider.stream(toRequest('hi'), new AbortController().signal))),
    )
    for (const parts of all) {
      const last = parts.at(-1)
      expect(parts.filter(({ type }) => type === 'finish' || type === 'failed')).toHaveLength(1)
      if (last?.type === 'failed') {
        expect(last.failure.code).toMatch(/malformed_response|stream_truncated|provider_error/)
        expect(last.failure.detail ?? '').not.toContain('TypeError')
      } else expect(last?.type).toBe('finish')
    }
  })
})
