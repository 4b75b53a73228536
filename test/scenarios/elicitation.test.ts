/** MCP servers that ask a person something in the middle of a call: on a real pseudo-terminal. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createApp } from '../../src/app/create-app.ts'
import { requireRun } from '../../src/app/runs.ts'
import { CTRL_C, hasTerminal, sitDown } from '../fixtures/seat.ts'
import { root, runProgram } from '../processes.ts'
import { call } from './calls.ts'
import { makeProject, type Project } from './project.ts'

const everything = join(root, 'node_modules', '@modelcontextprotocol', 'server-everything', 'dist', 'index.js')
const raw = join(root, 'test', 'fixtures', 'mcp-stdio.ts')

/** An agent that calls one tool of a server and then says it is done. */
function makeOffice(server: readonly string[], tool: string, timeout_seconds = 20): Project {
  const files = { command: process.execPath, args: server, timeout_seconds, tools: { [tool]: { safety: 'pure' } } }
  const ensemble = {
    name: 'travel',
    description: 'd',
    agents: [{ name: 'clerk', provider: 'scripted', model: 'm', tools: [`mcp:desk:${tool}`] }],
  }
  const project = makeProject({
    'config.yaml': '{}',
    'ensembles/travel.yaml': JSON.stringify(ensemble),
    'answers.json': JSON.stringify({
      rules: [{ then: [{ tool_calls: [{ name: tool, arguments: {} }] }, { text: 'done' }] }],
    }),
  })
  const config = join(project.env['XDG_CONFIG_HOME'] ?? '', 'llm-orchestrator')
  mkdirSync(config, { recursive: true })
  writeFileSync(join(config, 'config.yaml'), JSON.stringify({ mcp_servers: { desk: files } }))
  return { ...project, env: { ...project.env, LLM_ORC_SCRIPT: join(project.cwd, '.llm-orc', 'answers.json') } }
}

/** What the tool told the model. */
async function toldBy({ cwd, env }: Project): Promise<unknown> {
  const app = await createApp({ cwd, env })
  try {
    const { run } = await call({ cwd, env }, 'runs show', { run: 'latest' })
    const events = await requireRun(app, run)
    const done = events.flatMap((event) =>
      event.type === 'effect-done' && event.data.key.includes('tool:') ? [event.data.answer.inline?.text ?? ''] : [],
    )
    return JSON.parse(done[0] ?? 'null')
  } finally {
    await app.close()
  }
}

describe.skipIf(!hasTerminal)('a server that asks', () => {
  test('fields are asked one by one and checked, then sent; longer than a call may take is no fault', async () => {
    const project = makeOffice([raw], 'form', 1)
    const seat = sitDown(['run', 'travel', 'x'], project)
    await seat.see(/desk asks you, and is sent what you answer:\n {2}\| Please\n[\s\S]*Answer it \(y yes, n no\)\? $/)
    await new Promise((resolve) => setTimeout(resolve, 1300))
    seat.type('y\r')
    await seat.see(/Where to\n[\s\S]*required\ncity: $/)
    seat.type('\r')
    await seat.see(/it is required\ncity: $/)
    seat.type('Turin\r')
    await seat.see(/integer from 1 to 9\npeople \(Enter alone: 2\): $/)
    seat.type('30\r')
    await seat.see(/people \(Enter alone: 2\): 30\n.+\npeople \(Enter alone: 2\): $/)
    seat.type('\r')
    await seat.see(/1 Window\n {2}2 Aisle\nseat \(Enter alone: nothing\): $/)
    seat.type('aisle\r')
    await seat.see(/meals .*: $/)
    seat.type('1, Dinner\r')
    await seat.see(/insured .*: $/)
    seat.type('yes\r')
    await seat.see(/note .*: $/)
    seat.type('\r')
    await seat.see(/Send this .*\? $/)
    seat.type('y\r')
    expect(await seat.ended).toBe(0)
    expect(await toldBy(project)).toBe(
      '{"action":"accept","content":{"city":"Turin","people":2,"seat":"a","meals":["b","d"],"insured":true}}',
    )
    expect(seat.screen.hasCursor).toBe(true)
  })

  test('no declines and Ctrl-C leaves the form; the run goes on', async () => {
    for (const [key, action] of [
      ['n\r', 'decline'],
      [CTRL_C, 'cancel'],
    ] as const) {
      const project = makeOffice([raw], 'form')
      const seat = sitDown(['run', 'travel', 'x'], project)
      await seat.see(/Answer it .*\? $/)
      seat.type(key)
      await seat.see(/Nothing of this was sent\./)
      expect(await seat.ended).toBe(0)
      expect(await toldBy(project)).toBe(JSON.stringify({ action }))
    }
  })

  test('without a terminal servers are told that nobody is there', async () => {
    const project = makeOffice([raw], 'form')
    expect(await runProgram(['run', 'travel', 'x'], project)).toMatchObject({ code: 0 })
    expect(await toldBy(project)).toBe('"nobody"')
  })

  test('S14 the reference server: its form speaks of a PIN, so nobody is asked, and the person is told', async () => {
    const project = makeOffice([everything, 'stdio'], 'trigger-elicitation-request')
    const seat = sitDown(['run', 'travel', 'x'], project)
    await seat.see(/a question of desk was declined: it asks for a secret/)
    expect(await seat.ended).toBe(0)
    expect(await toldBy(project)).toContain('"action": "decline"')
  })
})
