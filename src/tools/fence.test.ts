import { link, mkdir, readFile, rename, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../events/values.ts'
import { runProcess } from '../sandbox/process.ts'
import { bashTool } from './builtin/bash.ts'
import type { Builtin } from './builtin/builtin.ts'
import { editFileTool } from './builtin/edit-file.ts'
import { listFilesTool } from './builtin/list-files.ts'
import { makeYard, SECRET, type Yard } from './builtin/ports.fixture.ts'
import { readFileTool } from './builtin/read-file.ts'
import { searchFilesTool } from './builtin/search-files.ts'
import { writeFileTool } from './builtin/write-file.ts'
import { findPlace, openFolderOf, openPlace } from './fence.ts'

const TOOLS: readonly (readonly [Builtin, JsonObject])[] = [
  [readFileTool, {}],
  [writeFileTool, { content: 'changed' }],
  [editFileTool, { old_text: SECRET, new_text: 'changed' }],
  [listFilesTool, {}],
  [searchFilesTool, { pattern: 'canary' }],
  [bashTool, { command: 'cat secret.txt; echo changed > secret.txt' }],
]

/** Paths that lead out, as text. */
function listPayloads({ outside }: Yard): readonly string[] {
  return [
    '../outside/secret.txt',
    '../outside',
    '..',
    'a/../../outside/secret.txt',
    './../outside/secret.txt',
    'sub/../../outside/secret.txt',
    '../work/../outside/secret.txt',
    '../work2',
    `${outside}/secret.txt`,
    outside,
    `//${outside}/secret.txt`,
    '/',
    '/etc/passwd',
    '/proc/self/environ',
    '/proc/self/cwd/../outside/secret.txt',
    '/dev/zero',
    'to-folder/secret.txt',
    'to-folder',
    'to-file',
    'to-link/secret.txt',
    'sub/up/outside/secret.txt',
    'to-nothing',
    'to-nothing/deeper/file.txt',
    'loop',
    'to-root/etc/passwd',
    'ok.txt\0/../../outside/secret.txt',
    'ok.txt\n',
    '\0',
    '',
    `${'../'.repeat(2000)}etc/passwd`,
    'a'.repeat(5000),
  ]
}

async function makeTrap(): Promise<Yard> {
  const yard = await makeYard({ 'ok.txt': 'fine', 'sub/in.txt': 'fine' })
  const { cwd, outside } = yard
  await symlink(outside, join(cwd, 'to-folder'))
  await symlink(join(outside, 'secret.txt'), join(cwd, 'to-file'))
  await symlink('to-folder', join(cwd, 'to-link'))
  await symlink('../..', join(cwd, 'sub', 'up'))
  await symlink(join(outside, 'nothing'), join(cwd, 'to-nothing'))
  await symlink('loop', join(cwd, 'loop'))
  await symlink('/', join(cwd, 'to-root'))
  return yard
}

describe.each(TOOLS)('S17 B08 $name', (builtin, args) => {
  test('0 of 31 paths lead out of the folder', async () => {
    const yard = await makeTrap()
    const payloads = listPayloads(yard)
    expect(payloads).toHaveLength(31)
    for (const path of payloads) {
      const outcome = await yard.call(builtin, { ...args, path })
      expect(outcome, path).toMatchObject({ ok: false, touched: 'no' })
      expect(JSON.stringify(outcome), path).not.toContain(SECRET)
    }
    expect(await readFile(join(yard.outside, 'secret.txt'), 'utf8')).toBe(SECRET)
    await expect(stat(join(yard.outside, 'nothing'))).rejects.toThrow('ENOENT')
  })
})

test('S17 what lies behind links is neither listed nor searched', async () => {
  const { call } = await makeTrap()
  const listed = await call(listFilesTool, { depth: 8 })
  expect(listed).toMatchObject({ ok: true })
  expect(JSON.stringify(listed)).not.toContain('secret')
  expect(await call(searchFilesTool, { pattern: 'canary' })).toMatchObject({ ok: true, output: { matches: [] } })
})

test('links that stay inside are followed', async () => {
  const { cwd, call } = await makeYard({ 'sub/in.txt': 'fine' })
  await symlink('sub', join(cwd, 'alias'))
  expect(await call(readFileTool, { path: 'alias/in.txt' })).toMatchObject({ output: { path: 'sub/in.txt' } })
  expect(await call(writeFileTool, { path: 'alias/new.txt', content: 'x' })).toMatchObject({ ok: true })
  expect(await readFile(join(cwd, 'sub/new.txt'), 'utf8')).toBe('x')
})

test('S17 a hard link is written by giving the name to a new file: the other name keeps its text', async () => {
  const { cwd, outside, call } = await makeYard()
  await link(join(outside, 'secret.txt'), join(cwd, 'hard.txt'))
  expect(await call(writeFileTool, { path: 'hard.txt', content: 'changed' })).toMatchObject({ ok: true })
  expect(await readFile(join(outside, 'secret.txt'), 'utf8')).toBe(SECRET)
  expect(await readFile(join(cwd, 'hard.txt'), 'utf8')).toBe('changed')
})

test('S16 a folder that is swapped for a link between look and use leads nowhere', async () => {
  for (const purpose of ['read', 'write'] as const) {
    const { cwd, outside } = await makeYard({ 'sub/secret.txt': 'fine' })
    const place = await findPlace('sub/secret.txt', { cwd, more: [], purpose })
    if (!place.ok) throw new Error(place.message)
    await rename(join(cwd, 'sub'), join(cwd, 'was'))
    await symlink(outside, join(cwd, 'sub'))
    const opened = await (purpose === 'read' ? openPlace(place) : openFolderOf(place))
    expect(opened).toMatchObject({ ok: false })
  }
})

test('what governs tools, and what others run, is not written by a tool; keys are not read', async () => {
  const { call } = await makeYard({ '.env': 'KEY=x', '.env.local': 'KEY=x', '.env.example': 'KEY=', 'a/.env': 'KEY=x' })
  for (const path of ['.git/hooks/pre-commit', '.llm-orc/policy.yaml', 'sub/.git/config', '.GIT/config'])
    expect(await call(writeFileTool, { path, content: 'x' }), path).toMatchObject({ code: 'path_refused' })
  for (const path of ['.env', '.env.local', 'a/.env'])
    expect(await call(readFileTool, { path }), path).toMatchObject({ code: 'path_refused' })
  expect(await call(readFileTool, { path: '.env.example' })).toMatchObject({ ok: true })
  expect(await call(searchFilesTool, { pattern: 'KEY=x' })).toMatchObject({ output: { matches: [] } })
})

test('a folder outside is open when it was opened by name, and only for that', async () => {
  const yard = await makeYard()
  const { outside, call } = yard
  const path = join(outside, 'secret.txt')
  const ports = { open: { read: [outside], write: [] } }
  expect(await call(readFileTool, { path }, { ports })).toMatchObject({ ok: true, output: { path, content: SECRET } })
  expect(await call(writeFileTool, { path, content: 'x' }, { ports })).toMatchObject({ code: 'path_refused' })
  await symlink('/etc', join(outside, 'etc'))
  expect(await call(readFileTool, { path: join(outside, 'etc/passwd') }, { ports })).toMatchObject({
    code: 'path_refused',
  })
})

test('S17 what governs this program is closed, also by a link and from outside, until it is opened by its name', async () => {
  const { cwd, outside, call } = await makeYard({
    'ours/policy.yaml': 'canary',
    'ours/deep/keys': 'canary',
    'a.md': 'x',
  })
  await symlink('ours', join(cwd, 'way'))
  const both = [join(cwd, 'ours'), join(cwd, 'not-there-yet')]
  const closed = { read: both, write: both }
  for (const path of ['ours/policy.yaml', 'way/deep/keys', 'ours/new', 'not-there-yet', 'not-there-yet/x', 'ours'])
    for (const ports of [{ closed }, { closed, open: { read: [cwd], write: [cwd, outside] } }]) {
      expect(await call(writeFileTool, { path, content: 'x' }, { ports }), path).toMatchObject({ code: 'path_refused' })
      expect(await call(readFileTool, { path }, { ports }), path).toMatchObject({ code: 'path_refused' })
    }
  const seen = await call(listFilesTool, { glob: '**' }, { ports: { closed } })
  expect(seen).toMatchObject({ output: { entries: [{ path: 'a.md' }] } })
  expect(await call(searchFilesTool, { pattern: 'canary' }, { ports: { closed } })).toMatchObject({
    output: { matches: [] },
  })
  const ports = { closed, open: { read: [join(cwd, 'ours/deep')], write: [] } }
  expect(await call(readFileTool, { path: 'ours/deep/keys' }, { ports })).toMatchObject({ ok: true })
  expect(await call(readFileTool, { path: 'ours/policy.yaml' }, { ports })).toMatchObject({ code: 'path_refused' })
})

test('pipes, folders and devices are no files, and nobody waits for them', async () => {
  const { cwd, call } = await makeYard()
  await mkdir(join(cwd, 'folder'))
  const { signal } = new AbortController()
  const made = await runProcess({ program: 'mkfifo', args: ['pipe'], cwd, env: { PATH: '/usr/bin:/bin' }, signal })
  expect(made.exit).toBe(0)
  for (const path of ['folder', 'pipe']) {
    expect(await call(readFileTool, { path })).toMatchObject({ code: 'file_unreadable' })
    expect(await call(writeFileTool, { path, content: 'x' })).toMatchObject({ code: 'file_unreadable' })
  }
  expect(await call(searchFilesTool, { pattern: 'x' })).toMatchObject({ ok: true })
})
