import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Desk, makeServedProject } from '../http/serve.fixture.ts'
import { callTool, connectStdio } from './mcp.fixture.ts'

const TWO = 'name: two words\ndescription: Two.\nagents:\n  - { name: a, model_profile: p }\n'
const ask = (name: string, profile: string, more = '') =>
  `name: ${name}\ndescription: d\nagents: [{ name: a, model_profile: ${profile}${more} }]\n`
const SLOW = {
  'ensembles/slow.yaml': ask('slow', 'p'),
  'ensembles/endless.yaml': ask('endless', 'p'),
  'ensembles/asker.yaml': ask('asker', 'p', ', tools: [ask_user]'),
  'answers.yaml': `rules:
  - { contains: tea, then: [{ text: "{{input}}", delay_ms: 700 }] }
  - { contains: ask me, then: [{ tool_calls: [{ name: ask_user, arguments: { question: "Tea?" } }] }, { text: So be it. }] }
default: { text: never, delay_ms: 600000 }
`,
}
const main = join(import.meta.dirname, '..', '..', 'main.ts')

test('`serve NAME` offers one ensemble under its own name, with `input` and a text', async () => {
  const desk = makeServedProject({
    'ensembles/two.yaml': 'name: two\ndescription: Two.\nagents: [{ name: a, model_profile: p }]\n',
  })
  const client = await connectStdio(desk, { era: 'legacy' }, ['serve', 'two'])
  const { tools } = await client.listTools()
  expect(tools.map(({ name }) => name)).toEqual(['two'])
  expect((await callTool(client, 'two', { input: 'tea' })).text).toBe('tea')
  await client.close()
})

test('an ensemble whose name clients would not take is offered under another', async () => {
  const desk = makeServedProject({
    'ensembles/two.yaml': TWO,
    'ensembles/other.yaml': TWO.replace('two words', 'two_words'),
  })
  const client = await connectStdio(desk, { era: 'auto' })
  const names = (await client.listTools()).tools.map(({ name }) => name).filter((name) => name.includes('two_words'))
  expect(names.toSorted()).toEqual(['ensemble_two_words', expect.stringMatching(/^ensemble_two_words_[0-9a-f]{8}$/)])
  await client.close()
})

test('standard output has nothing but the protocol, and its end is the end of the program', async () => {
  const desk = makeServedProject()
  const child = spawn(process.execPath, [main, 'mcp', 'serve', '--output', 'json'], { cwd: desk.cwd, env: desk.env })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.resume()
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  send({ id: 1, method: 'initialize', params })
  send({ method: 'notifications/initialized' })
  child.stdin.write('this is not JSON\n')
  send({ id: 2, method: 'ping' })
  await expect.poll(() => out.split('\n').length, { timeout: 10_000 }).toBeGreaterThan(2)
  child.stdin.end()
  const code = await new Promise((resolve) => child.once('close', resolve))
  expect(code).toBe(0)
  const lines = out.split('\n').filter(Boolean)
  expect(lines.map((line) => (JSON.parse(line) as { jsonrpc: string }).jsonrpc)).toEqual(lines.map(() => '2.0'))
})

const OPENING = {
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: { elicitation: {} }, clientInfo: { name: 't', version: '1' } },
}
const call = (name: string, given: object) => ({ id: 2, method: 'tools/call', params: { name, arguments: given } })

/** The program with all of its input already said, as `printf … |` says it. */
function pipeTo(desk: Desk, words: readonly string[], said: readonly object[]) {
  const child = spawn(process.execPath, [main, ...words], { cwd: desk.cwd, env: desk.env })
  child.stdout.setEncoding('utf8')
  child.stderr.resume()
  child.stdin.end(said.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join(''))
  const over = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? '')),
  )
  return { child, over }
}

async function hear({ child, over }: ReturnType<typeof pipeTo>) {
  let out = ''
  child.stdout.on('data', (text: string) => (out += text))
  const code = await over
  const answers = out
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as { id?: number; result?: { content: { text: string }[] } })
  return { code, answer: answers.find(({ id }) => id === 2)?.result?.content[0]?.text }
}

test.each([
  ['serve NAME', ['serve', 'slow'], call('slow', { input: 'tea' }), 'tea'],
  ['mcp serve', ['mcp', 'serve'], call('ensemble_slow', { input: 'tea' }), 'tea'],
  ['an agent that asks', ['mcp', 'serve'], call('ensemble_asker', { input: 'ask me' }), '"status": "waiting"'],
])('calls under way when the input ends are answered: %s', async (_, words, asked, answer) => {
  const heard = await hear(pipeTo(makeServedProject(SLOW), words, [OPENING, asked]))
  expect(heard.answer).toContain(answer)
  expect(heard.code).toBe(0)
})

test('nobody is waited for whose reader has gone, or who ends the program', async () => {
  const desk = makeServedProject(SLOW)
  const said = [OPENING, call('ensemble_endless', { input: 'x' })]
  const gone = pipeTo(desk, ['mcp', 'serve'], said)
  await new Promise((resolve) => gone.child.stdout.once('data', resolve))
  gone.child.stdout.destroy()
  expect(await gone.over).toBe(0)
  const told = pipeTo(desk, ['mcp', 'serve'], said)
  await new Promise((resolve) => told.child.stdout.once('data', resolve))
  told.child.kill('SIGTERM')
  expect(await told.over).toBe(0)
})
