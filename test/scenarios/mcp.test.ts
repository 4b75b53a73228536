/** An agent that uses a real MCP server over its pipes: asked about at each unsafe call, recorded, and replayed without the server. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createApp } from '../../src/app/create-app.ts'
import { listMcpServers, trustMcpServer } from '../../src/app/operations/mcp.ts'
import { runOperation } from '../../src/app/operations/run.ts'
import type { RunResult } from '../../src/app/runs.ts'
import { verifyStored } from '../../src/app/verify.ts'
import { OrcError } from '../../src/events/errors.ts'
import { root } from '../processes.ts'
import { makeProject } from './project.ts'

const server = join(root, 'node_modules', '@modelcontextprotocol', 'server-filesystem', 'dist', 'index.js')
const files = {
  command: process.execPath,
  args: [server, '${workspaceFolder}'],
  tools: { read_text_file: { safety: 'pure' } },
}
const ensemble = `name: notes
description: Keeps notes
agents:
  - name: clerk
    provider: scripted
    model: clerk
    tools: ["mcp:files:read_text_file", "mcp:files:write_file"]
`
const { signal } = new AbortController()

/** A project whose model says these things one after the other; `PATH` stands for the note. */
async function open(says: readonly object[], settings: object = {}) {
  const config = JSON.stringify({ mcp_servers: { files }, ...settings })
  const { cwd, env } = makeProject({ 'config.yaml': config, 'ensembles/notes.yaml': ensemble })
  const note = join(cwd, 'note.txt')
  const script = join(cwd, 'answers.json')
  writeFileSync(script, JSON.stringify({ rules: [{ then: says }] }).replaceAll('"PATH"', JSON.stringify(note)))
  const app = await createApp({ cwd, env: { ...env, LLM_ORC_SCRIPT: script } })
  onTestFinished(() => app.close())
  const run = (allow: readonly string[] = []) =>
    runOperation.run(runOperation.input.parse({ target: 'notes', input: 'go', allow }), {
      app,
      signal,
    }) as Promise<RunResult>
  const trust = async () => {
    const { servers } = await listMcpServers.run({}, { app, signal })
    const digest = servers[0]?.digest
    return trustMcpServer.run({ name: 'files', digest }, { app, signal })
  }
  return { app, note, run, trust }
}

const write = (content: string) => ({ tool_calls: [{ name: 'write_file', arguments: { path: 'PATH', content } }] })

describe('tools of an MCP server', () => {
  test('an agent writes and reads a file through them, asked about as policy says', async () => {
    const read = { tool_calls: [{ name: 'read_text_file', arguments: { path: 'PATH' } }] }
    const { app, note, run, trust } = await open([write('bought milk'), read, { text: 'done' }])
    await expect(run()).rejects.toSatisfy(
      (error) => error instanceof OrcError && error.problems.some(({ code }) => code === 'mcp_server_untrusted'),
    )
    await trust()
    const done = await run(['mcp:files:write_file'])
    expect(done).toMatchObject({ status: 'succeeded', report: { agents: [{ output: 'done' }] } })
    expect(readFileSync(note, 'utf8')).toBe('bought milk')
    expect(await verifyStored(app, done.run)).toMatchObject({ equal: true })
  })

  test('without a word of anybody an unsafe one waits', async () => {
    const { note, run, trust } = await open([write('no'), { text: 'done' }])
    await trust()
    expect(await run()).toMatchObject({ status: 'paused' })
    expect(existsSync(note)).toBe(false)
  })

  test('U32 above its share of what the model reads, the model searches for the tools and loads them', async () => {
    const says = [
      { tool_calls: [{ name: 'find_tools', arguments: { query: 'write' } }] },
      { tool_calls: [{ name: 'load_tools', arguments: { names: ['write_file'] } }] },
      write('found'),
      { text: 'done' },
    ]
    const { app, note, run, trust } = await open(says, { mcp: { tool_budget_tokens: 10 } })
    await trust()
    const done = await run(['mcp:files:*'])
    expect(done).toMatchObject({ status: 'succeeded', report: { agents: [{ output: 'done' }] } })
    expect(readFileSync(note, 'utf8')).toBe('found')
    expect(await verifyStored(app, done.run)).toMatchObject({ equal: true })
  })
})
