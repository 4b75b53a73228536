import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { makeServedProject, openServer } from '../http/serve.fixture.ts'
import { callTool, connectHttp, connectStdio, type Era, type Wishes } from './mcp.fixture.ts'

const FILES = {
  'ensembles/writer.yaml':
    'name: writer\ndescription: Writes.\nagents:\n  - { name: clerk, model_profile: p, tools: [write_file] }\n',
  'ensembles/asker.yaml':
    'name: asker\ndescription: Asks.\nagents:\n  - { name: clerk, model_profile: p, tools: [ask_user] }\n',
  'answers.yaml': `rules:
  - contains: write it
    then:
      - tool_calls: [{ name: write_file, arguments: { path: out.md, content: "new" } }]
      - text: It is done.
  - contains: ask me
    then:
      - tool_calls: [{ name: ask_user, arguments: { question: "Tea or coffee?", options: [tea, coffee] } }]
      - text: So be it.
default: { text: "{{input}}" }
`,
}

const WAYS: readonly (readonly [string, 'http' | 'stdio', Era])[] = [
  ['HTTP, 2025-11-25', 'http', 'legacy'],
  ['HTTP, 2026-07-28', 'http', 'auto'],
  ['stdio, 2025-11-25', 'stdio', 'legacy'],
  ['stdio, 2026-07-28', 'stdio', 'auto'],
]
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function open(transport: 'http' | 'stdio', wishes: Wishes) {
  const desk = makeServedProject(FILES)
  const served = transport === 'http' ? await openServer(desk) : undefined
  if (served) closing.push(() => served.close())
  const client = served ? await connectHttp(served, wishes) : await connectStdio(desk, wishes)
  closing.push(() => client.close())
  return { desk, client }
}

type Resting = { status: string; run_id: string; asks: { what: string; answer_with: string }[] }

describe.each(WAYS)('what a run asks, over %s', (_, transport, era) => {
  test('the user allows a call, and it is made', async () => {
    const asked: string[] = []
    const answer = (message: string) => {
      asked.push(message)
      return { action: 'accept' as const, content: { allow: true } }
    }
    const { desk, client } = await open(transport, { era, answer })
    const { data } = await callTool(client, 'invoke', { ensemble_name: 'writer', input_data: 'write it' })
    expect(data).toMatchObject({ status: 'completed', results: { clerk: { response: 'It is done.' } } })
    expect(asked).toHaveLength(1)
    expect(asked[0]).toContain('out.md')
    expect(readFileSync(join(desk.cwd, 'out.md'), 'utf8')).toBe('new')
  })

  // Each of these starts a program, and what they are about is the same on both.
  const onHttp = test.skipIf(transport === 'stdio')

  onHttp('the user forbids it, and it is not made', async () => {
    const answer = () => ({ action: 'accept' as const, content: { allow: false, reason: 'not today' } })
    const { desk, client } = await open(transport, { era, answer })
    const { data } = await callTool(client, 'ensemble_writer', { input: 'write it' })
    expect(data).toMatchObject({ status: 'completed' })
    expect(existsSync(join(desk.cwd, 'out.md'))).toBe(false)
  })

  onHttp('a question of the model is answered', async () => {
    const { client } = await open(transport, { era, answer: () => ({ action: 'accept', content: { answer: 'tea' } }) })
    const { data } = await callTool(client, 'invoke', { ensemble_name: 'asker', input_data: 'ask me' })
    expect(data).toMatchObject({ status: 'completed', results: { clerk: { response: 'So be it.' } } })
  })

  onHttp.each([
    ['declines', () => ({ action: 'decline' as const })],
    ['cannot be asked', undefined],
  ])('whoever %s gets the run and how to answer; nothing is done', async (_word, answer) => {
    const { desk, client } = await open(transport, { era, ...(answer ? { answer } : {}) })
    const { data } = await callTool<Resting>(client, 'invoke', { ensemble_name: 'writer', input_data: 'write it' })
    expect(data.status).toBe('waiting')
    expect(data.asks).toEqual([expect.objectContaining({ what: 'approval' })])
    expect(data.asks[0]?.answer_with).toContain(`approvals give ${data.run_id}`)
    expect(existsSync(join(desk.cwd, 'out.md'))).toBe(false)
  })
})

describe.each(WAYS)('new files, over %s', (_, transport, era) => {
  test('the list of tools changes within a second and the client is told; a broken file breaks nothing', async () => {
    let told = 0
    const { desk, client } = await open(transport, { era, changed: () => void (told += 1) })
    // Nothing is told before the server has looked for the first time.
    await new Promise((resolve) => setTimeout(resolve, 900))
    desk.write('ensembles/fresh.yaml', 'name: fresh\ndescription: New.\nagents: [{ name: a, model_profile: p }]\n')
    await expect.poll(() => told, { timeout: 3_000 }).toBeGreaterThan(0)
    const names = async () => (await client.listTools()).tools.map(({ name }) => name)
    await expect.poll(names).toContain('ensemble_fresh')
    desk.write('ensembles/fresh.yaml', 'name: fresh\nagents: [\n')
    await expect.poll(names).not.toContain('ensemble_fresh')
    const { data } = await callTool<{ ensembles: { name: string; problem?: string }[] }>(client, 'list_ensembles')
    expect(data.ensembles.find(({ name }) => name === 'fresh')?.problem).toBeTruthy()
    rmSync(join(desk.cwd, '.llm-orc', 'ensembles', 'fresh.yaml'))
  })
})
