import { mkdir, mkdtemp, realpath, symlink, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { describeCall } from '../trust/call.ts'
import { createLocate } from './locate.ts'
import { loadPolicy } from './policy.ts'

async function makeProject() {
  const project = await realpath(await mkdtemp(join(tmpdir(), 'locate-')))
  await mkdir(join(project, 'secret'))
  await mkdir(join(project, 'docs'))
  await symlink('../secret', join(project, 'docs', 'link'))
  return project
}

test('every way to write a path of the project leads to the same place', async () => {
  const project = await makeProject()
  const locate = createLocate(project)
  const whole = join(project, 'secret/a')
  for (const way of ['secret/a', './secret//a', `../${basename(project)}/secret/a`, whole, pathToFileURL(whole).href])
    expect(locate(way), way).toEqual([['secret/a', whole]])
  expect(locate('docs/link/a')).toEqual([
    ['docs/link/a', join(project, 'docs/link/a')],
    ['secret/a', whole],
  ])
  expect(locate('..')).toEqual([[tmpdir()]])
  expect(locate('~/a')).toEqual([[join(homedir(), 'a')]])
  const linked = `${project}-link`
  await symlink(project, linked)
  expect(createLocate(linked)('secret/a').flat()).toEqual(expect.arrayContaining(['secret/a', whole]))
})

test('rules about paths hold for whole paths, ways around and links', async () => {
  const project = await makeProject()
  const config = await mkdtemp(join(tmpdir(), 'locate-'))
  const rules = [
    { tool: 'read_file', path: 'secret/**', decision: 'deny' },
    { tool: 'bash', path: 'secret/**', decision: 'deny' },
    { tool: 'write_file', path: 'docs/**', decision: 'allow' },
  ]
  await writeFile(join(config, 'policy.yaml'), JSON.stringify({ rules }))
  const none = join(config, 'none')
  const ours = { config, data: none, state: none, cache: none, system: none, legacy: [], extra: [] }
  const paths = { ...ours, project, project_dir: join(project, '.llm-orc'), cwd: project }
  const { explain } = await loadPolicy({ paths: paths as unknown as Parameters<typeof loadPolicy>[0]['paths'] })
  const decide = (tool: string, args: Parameters<typeof describeCall>[1], safety = 'pure') =>
    explain(describeCall(tool, args, { safety })).decision
  for (const path of ['secret/a', join(project, 'secret/a'), `../${basename(project)}/secret/a`, 'docs/link/a']) {
    expect(decide('read_file', { path }), path).toBe('deny')
    expect(decide('bash', { command: `cat ${path}` }), path).toBe('deny')
  }
  expect(decide('write_file', { path: join(project, 'docs/a') }, 'unsafe')).toBe('allow')
  expect(decide('write_file', { path: 'docs/link/a' }, 'unsafe')).toBe('ask')
})
