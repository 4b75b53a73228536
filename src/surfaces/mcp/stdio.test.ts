import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeServedProject } from '../http/serve.fixture.ts'
import { callTool, connectStdio } from './mcp.fixture.ts'

const TWO = 'name: two words\ndescription: Two.\nagents:\n  - { name: a, model_profile: p }\n'
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
