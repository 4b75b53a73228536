import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { openRawServer, toHead } from './contract-server.fixture.ts'
import { createOllama } from './ollama.ts'
import { collect, failureOf, textOf, toRequest } from './provider.contract.ts'

const HELLO = 'Grüße, 世界 🌍!'

const servers: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

describe('Ollama', () => {
  const lines = [
    { model: 'm', message: { role: 'assistant', content: '', thinking: 'hm' }, done: false },
    { model: 'm', message: { role: 'assistant', content: HELLO }, done: false },
    {
      model: 'm',
      message: { content: '', tool_calls: [{ function: { name: 'one', arguments: { a: 1 } } }] },
      done: false,
    },
    {
      model: 'm',
      message: { content: '' },
      done: true,
      done_reason: 'stop',
      prompt_eval_count: 4,
      eval_count: 6,
      total_duration: 9,
    },
  ].map((line) => `${JSON.stringify(line)}\n`)
  const ask = async (body: string, options?: Parameters<typeof toRequest>[1]) => {
    let sent = ''
    const server = await openRawServer((socket, head) => {
      sent = head
      socket.end(toHead('application/x-ndjson') + body)
    })
    servers.push(server)
    const provider = createOllama({ base_url: `${server.url}/v1` })
    const parts = await collect(provider.stream(toRequest('hi', options), new AbortController().signal))
    return { parts, sent, body: JSON.parse(sent.slice(sent.indexOf('\r\n\r\n') + 4)) }
  }

  test('speaks its own dialect and passes its options on', async () => {
    const { parts, sent, body } = await ask(lines.join(''), {
      options: { num_ctx: 8192, keep_alive: '5m', think: true },
      temperature: 0.5,
    })
    expect(sent).toMatch(/^POST \/api\/chat /)
    expect(body).toMatchObject({
      keep_alive: '5m',
      think: true,
      options: { num_ctx: 8192, temperature: 0.5, num_predict: 200 },
    })
    expect(textOf(parts)).toBe(HELLO)
    expect(parts.at(-2)).toEqual({ type: 'tool-call', id: 'call_1', name: 'one', arguments: '{"a":1}' })
    expect(parts.at(-1)).toMatchObject({
      type: 'finish',
      reason: 'tool-calls',
      usage: { input: 4, output: 6, raw: { total_duration: 9 } },
    })
  })

  test('F12 an end without "done" is none', async () => {
    for (let cut = 0; cut < lines.length; cut++) {
      const { parts } = await ask(lines.slice(0, cut).join(''))
      expect(failureOf(parts)).toBe(cut === 0 ? 'malformed_response' : 'stream_truncated')
    }
  })

  test('errors inside the stream are errors', async () => {
    expect(failureOf((await ask(`${lines[1]}{"error":"model runner has unexpectedly stopped"}\n`)).parts)).toBe(
      'provider_error',
    )
  })

  test('B12 300 damaged recordings end as data', async () => {
    const whole = lines.join('')
    for (const [at, put] of fc.sample(
      fc.tuple(fc.nat(whole.length), fc.constantFrom('null', '{}', '\n', '{"done":true}\n', '"', '-1')),
      { numRuns: 300, seed: 3 },
    )) {
      const { parts } = await ask(whole.slice(0, at) + put + whole.slice(at + 3))
      expect(parts.at(-1)?.type).toMatch(/finish|failed/)
    }
  })
})
