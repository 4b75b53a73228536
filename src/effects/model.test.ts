import { afterEach, describe, expect, test } from 'vitest'
import type { Delta, EffectOrder, EffectOutcome } from '../engine/effect.ts'
import { OrcError } from '../events/errors.ts'
import type { ModelAnswer } from '../events/messages.ts'
import { openRawServer, toHead } from '../providers/contract-server.fixture.ts'
import { createOpenAICompatible } from '../providers/openai-compatible.ts'
import { until } from '../providers/provider.contract.ts'
import type { ModelPart, Provider } from '../providers/provider.ts'
import { createScripted } from '../providers/scripted.ts'
import { parseScript } from '../providers/scripted-schema.ts'
import { createModelExecutor, type ModelExecutorPorts } from './model.ts'
import { toPlainJson } from './plain-json.ts'

/** Time that moves only when told, or by itself to the next alarm once nothing else is left to do. */
function createTime() {
  let now = 1000
  let alarms: { at: number; then: () => void }[] = []
  const wake = (at: number, then: () => void) => {
    const alarm = { at, then }
    alarms.push(alarm)
    return () => {
      alarms = alarms.filter((one) => one !== alarm)
    }
  }
  return {
    clock: () => now,
    wake,
    sleep: (ms: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        wake(now + ms, resolve)
        signal.addEventListener('abort', () => resolve())
      }),
    pending: () => alarms.length,
    async pass(until_done: Promise<unknown>): Promise<void> {
      let done = false
      void until_done.finally(() => {
        done = true
      })
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve))
        if (done) return
        const next = alarms.toSorted((a, b) => a.at - b.at)[0]
        if (!next) continue
        alarms = alarms.filter((one) => one !== next)
        now = Math.max(now, next.at)
        next.then()
      }
    },
  }
}

const order = (request: object): EffectOrder =>
  ({
    kind: 'model',
    safety: 'billable',
    request: { provider: 'p', model: 'm', messages: [], ...request },
    run: 'r',
    step: 's',
    attempt: 1,
    key: 'k',
    tries: 1,
    idempotency_key: 'i',
  }) as EffectOrder

async function perform(
  provider: Provider,
  request: object = {},
  more: Partial<ModelExecutorPorts> & { signal?: AbortSignal; time?: ReturnType<typeof createTime> } = {},
) {
  const time = more.time ?? createTime()
  const deltas: Delta[] = []
  const { signal = new AbortController().signal, time: _, ...ports } = more
  const executor = createModelExecutor({ provider: () => provider, clock: time.clock, wake: time.wake, ...ports })
  const running = executor.run(order(request), { signal, stream: (delta) => deltas.push(delta) })
  await time.pass(running)
  const outcome = await running
  return { outcome, deltas, time }
}

const scripted = (answer: object, time = createTime()) => ({
  provider: createScripted(parseScript({ default: answer }), { sleep: time.sleep }),
  time,
})
const saying = (...parts: ModelPart[]): Provider => ({
  id: 'fake',
  models: async () => [],
  stream: async function* () {
    yield* parts
  },
})
const answerOf = (outcome: EffectOutcome) => (outcome.ok ? (outcome.answer as unknown as ModelAnswer) : undefined)

describe('a model effect', () => {
  test('gathers one answer: neighbours merged, names and first-part time kept, deltas shown', async () => {
    const { provider, time } = scripted({
      text: 'one two',
      reasoning: 'so so',
      delay_ms: 250,
      request_id: 'q',
      tool_calls: [{ name: 't', arguments: '{"a":' }],
    })
    const { outcome, deltas } = await perform(provider, {}, { time, cost: (_, usage) => (usage.output ?? 0) * 10 })
    expect(outcome).toMatchObject({ ok: true, usage: { output: 5 }, cost: 50 })
    expect(answerOf(outcome)).toEqual({
      content: [
        { type: 'reasoning', text: 'so so' },
        { type: 'text', text: 'one two' },
        { type: 'tool-call', id: 'call_1_1', name: 't', arguments: '{"a":' },
      ],
      finish: 'tool-calls',
      usage: { input: 0, output: 5 },
      model: 'm',
      request_id: 'q',
      first_part_ms: 250,
    })
    expect(deltas.map(({ type, text }) => `${type}:${text}`)).toEqual([
      'reasoning:so',
      'reasoning: so',
      'text:one',
      'text: two',
    ])
    expect(time.pending()).toBe(0)
  })

  test('a failure keeps what had arrived and everything the provider said about it', async () => {
    const { provider, time } = scripted({
      text: 'one two',
      error: { status: 429, retry_after_ms: 9, detail: 'd', after: 1 },
    })
    const { outcome } = await perform(provider, {}, { time })
    expect(outcome).toMatchObject({
      ok: false,
      code: 'rate_limited',
      retry: true,
      retry_after_ms: 9,
      detail: 'd',
      touched: 'yes',
      partial: { content: [{ type: 'text', text: 'one' }] },
    })
  })

  test('F11 silence between parts stalls the call; what was shown is not asked for again', async () => {
    const { provider, time } = scripted({ text: 'one two', stall_after: 1, delay_ms: 100 })
    const { outcome } = await perform(provider, {}, { time, idle_ms: 5000 })
    expect(outcome).toMatchObject({
      ok: false,
      code: 'stream_stalled',
      retry: false,
      touched: 'yes',
      partial: { content: [{ text: 'one' }] },
    })
    expect(time.clock()).toBe(1000 + 100 + 5000)
    expect(time.pending()).toBe(0)
  })

  test('F11 without limits of its own a call may think for five minutes, then speak within one', async () => {
    const { provider, time } = scripted({ text: 'one two', delay_ms: 200_000, stall_after: 1 })
    expect((await perform(provider, {}, { time })).outcome).toMatchObject({ code: 'stream_stalled' })
    expect(time.clock()).toBe(1000 + 200_000 + 60_000)
    const never = scripted({ stall_after: 0 })
    expect((await perform(never.provider, { idle_ms: 700 }, { time: never.time })).outcome).toMatchObject({
      code: 'stream_stalled',
      retry: true,
    })
    expect(never.time.clock()).toBe(1700)
  })

  test('the whole call has a limit too', async () => {
    const { provider, time } = scripted({ text: 'a b c d e f', between_ms: 900 })
    const { outcome } = await perform(provider, { timeout_ms: 2000 }, { time })
    expect(outcome).toMatchObject({ ok: false, code: 'provider_timeout', partial: { content: [{ text: 'a b c' }] } })
    expect(time.clock()).toBe(3000)
  })

  test('F13 an abort at each part ends as aborted, with its beginning', async () => {
    for (let at = 0; at < 5; at++) {
      const control = new AbortController()
      const time = createTime()
      const inner = createScripted(parseScript({ default: { text: 'a b c d e' } }))
      const provider: Provider = {
        ...inner,
        stream: async function* (request, signal) {
          let seen = 0
          for await (const part of inner.stream(request, signal)) {
            if (seen++ === at) control.abort()
            yield part
          }
        },
      }
      const { outcome } = await perform(provider, {}, { time, signal: control.signal })
      expect(outcome).toMatchObject({ ok: false, code: 'aborted', retry: false })
    }
    const { outcome } = await perform(saying(), {}, { signal: AbortSignal.abort() })
    expect(outcome).toMatchObject({ ok: false, code: 'aborted', touched: 'no' })
  })

  test('a provider that ignores an abort is left behind', async () => {
    const deaf: Provider = {
      ...saying(),
      stream: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }),
    }
    const { outcome } = await perform(deaf, { idle_ms: 100 })
    expect(outcome).toMatchObject({ ok: false, code: 'stream_stalled' })
  })

  test('F12 an end without a word is no answer', async () => {
    const { outcome } = await perform(saying({ type: 'text', text: 'a' }))
    expect(outcome).toMatchObject({ ok: false, code: 'stream_truncated', partial: { content: [{ text: 'a' }] } })
  })

  test('F17 arguments cut at the token limit finish as "length", whatever the server says', async () => {
    const call: ModelPart = { type: 'tool-call', id: 'a', name: 't', arguments: '{"x":"he' }
    const run = async (max_tokens: number, output: number) =>
      answerOf(
        (await perform(saying(call, { type: 'finish', reason: 'tool-calls', usage: { output } }), { max_tokens }))
          .outcome,
      )?.finish
    expect([await run(10, 10), await run(10, 9)]).toEqual(['length', 'tool-calls'])
  })

  test('foreign text and numbers become plain JSON; halves of a character meet again', async () => {
    const { outcome, deltas } = await perform(
      saying(
        { type: 'text', text: 'a\ud83c' },
        { type: 'text', text: '\udf0d\udf0d' },
        {
          type: 'finish',
          reason: 'stop',
          usage: { output: 1, raw: { a: -0, b: Number.NaN, '\ud800': '\ud800', ['__proto__']: 1 } },
        },
      ),
    )
    expect(answerOf(outcome)?.content).toEqual([{ type: 'text', text: 'a🌍\ufffd' }])
    expect(deltas.map(({ text }) => text)).toEqual(['a', '🌍\ufffd'])
    expect(answerOf(outcome)?.usage.raw).toMatchObject({ a: 0 })
    expect(JSON.stringify(answerOf(outcome)?.usage.raw)).toBe('{"a":0,"b":null,"\ufffd":"\ufffd"}')
    expect(Object.is(toPlainJson(-0), 0)).toBe(true)
    let deep: unknown = 1
    for (let n = 0; n < 100_000; n++) deep = [deep]
    expect(JSON.stringify(toPlainJson(deep)).length).toBeLessThan(200)
  })

  test('nothing it is given makes it throw', async () => {
    const throwing: Provider = {
      ...saying(),
      stream: () => {
        throw new Error('boom')
      },
    }
    expect((await perform(throwing)).outcome).toMatchObject({ ok: false, code: 'internal', detail: 'Error: boom' })
    expect((await perform(saying(), {}, { provider: () => undefined })).outcome).toMatchObject({
      ok: false,
      code: 'provider_unknown',
      touched: 'no',
      retry: false,
    })
    const unmade = () => Promise.reject(new OrcError({ code: 'script_invalid', message: 'a.yaml:1:1: no rule' }))
    expect((await perform(saying(), {}, { provider: unmade })).outcome).toMatchObject({
      ok: false,
      code: 'script_invalid',
      message: 'a.yaml:1:1: no rule',
      touched: 'no',
    })
    for (const request of [null, 1, [], {}, { provider: 'p' }]) {
      const executor = createModelExecutor({ provider: () => saying(), ...createTime() })
      const run = executor.run({ ...order({}), request }, { signal: new AbortController().signal, stream: () => {} })
      expect(await run).toMatchObject({ ok: false, code: 'bad_input', touched: 'no' })
    }
  })
})

describe('a model effect over the network', () => {
  const servers: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close()
  })

  test('F11 a stalled server is found out and its socket closed; connections of good answers are kept', async () => {
    let sockets = 0
    let stall = false
    const server = await openRawServer((socket) => {
      const event = (delta: object, more = {}) =>
        `data: ${JSON.stringify({ choices: [{ index: 0, delta, ...more }] })}\n\n`
      const body = event({ content: 'a' }) + event({}, { finish_reason: 'stop' }) + 'data: [DONE]\n\n'
      if (stall) socket.write(toHead() + event({ content: 'a' }))
      else {
        socket.write(
          `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`,
        )
        // The end of the body comes a moment after the last word.
        setTimeout(() => socket.write('0\r\n\r\n'), 5)
      }
      sockets = Math.max(sockets, server.open.size)
    })
    servers.push(server)
    const executor = createModelExecutor({
      provider: () => createOpenAICompatible({ base_url: server.url }),
      clock: () => performance.now(),
      wake: (at, then) => {
        const timer = setTimeout(then, at - performance.now())
        return () => clearTimeout(timer)
      },
    })
    const provider = createOpenAICompatible({ base_url: server.url })
    const kept = createModelExecutor({ provider: () => provider, clock: () => 0, wake: () => () => {} })
    const means = { signal: new AbortController().signal, stream: () => {} }
    const seen = new Set<unknown>()
    for (let n = 0; n < 5; n++) {
      expect(await kept.run(order({}), means)).toMatchObject({ ok: true })
      for (const socket of server.open) seen.add(socket)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(seen.size).toBeLessThan(4)
    stall = true
    const before = performance.now()
    expect(await executor.run(order({ idle_ms: 100 }), means)).toMatchObject({ ok: false, code: 'stream_stalled' })
    expect(performance.now() - before).toBeGreaterThanOrEqual(95)
    await until(() => server.open.size <= 1)
  })
})
