/** What the program loads before it works, told by names and counts: each is a loss of time that no clock in a test would show. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type OutputChunk, rolldown } from 'rolldown'
import { expect, test } from 'vitest'
import config from '../../rolldown.config.ts'
import { makeHome, root, runProgram, startFakeServer } from '../processes.ts'

const LIST = `
import { writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
const urls = []
registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) })
process.on('exit', () => writeFileSync(process.env.LOADED, JSON.stringify({ urls, node: process.moduleLoadList })))
`

/** The files of this project, and Node's own modules, that a command has loaded when it ends. */
async function listLoaded(...args: readonly string[]) {
  const { home, env } = makeHome()
  const hooks = join(home, 'list.mjs')
  writeFileSync(hooks, LIST)
  const fake = await startFakeServer()
  try {
    const more = { OPENAI_COMPATIBLE_BASE_URL: fake.url, NODE_OPTIONS: `--import ${pathToFileURL(hooks)}` }
    const loaded = join(home, 'loaded.json')
    const { code, stderr } = await runProgram(args, { cwd: home, env: { ...env, ...more, LOADED: loaded } })
    expect(code, stderr).toBe(0)
    const { urls, node } = JSON.parse(readFileSync(loaded, 'utf8')) as { urls: string[]; node: string[] }
    const ours = pathToFileURL(join(root, 'src', '/')).href
    return { files: urls.flatMap((url) => (url.startsWith(ours) ? [url.slice(ours.length)] : [])), urls, node }
  } finally {
    fake.stop()
  }
}

test('W5: a run loads its own operation and look, and nothing of what it does not use', {
  timeout: 60_000,
}, async () => {
  const { files, urls, node } = await listLoaded('run', '-p', 'n=1', '--model', 'openai-compatible/x', '--quiet')
  const inFolder = (folder: string) => files.filter((file) => file.startsWith(folder))
  expect(inFolder('app/operations/')).toEqual(['app/operations/run.ts'])
  expect(inFolder('surfaces/cli/render/live')).toEqual([])
  expect(inFolder('surfaces/cli/show/').length).toBeLessThanOrEqual(8)
  for (const folder of [
    'surfaces/http/',
    'surfaces/mcp/',
    'tools/mcp/',
    'config/import/',
    'vault/',
    'providers/embedded',
  ])
    expect(inFolder(folder)).toEqual([])
  for (const file of ['app/quote.ts', 'app/file-change.ts', 'sandbox/bwrap.ts', 'sandbox/egress.ts', 'tools/fence.ts'])
    expect(files).not.toContain(file)
  expect(
    urls.filter((url) => /node_modules\/(hono|jose|ws|@ai-sdk|@modelcontextprotocol|gpt-token)/.test(url)),
  ).toEqual([])
  // `import 'node:http'` reads all its names, and with them Node's own copy of undici.
  expect(node).not.toContain('NativeModule internal/deps/undici/undici')
  expect(files.length).toBeLessThanOrEqual(370)
})

test('W5: a look at files opens no journal', { timeout: 60_000 }, async () => {
  const { files, node } = await listLoaded('ensembles', 'list')
  expect(files.filter((file) => file.startsWith('app/operations/'))).toEqual(['app/operations/ensembles.ts'])
  expect(node).not.toContain('NativeModule sqlite')
})

test('W5: the built program lies in few files, of ASCII alone', { timeout: 60_000 }, async () => {
  const bundle = await rolldown({ ...config, cwd: root })
  const { output } = await bundle.generate([config.output].flat()[0])
  await bundle.close()
  const chunks = new Map(output.flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file] as const] : [])))
  for (const { fileName, code } of chunks.values()) expect(/[^\0-\x7f]/.test(code), fileName).toBe(false)
  const nameOf = ({ fileName }: OutputChunk) => fileName.replace(/-[\w-]{8}\.js$|\.js$/, '')
  /** With it, whatever has to be there before it runs. */
  const listFiles = (fileName: string, seen = new Set<string>()): Set<string> => {
    const chunk = chunks.get(fileName)
    if (!chunk || seen.has(nameOf(chunk))) return seen
    seen.add(nameOf(chunk))
    for (const next of chunk.imports) listFiles(next, seen)
    return seen
  }
  expect([...listFiles('main.js')].sort()).toEqual(['main', 'quick'])
  expect(listFiles('index.js')).not.toContain('run')
  const holds = (file: string) =>
    [...chunks.values()].find(({ moduleIds }) => moduleIds.some((id) => id.endsWith(file)))
  for (const file of [
    'app/operations/run.ts',
    'app/create-app.ts',
    'journal/sqlite.ts',
    'providers/openai-compatible.ts',
  ]) {
    const chunk = holds(`src/${file}`)
    if (!chunk) throw new Error(`${file} is in no chunk`)
    const files = [...listFiles(chunk.fileName)].filter((name) => name !== 'rolldown-runtime').sort()
    expect(['engine', 'engine quick run']).toContain(files.join(' '))
  }
})
