/** One definition, every face, one record: the same input through each of them leaves the same journal. */
import type { Client } from '@modelcontextprotocol/client'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { Event } from '../../src/events/event.ts'
import type { Json, Value } from '../../src/events/values.ts'
import { ledgerView } from '../../src/events/views/ledger.ts'
import { foldEvents, parseContent } from '../../src/events/views/view.ts'
import { makeServedProject, openServer, readStream, type Served } from '../../src/surfaces/http/serve.fixture.ts'
import { callTool, connectHttp } from '../../src/surfaces/mcp/mcp.fixture.ts'
import { runProgram } from '../processes.ts'

const CONFIG = `model_profiles:
  p: { provider: scripted, model: rehearsal }
  broken: { provider: scripted, model: broken, fallback_model_profile: p }
`
const ANSWERS = `rules:
  - { model: broken, answer: { error: { code: provider_auth } } }
  - { contains: reckon, after_tool: true, answer: { text: "It is 5.", usage: { input: 9000, output: 5 } } }
  - contains: reckon
    answer:
      text: "Let me see."
      tool_calls: [ { id: call_1, name: calculator, arguments: { operation: add, a: 2, b: 3 } } ]
      usage: { input: 9000, output: 9 }
default: { text: "Said: {{input}}", chunks: 4, usage: { input: 9000, output: 7 } }
`
/** One step after another, so that there is one right order: a model with a tool, a fallback, a script. */
const SIX = `name: six
description: a bit of everything
agents:
  - { name: reckon, model_profile: p, system_prompt: You reckon., tools: ["calculator@^1"] }
  - { name: patched, model_profile: broken, depends_on: [reckon] }
  - { name: list, script: "echo '[1, 2]'", depends_on: [patched] }
  - { name: last, model_profile: p, depends_on: [list] }
`
const SEED = '7'
const INPUT = 'Please reckon: what is two and three?'

let server: Served
let openai: OpenAI
let mcp: Client

beforeAll(async () => {
  const files = { 'config.yaml': CONFIG, 'answers.yaml': ANSWERS, 'ensembles/six.yaml': SIX }
  server = await openServer(makeServedProject(files))
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
  mcp = await connectHttp(server, { era: 'auto' })
})

afterAll(async () => {
  await mcp.close()
  await server.close()
  expect(server.violations).toEqual([])
})

type Sent = Readonly<Record<string, unknown>>

async function begin(more: Sent = {}, query = ''): Promise<string> {
  const begun = await server.post(`/v1/runs${query}`, { target: 'six', input: INPUT, seed: SEED, ...more })
  return ((await begun.json()) as { run: string }).run
}

function call(...words: readonly string[]) {
  const env = Object.entries(server.env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return runProgram(words, { cwd: server.cwd, env: Object.fromEntries(env) })
}

async function readRecord(run: string): Promise<readonly Event[]> {
  const { journal } = await server.app.openJournal()
  const events: Event[] = []
  for await (const { data } of journal.read(`run/${run}`)) events.push(data as Event)
  return events
}

/** How each face runs it. Answers with the events as the face tells them, else with the record. */
const FACES: Readonly<Record<string, { run(): Promise<readonly Event[]> }>> = {
  'command line': {
    run: async () => {
      const { stdout, stderr } = await call('run', 'six', INPUT, '--seed', SEED, '--output', 'json')
      expect(stderr).toBe('')
      return readRecord(JSON.parse(stdout).run)
    },
  },
  REST: {
    run: async () => {
      const run = await begin({}, '?wait=true')
      const told = await server.ask(`/v1/runs/${run}/events`, { headers: { accept: 'application/json' } })
      const { events } = (await told.json()) as { readonly events: readonly Event[] }
      return events
    },
  },
  SSE: {
    run: async () => {
      const told = await readStream(await server.ask(`/v1/runs/${await begin()}/events`))
      return told.flatMap(({ id, data }) => (id ? [JSON.parse(data) as Event] : []))
    },
  },
  WebSocket: { run: async () => listen(`/v1/runs/${await begin()}/ws`) },
  OpenAI: {
    run: async () => {
      const messages = [{ role: 'user' as const, content: INPUT }]
      const asked = openai.chat.completions.create({ model: 'ensemble/six', messages, seed: Number(SEED) })
      const { response } = await asked.withResponse()
      return readRecord(response.headers.get('x-llm-orc-run') ?? '')
    },
  },
  MCP: {
    run: async () => {
      const given = { ensemble_name: 'six', input: INPUT, seed: SEED }
      return readRecord((await callTool<{ run_id: string }>(mcp, 'invoke', given)).data.run_id)
    },
  },
  'a tool of MCP': {
    run: async () => {
      const given = { input_data: INPUT, seed: Number(SEED) }
      return readRecord((await callTool<{ run_id: string }>(mcp, 'ensemble_six', given)).data.run_id)
    },
  },
  'the older REST': {
    run: async () => {
      const done = await server.post('/api/ensembles/six/execute', { input: INPUT, seed: Number(SEED) })
      return readRecord(((await done.json()) as { run_id: string }).run_id)
    },
  },
  'the older WebSocket': {
    run: async () => {
      const { said } = await execute({ ensemble: 'six', input_data: INPUT, seed: SEED })
      return readRecord(/"run_id":"([^"]+)"/.exec(said)?.[1] ?? '')
    },
  },
}

/** All events that a socket tells of a run, until it closes. */
function listen(path: string): Promise<readonly Event[]> {
  const events: Event[] = []
  const socket = new WebSocket(`${server.url}${path}`.replace('http', 'ws'))
  socket.on('message', (text) => {
    const { type, event } = JSON.parse(String(text)) as { readonly type: string; readonly event: Event }
    if (type === 'event') events.push(event)
  })
  return new Promise((resolve, reject) => {
    socket.once('close', () => resolve(events))
    socket.once('error', reject)
  })
}

/** What may differ: whose process it was, and how long things took. */
const CHANCE = new Set(['started_by', 'ms', 'first_part_ms', 'since'])

function isValue(data: object): data is Value {
  return 'sha256' in data && 'bytes' in data
}

/**
 * Type, actor, causes and data. Values stand with their content, and with their digest as well (which tells the seed) unless they hold a
 * time: then the digest differs, too.
 */
async function recordOf(events: readonly Event[], { seeded }: { readonly seeded: boolean }): Promise<Json> {
  const { blobs } = await server.app.openJournal()
  const clean = async (data: unknown, run: string): Promise<Json> => {
    if (Array.isArray(data)) return Promise.all(data.map((each) => clean(each, run)))
    if (typeof data !== 'object' || data === null) return data as Json
    if (isValue(data)) {
      const { sha256, type, inline } = data
      const text = inline?.text ?? (await blobs.get(run, sha256))?.text
      if (text === undefined) throw new Error(`${run} has lost ${sha256}`)
      const timed = text.includes('"first_part_ms"')
      return { ...(seeded && !timed ? { sha256 } : {}), content: await clean(parseContent(type, text), run) }
    }
    const kept = Object.entries(data).filter(([key]) => !CHANCE.has(key) && (seeded || key !== 'seed'))
    return Object.fromEntries(await Promise.all(kept.map(async ([key, value]) => [key, await clean(value, run)])))
  }
  const told = events.map(async ({ run, seq, type, actor, causes, data }) => ({
    seq,
    type,
    actor,
    causes: [...causes],
    data: await clean(data, run),
  }))
  const rows = foldEvents(ledgerView, events).entries.map((row) => clean(row, events[0]?.run ?? ''))
  return { events: await Promise.all(told), ledger: await Promise.all(rows) }
}

describe('one record', { timeout: 60_000 }, () => {
  let first: readonly Event[]
  beforeAll(async () => {
    first = (await FACES['command line']?.run()) ?? []
  }, 60_000)

  test('the run does what it is meant to', () => {
    const kinds = new Set(first.map(({ type }) => type))
    expect([...kinds]).toEqual(
      expect.arrayContaining(['step-routed', 'effect-done', 'effect-failed', 'step-finished', 'run-finished']),
    )
    const effects = first.flatMap(({ type, data }) => (type === 'effect-intended' ? [data.kind] : []))
    expect(new Set(effects)).toEqual(new Set(['model', 'tool', 'script', 'steer']))
    expect(first.at(-1)).toMatchObject({ type: 'run-finished', data: { status: 'succeeded' } })
  })

  test.each(Object.keys(FACES))('F5: %s', async (name) => {
    const face = FACES[name]
    const events = (await face?.run()) ?? []
    expect(await recordOf(events, { seeded: true })).toEqual(await recordOf(first, { seeded: true }))
  })

  test('and what is compared tells one seed from another', async () => {
    const other = await readRecord(await begin({ seed: '8' }, '?wait=true'))
    expect(await recordOf(other, { seeded: true })).not.toEqual(await recordOf(first, { seeded: true }))
    expect(await recordOf(other, { seeded: false })).toEqual(await recordOf(first, { seeded: false }))
  })
})

/** What every face says when it is asked for an ensemble: its words, and whether it was run. */
async function askAll(
  name: string,
): Promise<Readonly<Record<string, { readonly ran: boolean; readonly said: string }>>> {
  const input = 'hello'
  const cli = await call('run', name, input)
  const rest = await server.post('/v1/runs?wait=true', { target: name, input })
  const begun = await server.post('/v1/runs', { target: name, input })
  const { run } = (await begun.clone().json()) as { readonly run?: string }
  const stream = run === undefined ? [] : await readStream(await server.ask(`/v1/runs/${run}/events`))
  const socket = await execute({ ensemble: name, input })
  const older = await server.post(`/api/ensembles/${name}/execute`, { input })
  const tool = await callTool(mcp, 'invoke', { ensemble_name: name, input })
  const model = await openai.chat.completions
    .create({ model: `ensemble/${name}`, messages: [{ role: 'user', content: input }] })
    .then(
      ({ choices }) => ({ ran: true, said: String(choices[0]?.message.content) }),
      (error: Error) => ({ ran: false, said: error.message }),
    )
  return {
    'command line': { ran: cli.code === 0, said: cli.stdout + cli.stderr },
    REST: { ran: rest.ok, said: await rest.text() },
    SSE: {
      ran: stream.at(-1)?.event === 'run-finished',
      said: run === undefined ? await begun.text() : stream.map(({ data }) => data).join(),
    },
    WebSocket: socket,
    'the older REST': { ran: older.ok, said: await older.text() },
    MCP: { ran: !tool.failed, said: tool.text },
    OpenAI: model,
  }
}

/** Over the older socket, where one message begins a run. */
function execute(message: object): Promise<{ readonly ran: boolean; readonly said: string }> {
  const socket = new WebSocket(`${server.url}/ws/execute`.replace('http', 'ws'))
  socket.once('open', () => socket.send(JSON.stringify(message)))
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    let said = ''
    socket.on('message', (text) => {
      said += String(text)
      const { type } = JSON.parse(String(text)) as { readonly type: string }
      if (type !== 'execution_complete' && type !== 'error') return
      socket.close()
      resolve({ ran: type !== 'error', said })
    })
  })
}

/** The names that each face offers, and what it says of those that are broken. */
async function listAll() {
  const { ensembles } = (await (await server.ask('/v1/ensembles')).json()) as {
    readonly ensembles: readonly { readonly name: string; readonly problem?: string }[]
  }
  const { stdout } = await call('ensembles', 'list', '--output', 'json')
  const listed = JSON.parse(stdout) as { readonly ensembles: typeof ensembles }
  const { data } = await callTool<{ readonly ensembles: typeof ensembles }>(mcp, 'list_ensembles')
  const models: string[] = []
  for await (const { id } of openai.models.list()) models.push(id)
  const tools = (await mcp.listTools()).tools.map(({ name }) => name)
  return { cli: listed.ensembles, rest: ensembles, mcp: data.ensembles, models, tools }
}

const FRESH = 'name: fresh\ndescription: d\nagents:\n- {name: one, model_profile: p}\n'
/** It can be read, and cannot be run. */
const TORN = 'name: torn\ndescription: d\nagents:\n- {name: one, model_profile: p, depends_on: [nobody]}\n'
/** The same: it names a profile that is not there. */
const LOST = 'name: lost\ndescription: d\nagents:\n- {name: one, model_profile: nowhere}\n'
/** It cannot be read. */
const RIPPED = 'name: ripped\nagents: [ {name: \n'

describe('files', { timeout: 60_000 }, () => {
  test('a new file is there on every face at once, without a restart', async () => {
    expect(JSON.stringify(await listAll())).not.toContain('fresh')
    server.write('ensembles/fresh.yaml', FRESH)
    const { cli, rest, mcp: told, models, tools } = await listAll()
    for (const list of [cli, rest, told]) expect(list.map(({ name }) => name)).toContain('fresh')
    expect([models.includes('ensemble/fresh'), tools.includes('ensemble_fresh')]).toEqual([true, true])
    const asked = await askAll('fresh')
    expect(Object.entries(asked).filter(([, { ran }]) => !ran)).toEqual([])
  })

  test('a profile that is new in the settings is there within a second', async () => {
    const written = performance.now()
    server.write('config.yaml', `${CONFIG}  newcomer: { provider: scripted, model: rehearsal }\n`)
    const listed = async () => (await (await fetch(`${server.url}/v1/models`)).text()).includes('"newcomer"')
    await expect.poll(listed, { timeout: 10_000, interval: 50 }).toBe(true)
    console.log(`a new profile: ${Math.round(performance.now() - written)} ms`)
  })

  test('a broken file says so on every face, and breaks nothing else', async () => {
    server.write('ensembles/torn.yaml', TORN)
    server.write('ensembles/lost.yaml', LOST)
    server.write('ensembles/ripped.yaml', RIPPED)
    const { cli, rest, mcp: told, models, tools } = await listAll()
    for (const list of [cli, rest, told]) {
      expect(list.find(({ name }) => name === 'ripped')?.problem).toMatch(/\S/)
      expect(list.find(({ name }) => name === 'fresh')?.problem).toBeUndefined()
    }
    expect([models.includes('ensemble/ripped'), tools.includes('ensemble_ripped')]).toEqual([false, false])
    // What can be read is offered everywhere, for what it lacks may come; whoever asks is told.
    for (const name of ['torn', 'lost'])
      expect([models.includes(`ensemble/${name}`), tools.includes(`ensemble_${name}`)]).toEqual([true, true])
    for (const [name, why] of [
      ['torn', 'nobody'],
      ['lost', 'nowhere'],
      ['ripped', 'sufficiently indented'],
    ] as const) {
      const asked = await askAll(name)
      expect(Object.entries(asked).filter(([, { ran, said }]) => ran || !said.includes(why))).toEqual([])
    }
    const others = await askAll('fresh')
    expect(Object.entries(others).filter(([, { ran }]) => !ran)).toEqual([])
  })
})
