import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { createToolExecutor } from '../effects/tool.ts'
import type { EffectOrder } from '../engine/effect.ts'
import type { PinnedTool } from '../events/tool-call.ts'
import type { JsonObject } from '../events/values.ts'
import type { App } from './app.ts'
import { createApp } from './create-app.ts'
import { findServer } from './mcp.ts'
import { digestServer, trustServer } from './mcp-trust.ts'

const root = join(import.meta.dirname, '..', '..')
const raw = join(root, 'test', 'fixtures', 'mcp-stdio.ts')
const official = (name: string) => join(root, 'node_modules', '@modelcontextprotocol', name, 'dist', 'index.js')
const apps: App[] = []

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()))
})

/** A project with its files, JSON where they are objects, and a user of its own. */
async function makeApp(
  files: { readonly [file: string]: string | object },
  env: { readonly [name: string]: string } = {},
) {
  const home = mkdtempSync(join(tmpdir(), 'llm-orc-mcp-'))
  const project = join(home, 'project')
  mkdirSync(join(project, '.llm-orc'), { recursive: true })
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(join(project, file, '..'), { recursive: true })
    writeFileSync(join(project, file), typeof content === 'string' ? content : JSON.stringify(content))
  }
  const places = ['CONFIG', 'DATA', 'STATE', 'CACHE'].map((name) => [`XDG_${name}_HOME`, join(home, name)])
  const app = await createApp({
    cwd: project,
    env: { PATH: process.env['PATH'], HOME: home, ...Object.fromEntries(places), ...env },
  })
  apps.push(app)
  return { app, project }
}

const program = (...args: readonly string[]) => ({ command: process.execPath, args })

async function trust(app: App, name: string): Promise<void> {
  await trustServer(app.paths, await findServer(app, name))
}

async function useTool(app: App, tool: PinnedTool, args: JsonObject) {
  const mcp = await app.openMcp()
  const { name, version, source, digest, permissions } = tool
  const request = { tool: name, version, source, digest, permissions, arguments: args, call: 'c1' }
  const order: EffectOrder = {
    run: 'r',
    step: 's',
    attempt: 1,
    key: 's/tool:c1',
    kind: 'tool',
    tries: 1,
    idempotency_key: 'k',
    safety: tool.safety,
    request,
  }
  const executor = createToolExecutor({ cwd: app.paths.cwd, find: (asked) => mcp.find(asked) })
  return executor.run(order, { signal: new AbortController().signal, stream: () => {} })
}

async function resolve(app: App, reference: string) {
  return (await app.openMcp()).resolve(reference)
}

describe('servers as other programs write them down', () => {
  test('three kinds of files and our own; the first of a name counts; comments are no fault; what is wrong is told', async () => {
    const { app } = await makeApp({
      '.llm-orc/config.yaml': `mcp_servers:\n  ours: ${JSON.stringify(program('a'))}\n  both: {url: 'https://ours.example/mcp', safety: pure}\n`,
      '.mcp.json':
        '{\n  // people do this\n  "mcpServers": {"both": {"command": "theirs"}, "first": {"command": "x", "autoApprove": ["*"], "disabled": false}}}',
      '.cursor/mcp.json': {
        mcpServers: {
          second: { url: 'https://a.example/mcp', headers: { A: '${env:KEY}' } },
          old: { type: 'sse', url: 'https://b.example' },
        },
      },
      '.vscode/mcp.json': {
        inputs: [{ id: 'api-key', type: 'promptString' }],
        servers: {
          third: { type: 'stdio', command: 'y', env: { K: '${input:api-key}' } },
          'bad name': { command: 'z' },
        },
      },
    })
    const { readMcpServers } = await import('../config/mcp-servers.ts')
    const { servers, problems } = await readMcpServers(app.config)
    expect(servers.map(({ name, words, own }) => [name, words.command ?? words.url, own])).toEqual([
      ['ours', process.execPath, false],
      ['both', 'https://ours.example/mcp', false],
      ['first', 'x', false],
      ['second', 'https://a.example/mcp', false],
      ['third', 'y', false],
    ])
    expect(servers.every(({ words }) => !('autoApprove' in words))).toBe(true)
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('old is of the type sse'),
      expect.stringContaining('"bad name" cannot be the name'),
    ])
  })

  test('variables are filled in, and what is missing is named', async () => {
    const server = {
      command: '${env:NODE}',
      args: ['${workspaceFolder}', '${MODE:-quiet}', '${userHome}'],
      env: { K: '${input:api-key}' },
    }
    const { app, project } = await makeApp({ '.mcp.json': { mcpServers: { s: server } } }, { NODE: 'node' })
    const { makeTarget } = await import('./mcp-target.ts')
    const entry = await findServer(app, 's')
    expect(() => makeTarget(app, entry)).toThrow(
      expect.objectContaining({
        code: 'mcp_variable_missing',
        message: expect.stringContaining('MCP_INPUT_API_KEY') as string,
      }),
    )
    const values = new Map([...app.env.values, ['MCP_INPUT_API_KEY', 'v']])
    expect(makeTarget({ env: { ...app.env, values } }, entry).to).toMatchObject({
      program: 'node',
      args: [project, 'quiet', app.env.values.get('HOME')],
      env: { K: 'v' },
    })
  })
})

describe('trust', () => {
  test('a server of a project is started only as it was when somebody looked at it', async () => {
    const log = join(mkdtempSync(join(tmpdir(), 'mcp-')), 'pids')
    const server = program(raw, JSON.stringify({ log }))
    const { app, project } = await makeApp({ '.mcp.json': { mcpServers: { s: server } } })
    expect(await resolve(app, 'mcp:s:*')).toMatchObject({ tools: [], problems: [{ code: 'mcp_server_untrusted' }] })
    expect(() => readFileSync(log)).toThrow()

    await trust(app, 's')
    expect((await resolve(app, 'mcp:s:echo')).tools).toHaveLength(1)

    const entry = await findServer(app, 's')
    const changes = [
      { command: '/bin/sh' },
      { args: [...server.args, 'x'] },
      { env: { NODE_OPTIONS: '--require ./evil.js' } },
      { cwd: 'sub' },
      { headers: { A: 'b' }, url: 'https://x.example', command: undefined },
    ]
    const digests = changes.map((change) =>
      digestServer({ ...entry, words: { ...entry.words, ...change } as typeof entry.words }),
    )
    expect(new Set([digestServer(entry), ...digests]).size).toBe(changes.length + 1)
    writeFileSync(
      join(project, '.mcp.json'),
      JSON.stringify({ mcpServers: { s: { ...server, env: { NODE_OPTIONS: '-r x' } } } }),
    )
    const later = await createApp({ cwd: project, env: Object.fromEntries(app.env.values) })
    apps.push(later)
    expect(await resolve(later, 'mcp:s:*')).toMatchObject({ tools: [], problems: [{ code: 'mcp_server_untrusted' }] })
  })

  test('what a .env of the project gives to the command or the address is part of what was looked at, of the user’s servers too', async () => {
    const log = join(mkdtempSync(join(tmpdir(), 'mcp-')), 'pids')
    const { command, args } = program(raw, JSON.stringify({ log }))
    const server = { command: `\${TOOL:-${command}}`, args, env: { KEY: '${KEY:-none}' } }
    const { app, project } = await makeApp({})
    mkdirSync(app.paths.config, { recursive: true })
    writeFileSync(join(app.paths.config, 'config.yaml'), `mcp_servers: {s: ${JSON.stringify(server)}}`)
    const reopen = async (text: string) => {
      writeFileSync(join(project, '.env'), text)
      const env = Object.fromEntries(app.env.values)
      delete env['KEY']
      const opened = await createApp({ cwd: project, env })
      apps.push(opened)
      return opened
    }
    const hijacked = await reopen(`TOOL=${join(project, 'evil')}\n`)
    const refused = await resolve(hijacked, 'mcp:s:*')
    expect(refused).toMatchObject({ tools: [], problems: [{ code: 'mcp_server_untrusted' }] })
    expect(refused.problems[0]?.message).toContain('with KEY=${KEY:-none} TOOL of .env')
    expect(() => readFileSync(log)).toThrow()
    // A key in its environment is what `.env` is for.
    expect((await resolve(await reopen('KEY=k\n'), 'mcp:s:echo')).problems).toEqual([])
    const named = await reopen(`TOOL=${command}\n`)
    await trust(named, 's')
    expect((await resolve(named, 'mcp:s:echo')).tools).toHaveLength(1)
    expect((await resolve(await reopen(`TOOL=${command} \n`.replace(' ', '/../x')), 'mcp:s:*')).tools).toEqual([])
  })

  test('what the user wrote needs no further word', async () => {
    const { app } = await makeApp({})
    mkdirSync(app.paths.config, { recursive: true })
    writeFileSync(join(app.paths.config, 'config.yaml'), `mcp_servers: {s: ${JSON.stringify(program(raw))}}`)
    const own = await createApp({ cwd: app.paths.cwd, env: Object.fromEntries(app.env.values) })
    apps.push(own)
    expect((await resolve(own, 'mcp:s:echo')).problems).toEqual([])
  })
})

describe('tools of servers', () => {
  test('server-everything: pinned, called through the executor, its answers marked', async () => {
    const { app } = await makeApp({ '.mcp.json': { mcpServers: { every: program(official('server-everything')) } } })
    await trust(app, 'every')
    const { tools, problems } = await resolve(app, 'mcp:every:*')
    expect(problems).toEqual([])
    expect(new Set(tools.map(({ safety, source, version }) => `${safety} ${source} ${version}`))).toEqual(
      new Set(['unsafe mcp:every 0.0.0']),
    )
    const named = (name: string) => tools.find((tool) => tool.name === name) as PinnedTool
    expect(await useTool(app, named('echo'), { message: 'hello' })).toEqual({
      ok: true,
      answer: 'Echo: hello',
      labels: ['outside'],
    })
    expect(await useTool(app, named('get-structured-content'), { location: 'Chicago' })).toMatchObject({
      ok: true,
      answer: { temperature: expect.any(Number) as number },
    })
    expect(await useTool(app, named('get-sum'), { a: 'x' })).toMatchObject({
      ok: false,
      code: 'mcp_tool_failed',
      touched: 'yes',
      labels: ['outside'],
    })
    expect(await useTool(app, { ...named('echo'), digest: 'other' }, {})).toMatchObject({
      code: 'tool_changed',
      touched: 'no',
    })
    expect(await useTool(app, { ...named('echo'), name: 'renamed' }, {})).toMatchObject({
      code: 'tool_missing',
      touched: 'no',
    })
  })

  test('server-filesystem: reads and writes where it may', async () => {
    const { app, project } = await makeApp({
      '.llm-orc/config.yaml': `mcp_servers:\n  files: ${JSON.stringify({ ...program(official('server-filesystem'), '${workspaceFolder}'), prefix: 'fs_', safety: 'idempotent', tools: { read_text_file: { safety: 'pure' } } })}\n`,
    })
    await trust(app, 'files')
    const { tools } = await resolve(app, 'mcp:files:*_file')
    const named = (name: string) => tools.find((tool) => tool.name === name) as PinnedTool
    expect([named('fs_write_file').safety, named('fs_read_text_file').safety]).toEqual(['idempotent', 'pure'])
    const path = join(project, 'note.txt')
    expect(await useTool(app, named('fs_write_file'), { path, content: 'from a tool' })).toMatchObject({ ok: true })
    expect(readFileSync(path, 'utf8')).toBe('from a tool')
    expect(await useTool(app, named('fs_read_text_file'), { path })).toMatchObject({
      ok: true,
      answer: { content: 'from a tool' },
    })
    expect(await useTool(app, named('fs_read_text_file'), { path: '/etc/passwd' })).toMatchObject({ ok: false })
  })

  test('S13 a definition that changes in mid-session blocks the call', async () => {
    const described = (description: string) => [{ name: 't', description, inputSchema: { type: 'object' } }]
    const options = { tools: described('adds'), swap: described('adds.') }
    const { app } = await makeApp({ '.mcp.json': { mcpServers: { s: program(raw, JSON.stringify(options)) } } })
    await trust(app, 's')
    const { tools } = await resolve(app, 'mcp:s:t')
    expect(await useTool(app, tools[0] as PinnedTool, {})).toMatchObject({ code: 'tool_changed', touched: 'no' })
  })

  test('F30 a server that ends is started again, three times a minute', { timeout: 30_000 }, async () => {
    const log = join(mkdtempSync(join(tmpdir(), 'mcp-')), 'pids')
    const { app } = await makeApp({ '.mcp.json': { mcpServers: { s: program(raw, JSON.stringify({ log })) } } })
    await trust(app, 's')
    const { tools } = await resolve(app, 'mcp:s:*')
    const die = tools.find(({ name }) => name === 'die') as PinnedTool
    const echo = tools.find(({ name }) => name === 'echo') as PinnedTool
    for (let n = 0; n < 4; n += 1)
      expect(await useTool(app, die, {})).toMatchObject({ code: 'mcp_unreachable', touched: 'maybe' })
    expect(await useTool(app, echo, {})).toMatchObject({
      ok: false,
      code: 'mcp_unreachable',
      touched: 'no',
      retry: true,
    })
    expect(readFileSync(log, 'utf8').trim().split('\n')).toHaveLength(4)
  })

  test('a reference that means nothing is told so', async () => {
    const { app } = await makeApp({ '.mcp.json': { mcpServers: { s: program(raw) } } })
    await trust(app, 's')
    expect(await resolve(app, 'mcp:s:nothing')).toMatchObject({
      problems: [{ code: 'tool_missing', hint: expect.stringContaining('echo') as string }],
    })
    expect(await resolve(app, 'mcp:t:*')).toMatchObject({
      problems: [{ code: 'mcp_server_missing', hint: 'There are: s' }],
    })
    expect(await resolve(app, 'mcp:')).toMatchObject({ problems: [{ code: 'tool_missing' }] })
  })
})
