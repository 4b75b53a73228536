/** What the guide of access shows is done, against a server of its own. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { settingsSchema } from '../../src/config/schema.ts'
import { makeServedProject, openServer, type Served } from '../../src/surfaces/http/serve.fixture.ts'
import { readBlocks } from './markdown.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts')
const blocks = readBlocks('docs/guides/access.md')
let server: Served

beforeAll(async () => {
  server = await openServer(makeServedProject())
})

afterAll(() => server.close())

test('the commands of the guide do what it says', { timeout: 60_000 }, async () => {
  const [shell] = blocks.filter(({ language }) => language === 'sh')
  const program = `llm-orc() { '${process.execPath}' '${MAIN}' "$@"; }\nset -e\n`
  // A server looks at its keys a few times a second.
  const lines = (shell?.lines ?? []).map((line) => (line.startsWith('KEY=') ? `${line}\nsleep 0.5` : line))
  const script = program + lines.join('\n').replaceAll('http://127.0.0.1:8765', server.url)
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script], { cwd: server.cwd, env: server.env })
  expect(stdout).toContain('"status":"succeeded"')
  expect(stdout).toMatch(/^orc_[\da-f]{16}_[\w-]{43}$/m)
  expect(stdout.match(/ revoked$/gm)).toHaveLength(2)
  expect(stderr).toContain('once')
})

test('the settings of the guide are settings', () => {
  const shown = blocks.filter(({ language }) => language === 'yaml')
  expect(shown).toHaveLength(2)
  for (const { lines } of shown) expect(settingsSchema.safeParse(parse(lines.join('\n'))).error).toBeUndefined()
})
