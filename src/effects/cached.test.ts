import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { EffectOrder, EffectOutcome, Executor } from '../engine/effect.ts'
import type { CacheAsk } from '../events/cache-ask.ts'
import type { Event } from '../events/event.ts'
import type { CacheQuestion, KeptAnswer } from '../events/kept-answer.ts'
import type { ModelRequest } from '../events/messages.ts'
import type { ScriptRequest } from '../events/script-call.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { digestModelQuestion, digestScriptQuestion, type KeyPorts } from './cache-key.ts'
import { type CachePorts, cached } from './cached.ts'
import { Probation } from './probation.ts'

const root = mkdtempSync(join(tmpdir(), 'llm-orc-cached-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const ports: KeyPorts = { policy: 'p', principal: 'me', cwd: root, origin: async () => 'here' }
const request: ModelRequest = {
  provider: 'x',
  model: 'm',
  messages: [{ role: 'user', content: [{ type: 'text', text: 'Why?' }] }],
}
const script: ScriptRequest = {
  script: { type: 'file', reference: 'a.py', path: '/a.py', sha256: '1', program: ['python3'] },
  stdin: '{}',
  environment: { A: '1' },
}

describe('the question', () => {
  test('S29 each ingredient of a model call makes another key, and its time limits do not', async () => {
    const others: [Partial<ModelRequest>, Partial<KeyPorts>][] = [
      [{}, {}],
      [{ provider: 'y' }, {}],
      [{ model: 'n' }, {}],
      [{ messages: [] }, {}],
      [{ temperature: 0 }, {}],
      [{ temperature: 1 }, {}],
      [{ max_tokens: 5 }, {}],
      [{ response_schema: {} }, {}],
      [{ tools: [] }, {}],
      [{ options: { num_ctx: 1 } }, {}],
      [{ base_url: 'http://b' }, {}],
      [{}, { policy: 'q' }],
      [{}, { principal: 'you' }],
      [{}, { origin: async () => 'there' }],
    ]
    const keys = await Promise.all(
      others.map(([ask, more]) => digestModelQuestion({ ...request, ...ask }, { ...ports, ...more })),
    )
    expect(new Set(keys).size).toBe(others.length)
    const patient = { ...request, timeout_ms: 1, idle_ms: 2 } as ModelRequest
    expect(await digestModelQuestion(patient, { ...ports, cwd: '/elsewhere' })).toBe(keys[0])
    const shuffled = Object.fromEntries(Object.entries(request).reverse()) as unknown as ModelRequest
    expect(await digestModelQuestion(shuffled, ports)).toBe(keys[0])
  })

  test('S29 each ingredient of a script makes another key: its bytes, input, environment, place and the contents of its files', async () => {
    mkdirSync(join(root, 'data/deep'), { recursive: true })
    writeFileSync(join(root, 'data/one.csv'), '1')
    writeFileSync(join(root, 'data/deep/two.csv'), '2')
    const ask = { files: ['data/**/*.csv'] }
    const key = (more: Partial<ScriptRequest> = {}, over: Partial<KeyPorts> = {}, asked: CacheAsk = ask) =>
      digestScriptQuestion({ ...script, ...more }, asked, { ...ports, ...over })
    const first = await key()
    expect(first).toMatch(/^[0-9a-f]{64}$/)
    expect(await key({ timeout_ms: 5 })).toBe(first)
    const keys = [
      first,
      await key({ script: { ...script.script, sha256: '2' } as ScriptRequest['script'] }),
      await key({ stdin: '{"a":1}' }),
      await key({ environment: { A: '2' } }),
      await key({ environment: { B: '1' } }),
      await key({ sandbox: { tier: 'bwrap' } }),
      await key({}, { principal: 'you' }),
      await key({}, { policy: 'q' }),
      await key({}, {}, { files: ['data/one.csv'] }),
    ]
    writeFileSync(join(root, 'data/deep/two.csv'), '3')
    keys.push(await key())
    writeFileSync(join(root, 'data/three.csv'), '3')
    keys.push(await key())
    expect(new Set(keys).size).toBe(keys.length)
    rmSync(join(root, 'data/three.csv'))
    writeFileSync(join(root, 'data/deep/two.csv'), '2')
    expect(await key()).toBe(first)
  })

  test('a script without files, with files that are not there, or that asks a person has no key', async () => {
    expect(await digestScriptQuestion(script, {}, ports)).toBeUndefined()
    expect(await digestScriptQuestion(script, { files: ['data/one.csv', 'dta/*.csv'] }, ports)).toBeUndefined()
    const asks = { ...script, interactive: true }
    expect(await digestScriptQuestion(asks, { files: ['data/one.csv'] }, ports)).toBeUndefined()
  })
})

/** A store in memory, one run, and an executor that answers by number. */
class Stage {
  readonly kept: KeptAnswer[] = []
  readonly asked: Json[] = []
  now = 1000
  shown = ''
  readonly probation = new Probation((answer) => this.kept.push(answer))
  readonly ports: CachePorts = {
    ...ports,
    probation: this.probation,
    find: async ({ key, since, step, run }: CacheQuestion) =>
      this.kept.find((each) => each.key === key && each.made >= since && !(each.run === run && each.step !== step)),
    recall: async () => {},
    redact: (json) => JSON.parse(JSON.stringify(json).replaceAll('hush', '[secret]')) as Json,
    clock: () => this.now,
  }

  constructor() {
    this.see('run-started', { target: { name: 't' }, steps: [{ id: 'a', kind: 'agent' }] })
  }

  see(type: string, data: object): void {
    this.probation.see({ type, data } as unknown as Event)
  }

  async ask(outcome: EffectOutcome, how: { request?: JsonObject; run?: string; kind?: string; step?: string } = {}) {
    const { kind = 'model', run = 'r1', step = 'a' } = how
    const inner: Executor = {
      kind,
      run: async (order) => {
        this.asked.push(order.request)
        return outcome
      },
    }
    const asked = { ...(request as unknown as JsonObject), cache: {}, ...how.request }
    const order = { run, step, attempt: 1, key: `${step}@1/model`, kind, request: asked } as unknown as EffectOrder
    const means = {
      signal: new AbortController().signal,
      stream: ({ text }: { text: string }) => void (this.shown += text),
    }
    return cached(inner, this.ports).run(order, means)
  }

  finish(step = 'a'): void {
    this.see('step-finished', { step, attempt: 1 })
  }
}

const say = (text: string, finish = 'stop'): EffectOutcome => ({
  ok: true,
  answer: { content: [{ type: 'text', text }], finish, usage: { input: 3 } },
  usage: { input: 3 },
  cost: 7,
  labels: ['outside'],
})

describe('the executor', () => {
  test('without the mark nothing is looked up, kept or changed; with it the inner executor does not see it', async () => {
    const stage = new Stage()
    await stage.ask(say('a'), { request: { cache: undefined as unknown as Json } })
    stage.finish()
    expect(stage.kept).toEqual([])
    await stage.ask(say('a'))
    expect(Object.keys(stage.asked[1] as JsonObject)).not.toContain('cache')
  })

  test('another run is given the answer, free and without the inner executor', async () => {
    const stage = new Stage()
    expect(await stage.ask(say('first'))).toEqual(say('first'))
    expect(stage.kept).toEqual([])
    stage.finish()
    expect(stage.kept).toMatchObject([{ kind: 'model', source: 'x/m', target: 't', cost: 7, made: 1000 }])
    const hit = await stage.ask(say('second'), { run: 'r2' })
    const { answer } = say('first') as { answer: Json }
    expect(hit).toEqual({ ok: true, answer, cost: 0, source: 'cache', labels: ['outside'] })
    expect(stage.asked).toHaveLength(1)
    expect(stage.shown).toBe('first')
  })

  test('answers that failed, were cut off or filtered, or whose step did not succeed are never kept', async () => {
    const failed: EffectOutcome = { ok: false, code: 'c', message: 'm', touched: 'no', retry: true }
    for (const outcome of [failed, say('a', 'length'), say('a', 'content-filter'), say('a', 'other')]) {
      const stage = new Stage()
      expect(await stage.ask(outcome)).toEqual(outcome)
      stage.finish()
      expect(stage.kept).toEqual([])
    }
    for (const type of ['step-failed', 'step-cancelled', 'run-finished']) {
      const stage = new Stage()
      await stage.ask(say('a'))
      stage.see(type, { step: 'a', attempt: 1 })
      stage.finish()
      expect(stage.kept).toEqual([])
    }
  })

  test('of a script only exit code 0 and whole output, and not when it changed its own files', async () => {
    writeFileSync(join(root, 'in.txt'), '1')
    const how = { kind: 'script', request: { ...(script as unknown as JsonObject), cache: { files: ['in.txt'] } } }
    const print = (exit: number, truncated = false): EffectOutcome => ({
      ok: true,
      answer: { exit, stdout: 'x', stderr: '', truncated },
    })
    const stage = new Stage()
    for (const outcome of [print(1), print(0, true)]) {
      await stage.ask(outcome, how)
      stage.finish()
    }
    expect(stage.kept).toEqual([])
    const inner: Executor = {
      kind: 'script',
      run: async () => {
        writeFileSync(join(root, 'in.txt'), '2')
        return print(0)
      },
    }
    const order = { run: 'r1', step: 'a', attempt: 1, key: 'k', kind: 'script', request: how.request }
    await cached(inner, stage.ports).run(order as unknown as EffectOrder, {
      signal: new AbortController().signal,
      stream: () => {},
    })
    stage.finish()
    expect(stage.kept).toEqual([])
    await stage.ask(print(0), how)
    stage.finish()
    expect(stage.kept).toMatchObject([{ kind: 'script', source: 'a.py' }])
    writeFileSync(join(root, 'in.txt'), '3')
    expect(await stage.ask(print(0), { ...how, run: 'r2' })).not.toHaveProperty('source')
    writeFileSync(join(root, 'in.txt'), '2')
    expect(await stage.ask(print(0), { ...how, run: 'r3' })).toMatchObject({ source: 'cache' })
  })

  test('an answer older than the policy allows does not serve', async () => {
    const stage = new Stage()
    await stage.ask(say('a'))
    stage.finish()
    stage.now = 1500
    const young = { request: { cache: { ttl_ms: 499 } }, run: 'r2' }
    expect(await stage.ask(say('b'), young)).not.toHaveProperty('source')
    expect(await stage.ask(say('b'), { ...young, request: { cache: { ttl_ms: 500 } } })).toHaveProperty('source')
  })

  test('I18 what is kept holds no secret', async () => {
    const stage = new Stage()
    await stage.ask(say('hush, now'))
    stage.finish()
    expect(JSON.stringify(stage.kept)).not.toContain('hush')
  })

  test('a key that cannot be made is no failure of the step', async () => {
    const stage = new Stage()
    const broken = { ...stage.ports, origin: () => Promise.reject(new Error('no')) }
    const inner: Executor = { kind: 'model', run: async () => say('a') }
    const asked = { ...(request as unknown as JsonObject), cache: {} }
    const order = { run: 'r', step: 'a', attempt: 1, key: 'k', kind: 'model', request: asked } as unknown as EffectOrder
    const means = { signal: new AbortController().signal, stream: () => {} }
    expect(await cached(inner, broken).run(order, means)).toEqual(say('a'))
  })
})
