/** What the guide of the HTTP face shows is done, against a server of its own. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { EventSource } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeServedProject, openServer, type Served } from '../../src/surfaces/http/serve.fixture.ts'
import { readBlocks } from './markdown.ts'

const blocks = readBlocks('docs/guides/http.md')
const USUAL = 'http://127.0.0.1:8765'
let server: Served

beforeAll(async () => {
  server = await openServer(makeServedProject())
})

afterAll(() => server.close())

/** Whole commands: lines that end in a backslash go on. */
function findCommands(): readonly string[] {
  const shell = blocks.filter(({ language }) => language === 'sh').flatMap(({ lines }) => lines)
  return shell
    .join('\n')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.startsWith('curl '))
}

test('every curl line of the guide is answered', { timeout: 60_000 }, async () => {
  const commands = findCommands()
  expect(commands.length).toBeGreaterThan(12)
  const run = promisify(execFile)
  for (const command of commands) {
    const { stdout } = await run('bash', ['-c', command.replaceAll(USUAL, server.url)], { env: server.env })
    expect(stdout, command).not.toBe('')
  }
})

test('the EventSource of the guide shows the run to its end', async () => {
  await server.post('/v1/runs', { prompt: 'Why is the sky blue?', model: ['p'] })
  const code = blocks.find(({ language }) => language === 'js')?.lines.join('\n') ?? ''
  const shown: string[] = []
  // oxlint-disable-next-line no-implied-eval -- the example is run as it stands
  new Function('EventSource', 'show', code.replaceAll(USUAL, server.url))(EventSource, (text: string) =>
    shown.push(text),
  )
  await expect.poll(() => shown.at(-1), { timeout: 10_000 }).toBe('succeeded')
  expect(shown).toContain('p')
})
