import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findPaths } from './paths.ts'
import { makeWorld } from './world.fixture.ts'

describe('places', () => {
  it('follows the XDG folders, each with our own folder inside', async () => {
    const { home, paths } = await makeWorld()
    expect(await paths()).toMatchObject({
      config: join(home, '.config/llm-orchestrator'),
      data: join(home, '.local/share/llm-orchestrator'),
      state: join(home, '.local/state/llm-orchestrator'),
      cache: join(home, '.cache/llm-orchestrator'),
    })
    const env = { XDG_CONFIG_HOME: '/c', XDG_DATA_HOME: '/d', XDG_STATE_HOME: '/s', XDG_CACHE_HOME: '/k' }
    expect(await paths({ env })).toMatchObject({
      config: '/c/llm-orchestrator',
      data: '/d/llm-orchestrator',
      state: '/s/llm-orchestrator',
      cache: '/k/llm-orchestrator',
    })
  })

  it('B17 ignores relative and empty XDG values', async () => {
    const { home, paths } = await makeWorld()
    const found = await paths({ env: { HOME: home, XDG_CONFIG_HOME: 'here', XDG_DATA_HOME: '' } })
    expect(found.config).toBe(join(home, '.config/llm-orchestrator'))
    expect(found.data).toBe(join(home, '.local/share/llm-orchestrator'))
  })

  it('B17 asks the system for the home folder when HOME is unset or relative', async () => {
    const { paths } = await makeWorld()
    for (const env of [{}, { HOME: 'relative' }, { HOME: '' }])
      expect((await paths({ env })).config).toMatch(/^\/.*llm-orchestrator$/)
  })

  it('reads older homes: beside ours, in .config, and the dot-folder', async () => {
    const { home, paths } = await makeWorld()
    const env = { HOME: home, XDG_CONFIG_HOME: '/c' }
    expect((await paths({ env })).legacy).toEqual([
      '/c/llm-orc',
      join(home, '.config/llm-orc'),
      join(home, '.llm-orchestrator'),
    ])
    expect((await paths()).legacy).toEqual([join(home, '.config/llm-orc'), join(home, '.llm-orchestrator')])
  })

  it('has a system folder per platform', async () => {
    const { paths } = await makeWorld()
    expect((await paths({ platform: 'linux' })).system).toBe('/etc/llm-orchestrator')
    expect((await paths({ platform: 'darwin' })).system).toBe('/etc/llm-orchestrator')
    expect((await paths({ platform: 'win32' })).system).toContain('ProgramData')
  })

  it('needs no home folder when all places are given', async () => {
    const { project, library } = await makeWorld()
    const env = { XDG_CONFIG_HOME: '/c', XDG_DATA_HOME: '/d', XDG_STATE_HOME: '/s', XDG_CACHE_HOME: '/k' }
    expect((await findPaths({ cwd: project, env, library })).config).toBe('/c/llm-orchestrator')
  })

  // Only root can become a user whom the system does not know, and only where strangers may enter the folder of the runtime.
  it.skipIf(!mayBecomeStranger())('B17 says what to do when there is no home folder at all', () => {
    const module = JSON.stringify(new URL('paths.ts', import.meta.url).href)
    const program = `const { findPaths } = await import(${module})
      await findPaths({ cwd: '/', env: {}, library: '/l' }).catch((error) => console.log(JSON.stringify(error.problems)))`
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      uid: 54_321,
      env: {},
      cwd: '/',
    })
    expect(JSON.parse(out.toString())).toMatchObject([{ code: 'home_missing', hint: expect.stringContaining('HOME') }])
  })
})

function mayBecomeStranger(): boolean {
  try {
    execFileSync(process.execPath, ['--version'], { uid: 54_321, env: {}, cwd: '/', stdio: 'pipe' })
    accessSync(new URL('paths.ts', import.meta.url), constants.R_OK)
    return true
  } catch {
    return false
  }
}

describe('the project', () => {
  it('is the nearest folder above with a .llm-orc folder', async () => {
    const { project, root, paths } = await makeWorld({ 'work/a/b/file': '' })
    const inside = await paths({ cwd: join(project, 'a/b') })
    expect(inside.project).toBe(project)
    expect(inside.project_dir).toBe(join(project, '.llm-orc'))
    await mkdir(join(project, 'a/.llm-orc'))
    expect((await paths({ cwd: join(project, 'a/b') })).project).toBe(join(project, 'a'))
    expect((await paths({ cwd: root })).project).toBeUndefined()
  })

  it('is not a file of that name', async () => {
    const { project, paths } = await makeWorld()
    await mkdir(join(project, 'sub'))
    await writeFile(join(project, 'sub/.llm-orc'), '')
    expect((await paths({ cwd: join(project, 'sub') })).project).toBe(project)
  })

  it("is not a link to one of the user's own config folders", async () => {
    const { home, paths } = await makeWorld({ 'home/.config/llm-orc/config.yaml': 'project: {name: old}' })
    await symlink(join(home, '.config/llm-orc'), join(home, '.llm-orc'))
    await mkdir(join(home, 'code'))
    expect((await paths({ cwd: join(home, 'code') })).project).toBeUndefined()
    await rm(join(home, '.llm-orc'))
    await mkdir(join(home, '.llm-orc'))
    expect((await paths({ cwd: join(home, 'code') })).project).toBe(home)
  })
})

describe('library and extra places', () => {
  it('takes LLM_ORC_LIBRARY_PATH before a folder here, and that before one at the project', async () => {
    const { home, project, paths } = await makeWorld({ 'work/llm-orchestra-library/x': '', 'work/sub/x': '' })
    const sub = join(project, 'sub')
    expect((await paths({ cwd: sub })).library_override).toBe(join(project, 'llm-orchestra-library'))
    await mkdir(join(sub, 'llm-orchestra-library'))
    expect((await paths({ cwd: sub })).library_override).toBe(join(sub, 'llm-orchestra-library'))
    const env = { HOME: home, LLM_ORC_LIBRARY_PATH: '../lib' }
    expect((await paths({ cwd: sub, env })).library_override).toBe(join(project, 'lib'))
  })

  it('keeps --config-dir before LLM_ORC_CONFIG, relative to the current folder', async () => {
    const { home, project, paths } = await makeWorld()
    const env = { HOME: home, LLM_ORC_CONFIG: 'b.yaml', LLM_ORC_TEST_PRIMITIVES_DIR: 'prim' }
    const found = await paths({ env, config_dir: 'a' })
    expect(found.extra).toEqual([join(project, 'a'), join(project, 'b.yaml')])
    expect(found.test_primitives).toBe(join(project, 'prim'))
    expect((await paths()).extra).toEqual([])
  })
})
