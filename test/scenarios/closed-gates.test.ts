/**
 * S30: every gate is broken once: a file that cannot be read, a store that fails, a port that is closed, an interface that throws. Nothing
 * begins, nothing is dispatched: no script has run and no model was asked.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Access, createAccess } from '../../src/app/access.ts'
import type { App } from '../../src/app/app.ts'
import { createApp } from '../../src/app/create-app.ts'
import { findOperation } from '../../src/app/operations.ts'
import { createPorts } from '../../src/app/ports.ts'
import type { Principal } from '../../src/app/principal.ts'
import { runTarget } from '../../src/app/runs.ts'
import { seenBy } from '../../src/app/seen-by.ts'
import { findTarget } from '../../src/app/target.ts'
import { governed } from '../../src/effects/governed.ts'
import { startRun } from '../../src/engine/engine.ts'
import type { EnginePorts } from '../../src/engine/world.ts'
import type { Entry } from '../../src/journal/journal.ts'
import type { OpenSqliteJournal } from '../../src/journal/sqlite.ts'
import { type Desk, makeServedProject } from '../../src/surfaces/http/serve.fixture.ts'

const BROKEN = 'the gate is broken'
const fail = (): never => {
  throw new Error(BROKEN)
}

let upstream: Server
let address: string
let asked = 0

beforeAll(async () => {
  upstream = createServer((request, response) => {
    request.resume()
    asked += 1
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: {"choices":[{"index":0,"delta":{"content":"yes"},"finish_reason":"stop"}]}\n\n')
    response.end('data: [DONE]\n\n')
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1`
})

afterAll(() => upstream.close())

const SHIP = 'name: ship\ndescription: d\nagents:\n- {name: one, script: "echo gone >> gone"}\n'
const MODEL = 'name: model\ndescription: d\nagents:\n- {name: one, model_profile: far}\n'
const VERIFIED = `name: verified
description: d
agents:
- {name: one, model_profile: p, verify: {checks: [{condition: 'output.nothing.at.all > 3'}]}}
- {name: two, script: "echo gone >> gone", depends_on: [one]}
`
const WHEN = `name: when
description: d
agents:
- {name: one, model_profile: p}
- {name: two, script: "echo gone >> gone", depends_on: [one], when: 'steps.one.output.data.nothing > 3'}
`
const ASK = "rules:\n- { tool: 'script(*)', decision: ask }\n"

interface World {
  readonly desk: Desk
  readonly app: App
}

function makeDesk(files: Record<string, string> = {}, settings = ''): Desk {
  const config = `model_profiles:
  p: { provider: scripted, model: rehearsal }
  far: { provider: far, model: m }
providers:
  far: { type: openai-compatible, base_url: "${address}"}
`
  const all = {
    'config.yaml': config,
    '~/config.yaml': settings,
    'ensembles/ship.yaml': SHIP,
    'ensembles/model.yaml': MODEL,
    'ensembles/verified.yaml': VERIFIED,
    'ensembles/when.yaml': WHEN,
    ...files,
  }
  return makeServedProject(all)
}

const open = (desk: Desk) => createApp({ cwd: desk.cwd, env: desk.env })
const call = async (app: App, name: string, input: object, principal?: Principal) => {
  const operation = await findOperation(name)
  if (!operation) throw new Error(`no operation ${name}`)
  const { signal } = new AbortController()
  return operation.run(operation.input.parse(input), { app, signal, ...(principal ? { principal } : {}) })
}
const runShip = (app: App) => call(app, 'run', { target: 'ship', input: 'x', allow: ['*'] })
const runModel = (app: App) => call(app, 'run', { target: 'model', input: 'x' })

/** The same program with some of its parts replaced. */
const withParts = (app: App, parts: Partial<App>): App =>
  Object.create(
    app,
    Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, { value, enumerable: true }])),
  ) as App

/** A journal whose appends to some streams, or whose reads of them, fail. */
function withJournal(
  app: App,
  breaks: { append?(entries: readonly Entry[]): boolean; read?(stream: string): boolean; put?: true },
): App {
  const openJournal = async (): Promise<OpenSqliteJournal> => {
    const own = await app.openJournal()
    const { journal, blobs } = own
    return {
      ...own,
      close: () => own.close(),
      journal: {
        append: (entries) => (breaks.append?.(entries) ? Promise.reject(new Error(BROKEN)) : journal.append(entries)),
        read: (stream, from, to) => (breaks.read?.(stream) ? fail() : journal.read(stream, from, to)),
        follow: (stream, from, signal) => (breaks.read?.(stream) ? fail() : journal.follow(stream, from, signal)),
        list: (query) => (breaks.read?.(query.prefix) ? fail() : journal.list(query)),
        remove: (run) => journal.remove(run),
        drop: (stream) => journal.drop(stream),
      },
      blobs: {
        put: (run, sha256, blob) => (breaks.put ? fail() : blobs.put(run, sha256, blob)),
        get: (run, sha256) => blobs.get(run, sha256),
      },
    }
  }
  return withParts(app, { openJournal })
}

/** Drives the target through the engine with ports of its own. */
async function driveWith(app: App, change: (ports: EnginePorts) => EnginePorts): Promise<unknown> {
  const target = await findTarget(app, 'ship')
  const ports = change(await createPorts(app, { permits: { allow: ['*'] } }))
  const plan = {
    run: 'gated',
    graph: target.graph,
    input: 'x',
    seed: 's',
    run_key: 'k',
    target: { kind: 'ensemble', name: 'ship' },
    started_by: 'code' as const,
  }
  const run = await startRun(ports, plan)
  const { blobs, journal } = await app.openJournal()
  void blobs
  const end = await Promise.race([run.ended, new Promise((resolve) => setTimeout(() => resolve('waits'), 3_000))])
  run.abandon()
  for await (const { data } of journal.read('run/gated', 1))
    expect((data as { type: string }).type).not.toBe('effect-done')
  return end
}

const isGuess = (access: Access) =>
  access.authenticate({ credential: `orc_${'0'.repeat(16)}_${'x'.repeat(43)}`, remote: '127.0.0.1', local_name: true })

/** What is tried with the gate broken. `refused`: it rejects; `ends`: it ends otherwise than well. */
interface Gate {
  readonly name: string
  readonly files?: Record<string, string>
  readonly settings?: string
  readonly expects?: 'refused' | 'not well' | 'answered'
  attempt(world: World): Promise<unknown>
}

const userFile = (desk: Desk, name: string) => {
  const file = join(desk.env['XDG_CONFIG_HOME'] ?? '', 'llm-orchestrator', name)
  mkdirSync(dirname(file), { recursive: true })
  return file
}

const GATES: readonly Gate[] = [
  { name: 'a policy that is no YAML', files: { 'policy.yaml': 'rules: [' }, attempt: ({ app }) => runShip(app) },
  {
    name: 'a policy of the user that is a folder',
    attempt: ({ app, desk }) => {
      mkdirSync(userFile(desk, 'policy.yaml'))
      return runShip(app)
    },
  },
  {
    name: 'a policy that throws',
    expects: 'not well',
    attempt: ({ app }) => driveWith(app, (ports) => ({ ...ports, policy: { judge: fail } })),
  },
  {
    name: 'a question whose policy cannot be read any more',
    files: { 'policy.yaml': ASK },
    attempt: async ({ app, desk }) => {
      await call(app, 'run', { target: 'ship', input: 'x' })
      desk.write('policy.yaml', 'rules: [')
      return call(app, 'approvals give', { run: 'latest', ask: 'one' })
    },
  },
  {
    name: 'an approval that cannot be kept',
    files: { 'policy.yaml': ASK },
    attempt: async ({ app }) => {
      await call(app, 'run', { target: 'ship', input: 'x' })
      const broken = withJournal(app, {
        append: (entries) => entries.some(({ stream }) => stream.startsWith('inbox/')),
      })
      return call(broken, 'approvals give', { run: 'latest', ask: 'one' })
    },
  },
  {
    name: 'a journal that is no database',
    attempt: ({ app, desk }) => {
      const file = join(desk.env['XDG_DATA_HOME'] ?? '', 'llm-orchestrator', 'journal.db')
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, 'x'.repeat(8_192))
      return runShip(app)
    },
  },
  { name: 'a journal that takes nothing', attempt: ({ app }) => runShip(withJournal(app, { append: () => true })) },
  {
    name: 'a journal that fails at the intent',
    expects: 'not well',
    attempt: ({ app }) => {
      const isIntent = (entries: readonly Entry[]) => JSON.stringify(entries).includes('"effect-intended"')
      return Promise.race([
        runShip(withJournal(app, { append: isIntent })),
        new Promise((resolve) => setTimeout(() => resolve('waits'), 3_000)),
      ])
    },
  },
  {
    name: 'a lease that cannot be had',
    attempt: ({ app }) =>
      runShip(withJournal(app, { append: (entries) => entries.some(({ stream }) => stream.startsWith('lease/')) })),
  },
  {
    name: 'a store of contents that takes nothing',
    expects: 'not well',
    attempt: async ({ app }) => {
      const long = 'x'.repeat(20_000)
      return call(withJournal(app, { put: true }), 'run', { target: 'ship', input: long, allow: ['*'] })
    },
  },
  {
    name: 'a budget of the day that cannot be read',
    settings: 'budgets: { day: { max_calls: 5 } }',
    expects: 'not well',
    attempt: ({ app }) => runModel(withJournal(app, { read: (stream) => stream.startsWith('scope/') })),
  },
  {
    name: 'a budget of the day that cannot be written',
    settings: 'budgets: { day: { max_calls: 5 } }',
    expects: 'not well',
    attempt: ({ app }) =>
      runModel(withJournal(app, { append: (entries) => entries.some(({ stream }) => stream.startsWith('scope/')) })),
  },
  {
    name: 'a price that nobody knows, under a budget of money',
    expects: 'not well',
    attempt: ({ app }) => call(app, 'run', { target: 'model', input: 'x', max_cost: 1 }),
  },
  {
    name: 'a line of calls that throws',
    attempt: async () => {
      const inner = { kind: 'model', run: async () => fetch(address).then(() => ({ ok: true as const, answer: '' })) }
      const order = {
        kind: 'model',
        safety: 'billable' as const,
        request: {},
        run: 'r',
        step: 's',
        attempt: 1,
        key: 'k',
        tries: 1,
        idempotency_key: 'i',
      }
      const means = { signal: new AbortController().signal, stream: () => {} }
      return governed(inner, { gate: fail }).run(order, means)
    },
  },
  {
    name: 'a breaker that cannot say whose calls they are',
    expects: 'not well',
    attempt: ({ app }) => {
      const models = Object.create(app.models, { account: { value: fail } }) as App['models']
      return runModel(withParts(app, { models }))
    },
  },
  {
    name: 'a redaction that throws',
    attempt: ({ app }) =>
      runShip(
        withParts(app, {
          redaction: Object.assign(Object.create(app.redaction), {
            redact: fail,
            redactJson: fail,
          }) as App['redaction'],
        }),
      ),
  },
  {
    name: 'rights that are no list',
    attempt: ({ app }) =>
      call(app, 'run', { target: 'ship', input: 'x' }, { name: 'ann', kind: 'key', scopes: undefined as never }),
  },
  {
    name: 'an operation whose right nobody wrote down',
    attempt: ({ app }) =>
      call(
        app,
        'scripts test',
        { name: 'x' },
        { name: 'ann', kind: 'key', scopes: ['read', 'run', 'write', 'approve'] },
      ),
  },
  {
    name: 'an owner that cannot be found out',
    attempt: async ({ app }) => {
      const done = (await call(app, 'run', { target: 'when', input: 'x', allow: ['*'], deny: ['script(*)'] })) as {
        readonly run: string
      }
      const bob: Principal = { name: 'bob', kind: 'key', scopes: ['read'] }
      const broken = withJournal(app, { read: (stream) => stream === `run/${done.run}` })
      return call(seenBy(broken, bob), 'runs show', { run: done.run }, bob)
    },
  },
  {
    name: 'a store of keys that is a folder',
    expects: 'answered',
    attempt: async ({ app }) => {
      mkdirSync(join(app.paths.data, 'keys.json'), { recursive: true })
      expect(await isGuess(createAccess(app))).toMatchObject({ ok: false, problem: { code: 'keys_unreadable' } })
    },
  },
  {
    name: 'settings of access that throw',
    expects: 'answered',
    attempt: async ({ app }) => {
      const config = Object.create(app.config, { settings: { get: fail } }) as App['config']
      expect(await isGuess(createAccess(withParts(app, { config })))).toMatchObject({
        ok: false,
        problem: { code: 'identity_unreachable' },
      })
    },
  },
  {
    name: 'an issuer at a closed port',
    expects: 'answered',
    settings: 'serve: { oidc: { issuer: "http://127.0.0.1:9", audience: a } }',
    attempt: async ({ app }) => {
      const shown = { credential: 'e30.e30.e30', remote: '127.0.0.1', local_name: true }
      expect(await createAccess(app).authenticate(shown)).toMatchObject({
        ok: false,
        problem: { code: 'identity_unreachable' },
      })
      expect(await createAccess(app).authenticate({ ...shown, credential: undefined })).toMatchObject({ ok: false })
    },
  },
  {
    name: 'a sandbox that is not here',
    files: { 'ensembles/ship.yaml': SHIP.replace('gone"}', 'gone", sandbox: container}') },
    expects: 'not well',
    attempt: ({ app }) => runShip(app),
  },
  {
    name: 'a verifier that cannot judge',
    expects: 'not well',
    attempt: ({ app }) => call(app, 'run', { target: 'verified', input: 'x', allow: ['*'] }),
  },
  {
    name: 'a condition that cannot be judged',
    expects: 'answered',
    attempt: ({ app }) => call(app, 'run', { target: 'when', input: 'x', allow: ['*'] }),
  },
  {
    name: 'settings that cannot be read',
    attempt: async ({ desk }) => {
      desk.write('config.yaml', 'budgets: [')
      return runShip(await open(desk))
    },
  },
]

describe('S30 gates', () => {
  test.each(GATES)('$name: closed', async ({ files = {}, settings = '', expects = 'refused', attempt }) => {
    const before = asked
    const desk = makeDesk(files, settings)
    const app = await open(desk)
    const result = await attempt({ desk, app }).then(
      (value) => ({ value: value as { readonly status?: string } | undefined }),
      (error: Error) => ({ error }),
    )
    expect(existsSync(join(desk.cwd, 'gone')), 'a script has run').toBe(false)
    expect(asked - before, 'a model was asked').toBe(0)
    if (expects === 'refused') expect(result).toHaveProperty('error')
    if (expects === 'not well' && 'value' in result) expect(result.value?.status).not.toBe('succeeded')
    if (expects === 'answered') expect(result).not.toHaveProperty('error')
    await app.close()
  })

  test('at least twenty, and with all of them whole the same things happen', async () => {
    expect(GATES.length).toBeGreaterThanOrEqual(20)
    const desk = makeDesk()
    const app = await open(desk)
    const before = asked
    expect(await runShip(app)).toMatchObject({ status: 'succeeded' })
    expect(await runModel(app)).toMatchObject({ status: 'succeeded' })
    expect(existsSync(join(desk.cwd, 'gone'))).toBe(true)
    expect(asked - before).toBe(1)
    const target = await findTarget(app, 'ship')
    expect(await runTarget(app, { target, input: 'x', permits: { allow: ['*'] } }, {})).toMatchObject({
      status: 'succeeded',
    })
    await app.close()
  })
})
