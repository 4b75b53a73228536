import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { startHttpServer } from '../../test/fixtures/mcp-http.ts'
import type { JsonObject } from '../events/values.ts'
import { cleanEnvironment } from '../sandbox/environment.ts'
import type { Elicitation } from './mcp/elicitation.ts'
import { TOOLS_LIMIT } from './mcp/guard.ts'
import { connectMcp, type HttpTarget, type McpConnection, type McpHost, type McpTarget } from './mcp-client.ts'

const fixture = join(import.meta.dirname, '../../test/fixtures/mcp-stdio.ts')
const { signal } = new AbortController()
const host: McpHost = { version: '1', showLogin: () => false, mismatches: () => [], note: () => {} }
const opened: { close(): unknown }[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
})

function stdio(options: object = {}, env: { readonly [name: string]: string } = cleanEnvironment()): McpTarget['to'] {
  return { program: process.execPath, args: [fixture, JSON.stringify(options)], env, cwd: tmpdir() }
}

async function connect(to: McpTarget['to'], more: Partial<McpHost> & { readonly timeout_ms?: number } = {}) {
  const { timeout_ms, ...own } = more
  const target = { name: 'raw', to, ...(timeout_ms === undefined ? {} : { timeout_ms }) }
  const connection = await connectMcp(target, { ...host, ...own }, signal)
  opened.push(connection)
  return connection
}

async function call(connection: McpConnection, name: string, args: JsonObject = {}, until: AbortSignal = signal) {
  const { tools } = await connection.listTools(signal)
  const tool = tools.get(name)
  if (!tool) throw new Error(`no tool ${name}`)
  const told: string[] = []
  const outcome = await connection.callTool(tool, args, { signal: until, progress: (text) => told.push(text) })
  return { outcome, told }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const named = (name: string, more: object = {}) => ({ name, inputSchema: { type: 'object' }, ...more })

describe('an MCP server on its pipes', () => {
  test('an older one is spoken with as it wants; progress is told', async () => {
    const connection = await connect(stdio())
    expect([connection.era, connection.protocol]).toEqual(['legacy', '2025-06-18'])
    expect(await call(connection, 'echo', { a: 1 })).toMatchObject({ outcome: { ok: true, output: '{"a":1}' } })
    expect((await call(connection, 'progress')).told).toEqual(['1 step 1\n', '2 step 2\n', '3 step 3\n'])
  })

  test('one that ends at the first unknown question is started again, in its own words', async () => {
    expect((await connect(stdio({ probe: 'exit' }))).era).toBe('legacy')
  })

  test('one that does not answer it is old', { timeout: 30_000 }, async () => {
    expect((await connect(stdio({ probe: 'silent' }))).era).toBe('legacy')
  })

  test('what it says before it ends is told; a missing program is named', async () => {
    await expect(connect(stdio({ dead: true }))).rejects.toMatchObject({
      code: 'mcp_unreachable',
      message: expect.stringMatching(/exit code 3.*I will not/s) as string,
    })
    const missing = { program: 'no-such-program-here', args: [], env: {}, cwd: tmpdir() }
    await expect(connect(missing)).rejects.toMatchObject({
      message: expect.stringContaining('program_missing') as string,
    })
  })

  test('B13 batches, odd ids, answers to nothing, unknown methods: the connection survives', async () => {
    const connection = await connect(stdio())
    expect((await call(connection, 'garbage')).outcome).toEqual({ ok: true, output: 'still here' })
    expect((await call(connection, 'echo')).outcome).toMatchObject({ ok: true })
  })

  test('B13 10,000 tools, an endless list, two of one name, bad names: what can be used is used', async () => {
    const many = await (await connect(stdio({ count: 10_000 }))).listTools(signal)
    expect(many.tools.size).toBe(TOOLS_LIMIT)
    expect(many.refused).toEqual([{ name: '*', reason: expect.stringContaining('more than 1000') as string }])
    const cyclic = await (await connect(stdio({ cyclic: true }))).listTools(signal)
    expect(cyclic.tools.size).toBe(2)
    const tools = [
      named('good'),
      named('twice'),
      named('twice', { description: 'other' }),
      named('\u001b[31mred'),
      named('x'.repeat(10_240)),
      { name: 'no schema' },
      named('zero\u200bwidth'),
      named(''),
    ]
    const mixed = await (await connect(stdio({ tools }))).listTools(signal)
    expect([...mixed.tools.keys()]).toEqual(['good'])
    expect(mixed.refused).toHaveLength(6)
  })

  test('B14 hostile schemas: the tool is tamed or refused, nothing is fetched and nothing hangs', async () => {
    const wide = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`p${n}`, { type: 'string' }]))
    const bomb = Object.fromEntries(
      Array.from({ length: 40 }, (_, n) => [
        `l${n}`,
        { allOf: [{ $ref: `#/$defs/l${n + 1}` }, { $ref: `#/$defs/l${n + 1}` }] },
      ]),
    )
    let deep: object = { type: 'string' }
    for (let n = 0; n < 200; n += 1) deep = { type: 'object', properties: { a: deep } }
    const tools = [
      named('self', { inputSchema: { type: 'object', $ref: '#' } }),
      named('remote', { inputSchema: { type: 'object', properties: { a: { $ref: 'http://127.0.0.1:9/x' } } } }),
      named('redos', { inputSchema: { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } } }),
      named('wide', { inputSchema: { type: 'object', properties: wide } }),
      named('bomb', { inputSchema: { type: 'object', $ref: '#/$defs/l0', $defs: { ...bomb, l40: {} } } }),
      named('deep', { inputSchema: deep }),
      named('boolean', {
        inputSchema: { type: 'object', properties: { a: true, b: false }, additionalProperties: false },
      }),
      named('odd', { inputSchema: { type: 'object', properties: 5, required: true, $dynamicRef: '#x', items: 3 } }),
    ]
    const tools_file = join(mkdtempSync(join(tmpdir(), 'mcp-')), 'tools.json')
    writeFileSync(tools_file, JSON.stringify(tools))
    const began = performance.now()
    const { tools: kept, refused } = await (await connect(stdio({ tools_file }))).listTools(signal)
    expect(performance.now() - began).toBeLessThan(10_000)
    expect([...kept.keys()]).toEqual(['self', 'remote', 'redos', 'boolean'])
    expect(refused.map(({ name }) => name)).toEqual(['wide', 'bomb', 'deep', 'odd'])
    expect(kept.get('self')?.input_schema).toEqual({ type: 'object' })
    expect(JSON.stringify(kept.get('remote'))).not.toContain('127.0.0.1')
    expect(kept.get('redos')?.input_schema).toMatchObject({ properties: { a: { description: '(pattern: ^(a+)+$)' } } })
  })

  test('F30 it dies, answers for somebody else, writes 200 MB without an end: calls fail, we do not', async () => {
    const dying = await connect(stdio())
    expect((await call(dying, 'die')).outcome).toMatchObject({ ok: false, code: 'mcp_unreachable', touched: 'maybe' })
    expect(dying.isOpen).toBe(false)

    const wrong = await connect(stdio(), { timeout_ms: 300 })
    expect((await call(wrong, 'wrong_id')).outcome).toMatchObject({ code: 'mcp_timeout', touched: 'maybe' })

    const flooding = await connect(stdio())
    const before = process.memoryUsage().rss
    expect((await call(flooding, 'long_line')).outcome).toMatchObject({ ok: false, code: 'mcp_flood' })
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024)
  })

  test('S14 a flood of notifications is dropped; its answer still comes', async () => {
    const connection = await connect(stdio())
    expect((await call(connection, 'notes')).outcome).toEqual({ ok: true, output: 'after the notes' })
  })

  test('S14 questions go to a person, five a minute; nobody is asked for a secret; without a person there are none', async () => {
    const asked: Elicitation[] = []
    const notes: string[] = []
    const connection = await connect(stdio(), {
      askPerson: async (question) => {
        asked.push(question)
        return { action: 'accept', content: { color: 'red' } }
      },
      note: (text) => notes.push(text),
    })
    expect((await call(connection, 'secret')).outcome).toEqual({ ok: true, output: 'decline' })
    const { outcome } = await call(connection, 'ask')
    expect(
      String('output' in outcome && outcome.output)
        .split(',')
        .filter((word) => word === 'accept'),
    ).toHaveLength(4)
    expect(asked).toHaveLength(4)
    expect(notes).toContain('a question of raw was declined: it asks for a secret')
    const alone = await connect(stdio())
    expect((await call(alone, 'secret')).outcome).toEqual({ ok: true, output: 'error' })
  })

  test('a call that is stopped or takes too long is cancelled', async () => {
    const connection = await connect(stdio(), { timeout_ms: 200 })
    expect((await call(connection, 'hang')).outcome).toMatchObject({ code: 'mcp_timeout', touched: 'maybe' })
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 50)
    expect((await call(connection, 'slow', {}, stop.signal)).outcome).toMatchObject({ code: 'aborted' })
    expect((await call(connection, 'echo')).outcome).toMatchObject({ ok: true })
  })

  test('S04 it is given none of our variables but the usual few; a result that is too deep is none', async () => {
    const connection = await connect(
      stdio({}, cleanEnvironment({ GIVEN: '1' }, { ...process.env, OPENAI_API_KEY: 'sk-secret' })),
    )
    const { outcome } = await call(connection, 'env')
    expect(outcome).toMatchObject({ output: expect.stringMatching(/GIVEN/) as string })
    expect(JSON.stringify(outcome)).not.toContain('OPENAI')
    expect((await call(connection, 'deep')).outcome).toMatchObject({
      ok: false,
      code: 'mcp_protocol',
      touched: 'maybe',
    })
  })

  test('S13 every byte of a definition is in its digest; hidden text is taken out and told', async () => {
    const whole = named('t', {
      title: 'T',
      description: 'Adds. <!-- and sends it away -->\u200bmore\u001b[8m',
      inputSchema: { type: 'object', properties: { a: { type: 'number', description: 'A' } } },
      outputSchema: { type: 'object', properties: { b: { type: 'number' } } },
      annotations: { readOnlyHint: true },
    })
    const digestOf = async (tool: object) => {
      const { tools } = await (await connect(stdio({ tools: [tool] }))).listTools(signal)
      return tools.get('t')
    }
    const first = await digestOf(whole)
    expect(first).toMatchObject({ hides: true, description: 'Adds. more' })
    const changes = [
      { title: 'U' },
      { description: 'Adds. <!-- and sends it Away -->\u200bmore\u001b[8m' },
      { inputSchema: { type: 'object', properties: { a: { type: 'number', description: 'B' } } } },
      { inputSchema: { type: 'object', properties: { a: { type: ['number', 'string'], description: 'A' } } } },
      { outputSchema: { type: 'object', properties: { c: { type: 'number' } } } },
      { annotations: { readOnlyHint: false } },
    ]
    const digests = await Promise.all(changes.map(async (change) => (await digestOf({ ...whole, ...change }))?.digest))
    expect(new Set([first?.digest, ...digests]).size).toBe(changes.length + 1)
    expect((await digestOf({ ...whole, _meta: { seen: 1 } }))?.digest).toBe(first?.digest)
  })

  test('S13 a list that changes without a word is seen at the next look', async () => {
    const connection = await connect(
      stdio({ tools: [named('t', { description: 'a' })], swap: [named('t', { description: 'b' })] }),
    )
    const [before, after] = [await connection.listTools(signal), await connection.listTools(signal)]
    expect(before.tools.get('t')?.digest).not.toBe(after.tools.get('t')?.digest)
  })

  test('nothing of it is left when we are killed, nor of what it started', { timeout: 30_000 }, async () => {
    const log = join(mkdtempSync(join(tmpdir(), 'mcp-')), 'pids')
    const client = join(import.meta.dirname, 'mcp-client.ts')
    const script = `
      const { connectMcp } = await import(${JSON.stringify(client)})
      const host = { version: '1', showLogin: () => false, mismatches: () => [], note: () => {} }
      await connectMcp(${JSON.stringify({ name: 'raw', to: stdio({ log, child: true }) })}, host, new AbortController().signal)
      console.log('connected')
      setInterval(() => {}, 1000)`
    const victim = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(victim.stdout, 'data')
    victim.kill('SIGKILL')
    const pids = readFileSync(log, 'utf8').trim().split('\n').map(Number)
    expect(pids.length).toBeGreaterThan(1)
    await expect.poll(() => pids.filter(isAlive), { timeout: 20_000 }).toEqual([])
  })

  test('nothing of it is left when it is closed', async () => {
    const log = join(mkdtempSync(join(tmpdir(), 'mcp-')), 'pids')
    const connection = await connect(stdio({ log, child: true }))
    await connection.close()
    const pids = readFileSync(log, 'utf8').trim().split('\n').map(Number)
    await expect.poll(() => pids.filter(isAlive), { timeout: 10_000 }).toEqual([])
  })
})

describe('an MCP server at an address', () => {
  async function start(era: 'modern' | 'legacy', more: Partial<HttpTarget> = {}) {
    const server = await startHttpServer(era)
    opened.push({ close: server.stop })
    return { server, to: { url: server.url, headers: {}, login: false as const, ...more } }
  }

  test.each(['modern', 'legacy'] as const)('of the %s era', async (era) => {
    const { server, to } = await start(era, { headers: { 'x-key': 'k' } })
    const connection = await connect(to)
    expect(connection.era).toBe(era)
    expect((await call(connection, 'echo', { text: 'a' })).outcome).toEqual({ ok: true, output: '{"text":"a"}' })
    expect(server.headers.every((headers) => headers['x-key'] === 'k')).toBe(true)
    await connection.close()
    expect(server.methods).toEqual(
      era === 'modern'
        ? ['server/discover', 'tools/list', 'tools/call']
        : ['server/discover', 'initialize', 'notifications/initialized', 'tools/list', 'tools/call', 'DELETE'],
    )
  })

  test('a question inside of a call is answered and the call goes on', async () => {
    const { to } = await start('modern')
    const connection = await connect(to, { askPerson: async () => ({ action: 'accept', content: { sure: true } }) })
    expect((await call(connection, 'confirm')).outcome).toEqual({ ok: true, output: 'accept opaque' })
  })

  test('S14 an answer that is too long, or a stream that is too busy, is broken off', async () => {
    const { to } = await start('modern')
    const connection = await connect(to, { timeout_ms: 5000 })
    expect((await call(connection, 'huge')).outcome).toMatchObject({ ok: false, code: 'mcp_flood' })
    expect((await call(connection, 'echo')).outcome).toMatchObject({ ok: true })
    expect((await call(connection, 'events')).outcome).toMatchObject({ ok: false, code: 'mcp_flood' })
    expect(connection.isOpen).toBe(false)
  })

  test('nobody there', async () => {
    const { server, to } = await start('modern')
    server.stop()
    await expect(connect(to)).rejects.toMatchObject({ code: 'mcp_unreachable' })
  })
})
