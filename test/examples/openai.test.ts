/** What the guide of the OpenAI-compatible face shows is done with the official client, against a server of its own. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeServedProject, openServer, type Served } from '../../src/surfaces/http/serve.fixture.ts'
import { root } from '../processes.ts'
import { readBlocks } from './markdown.ts'

const USUAL = 'http://127.0.0.1:8765'
const ANSWERS = `
rules:
  - { contains: weather, after_tool: true, answer: { text: "It is 21 degrees in Ulm." } }
  - { contains: weather, answer: { tool_calls: [ { name: weather, arguments: { city: Ulm } } ] } }
default: { text: "Because of {{input:20}}", usage: { input: 10, output: 5 } }
`
const CONFIG = `
default_profile: fast
model_profiles:
  fast: { provider: scripted, model: rehearsal }
`
const blocks = readBlocks('docs/guides/openai.md')
const run = promisify(execFile)
let server: Served

beforeAll(async () => {
  server = await openServer(makeServedProject({ 'config.yaml': CONFIG, 'answers.yaml': ANSWERS }))
})

afterAll(() => server.close())

test('every curl line of the guide is answered', async () => {
  const lines = blocks.filter(({ language }) => language === 'sh').flatMap((block) => block.lines)
  const commands = lines
    .join('\n')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.startsWith('curl '))
  expect(commands.length).toBe(2)
  for (const command of commands) {
    const { stdout } = await run('bash', ['-c', command.replaceAll(USUAL, server.url)], { env: server.env })
    expect(stdout, command).toContain('"object"')
  }
})

test.each([
  [0, /15\n\d{8}-\d{6}-\w{5}\nBecause of Why is the sky blue\?$|\d+\n\d{8}-\d{6}-\w{5}\nBecause of/],
  [1, /^It is 21 degrees in Ulm\.$/],
  [2, /^Because of Why is the sky blue/],
  [3, /^2 64$/],
])('example %i for the openai client works as it stands', { timeout: 30_000 }, async (index, said) => {
  const examples = blocks.filter(({ language }) => language === 'js')
  expect(examples.length).toBe(4)
  const code = examples[index]?.lines.join('\n').replaceAll(USUAL, server.url) ?? ''
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: root, env: server.env })
  expect(stdout.trim()).toMatch(said)
})
