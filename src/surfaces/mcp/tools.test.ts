import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Desk, makeServedProject, openServer, type Served } from '../http/serve.fixture.ts'
import { callTool, connectHttp, connectStdio, type Era, readJson } from './mcp.fixture.ts'

const TWO = `# kept
name: two
description: Two agents. # and this
agents:
  - name: a
    model_profile: p # the fast one
  - { name: b, model_profile: p, depends_on: [a] }
`
const NAMES =
  'invoke list_ensembles validate_ensemble update_ensemble analyze_execution get_provider_status check_ensemble_runnable create_ensemble delete_ensemble list_profiles create_profile update_profile delete_profile list_scripts get_script test_script create_script delete_script library_browse library_copy library_search library_info delete_artifact cleanup_artifacts get_help'

const WAYS: readonly (readonly [string, 'http' | 'stdio', Era])[] = [
  ['HTTP, 2025-11-25', 'http', 'legacy'],
  ['HTTP, 2026-07-28', 'http', 'auto'],
  ['stdio, 2025-11-25', 'stdio', 'legacy'],
  ['stdio, 2026-07-28', 'stdio', 'auto'],
]

describe.each(WAYS)('every tool and resource, over %s', (_, transport, era) => {
  let desk: Desk
  let served: Served | undefined
  let client: Client
  beforeAll(async () => {
    desk = makeServedProject({ 'ensembles/two.yaml': TWO })
    served = transport === 'http' ? await openServer(desk) : undefined
    client = served ? await connectHttp(served, { era }) : await connectStdio(desk, { era })
  })
  afterAll(async () => {
    await client.close()
    await served?.close()
  })
  const call = <T>(name: string, given?: Record<string, unknown>) => callTool<T>(client, name, given)
  const file = (path: string) => join(desk.cwd, '.llm-orc', path)

  test('the 25 tools are there, and each ensemble is one', async () => {
    expect(client.getNegotiatedProtocolVersion()).toBe(era === 'auto' ? '2026-07-28' : '2025-11-25')
    const { tools } = await client.listTools()
    const names = tools.map(({ name }) => name)
    expect(NAMES.split(' ').filter((name) => !names.includes(name))).toEqual([])
    expect(NAMES.split(' ')).toHaveLength(25)
    expect(names).toContain('ensemble_two')
    expect(names.every((name) => /^[A-Za-z0-9_-]{1,64}$/.test(name))).toBe(true)
  })

  test('invoke runs an ensemble, takes both spellings and tells how it goes', async () => {
    const told: string[] = []
    const result = await client.callTool(
      { name: 'invoke', arguments: { ensemble_name: 'two', input_data: 'tea' } },
      { onprogress: ({ message = '' }) => void told.push(message) },
    )
    expect(result.structuredContent).toMatchObject({
      results: { a: { response: 'tea', status: 'success' } },
      synthesis: null,
      status: 'completed',
    })
    expect(told).toEqual(
      expect.arrayContaining(['execution_started', 'agent_started: a', 'agent_completed: b', 'execution_completed']),
    )
    const { data } = await call<{ results: { a: object } }>('invoke', { ensemble_name: 'two', input: 'coffee' })
    expect(data.results.a).toMatchObject({ response: 'coffee' })
    const own = await call('ensemble_two', { input: 'water' })
    expect(own.text).toContain('water')
    expect((await call('invoke', { ensemble_name: 'none' })).failed).toBe(true)
  })

  test('ensembles are made, checked, changed with a preview and a backup, and deleted when confirmed', async () => {
    const made = await call<{ path: string; agents_copied: number }>('create_ensemble', {
      name: 'three',
      description: 'More.',
      agents: [{ name: 'c', model_profile: 'gone' }],
      from_template: 'two',
    })
    expect(made.data).toMatchObject({ created: true, agents_copied: 2 })
    expect(existsSync(made.data.path)).toBe(true)
    expect((await call('create_ensemble', { name: 'three', agents: [{ name: 'x', model_profile: 'p' }] })).failed).toBe(
      true,
    )
    const checked = await call<{ valid: boolean; details: { errors: string[] } }>('validate_ensemble', {
      ensemble_name: 'three',
    })
    expect(checked.data).toMatchObject({ valid: false, details: { agent_count: 3 } })
    const runnable = await call<{ agents: object[] }>('check_ensemble_runnable', { ensemble_name: 'three' })
    expect(runnable.data).toMatchObject({ ensemble: 'three', runnable: false })
    expect(runnable.data.agents.at(-1)).toMatchObject({ name: 'c', status: 'missing_profile', alternatives: ['p'] })

    const change = {
      ensemble_name: 'two',
      changes: { modify_agents: { a: { temperature: 0 } }, add_agents: [{ name: 'd', model_profile: 'p' }] },
    }
    const before = readFileSync(file('ensembles/two.yaml'), 'utf8')
    expect((await call('update_ensemble', change)).data).toMatchObject({ modified: false, backup_created: false })
    expect(readFileSync(file('ensembles/two.yaml'), 'utf8')).toBe(before)
    expect((await call('update_ensemble', { ...change, dry_run: false })).data).toMatchObject({
      modified: true,
      backup_created: true,
    })
    const after = readFileSync(file('ensembles/two.yaml'), 'utf8')
    for (const kept of ['# kept', '# and this', '# the fast one', 'temperature: 0', 'name: d'])
      expect(after).toContain(kept)
    const copies = readdirSync(file('ensembles')).filter((name) => name.endsWith('.bak'))
    expect(copies.map((name) => readFileSync(file(`ensembles/${name}`), 'utf8'))).toContain(before)
    expect(
      (await call('update_ensemble', { ensemble_name: 'two', changes: { agents: 'none' }, dry_run: false })).failed,
    ).toBe(true)
    expect(readFileSync(file('ensembles/two.yaml'), 'utf8')).toBe(after)

    expect((await call('delete_ensemble', { ensemble_name: 'three' })).failed).toBe(true)
    expect(existsSync(made.data.path)).toBe(true)
    expect((await call('delete_ensemble', { ensemble_name: 'three', confirm: true })).data).toMatchObject({
      deleted: true,
    })
    expect(existsSync(made.data.path)).toBe(false)
    expect((await call('delete_ensemble', { ensemble_name: 'code-review', confirm: true })).failed).toBe(true)
  })

  test('hints name tools and arguments, not commands', async () => {
    await call('create_profile', { name: 'once', provider: 'scripted', model: 'm' })
    const again = await call('create_profile', { name: 'once', provider: 'scripted', model: 'm' })
    expect(again.text).toMatch(/Change it with: the tool update_profile$/)
    expect((await call('delete_profile', { name: 'once' })).text).toMatch(/Add confirm: true to do it\.$/)
    expect((await call('delete_profile', { name: 'once', confirm: true })).failed).toBe(false)
  })

  test('profiles are made, can be used at once, changed and removed', async () => {
    expect((await call('create_profile', { name: 'q', provider: 'scripted', model: 'm' })).data).toMatchObject({
      created: true,
    })
    await expect
      .poll(async () =>
        (await call<{ profiles: { name: string }[] }>('list_profiles')).data.profiles.map(({ name }) => name),
      )
      .toContain('q')
    expect((await call('update_profile', { name: 'q', changes: { temperature: 0.5 } })).data).toMatchObject({
      updated: true,
    })
    expect((await call('update_profile', { name: 'q', changes: { temperature: 'hot' } })).failed).toBe(true)
    expect(readFileSync(file('profiles/q.yaml'), 'utf8')).toContain('temperature: 0.5')
    await call('create_ensemble', { name: 'useq', agents: [{ name: 'a', model_profile: 'q' }] })
    expect((await call('invoke', { ensemble_name: 'useq', input: 'x' })).data).toMatchObject({ status: 'completed' })
    expect((await call('delete_profile', { name: 'q' })).failed).toBe(true)
    expect((await call('delete_profile', { name: 'q', confirm: true })).data).toMatchObject({
      deleted: true,
      name: 'q',
    })
    expect(existsSync(file('profiles/q.yaml'))).toBe(false)
  })

  test('scripts are made, tried, shown and deleted', async () => {
    expect((await call('create_script', { name: 'echo', category: 'text' })).data).toMatchObject({
      created: true,
      template: 'basic',
    })
    const tried = await call<{ stdout: string }>('test_script', { name: 'echo', category: 'text', input: 'hello' })
    expect(tried.data).toMatchObject({ success: true, return_code: 0 })
    expect(tried.data.stdout).toContain('hello')
    expect((await call('get_script', { name: 'echo', category: 'text' })).data).toMatchObject({
      source: expect.stringContaining('Safety: pure'),
    })
    const { scripts } = (
      await call<{ scripts: { name: string }[] }>('list_scripts', { category: 'primitives/file-ops' })
    ).data
    expect(scripts.map(({ name }) => name)).toContain('read_file.mjs')
    expect((await call('delete_script', { name: 'echo', category: 'text' })).failed).toBe(true)
    expect((await call('delete_script', { name: 'echo', category: 'text', confirm: true })).data).toMatchObject({
      deleted: true,
    })
  })

  test('the library is browsed, searched and copied from', async () => {
    expect((await call('library_info')).data).toMatchObject({ exists: true, ensembles_count: expect.any(Number) })
    const { ensembles } = (
      await call<{ ensembles: { name: string }[] }>('library_browse', { browse_type: 'ensembles' })
    ).data
    expect(ensembles.map(({ name }) => name)).toContain('code-review')
    expect((await call('library_search', { query: 'review' })).data).toMatchObject({
      query: 'review',
      total: expect.any(Number),
    })
    expect((await call('library_copy', { source: 'code-review', destination: 'mine/review' })).data).toMatchObject({
      copied: true,
    })
    expect(existsSync(file('ensembles/mine/review.yaml'))).toBe(true)
    expect((await call('library_copy', { source: 'code-review', destination: 'mine/review' })).failed).toBe(true)
    expect(
      (await call('library_copy', { source: 'code-review', destination: 'mine/review', overwrite: true })).failed,
    ).toBe(false)
  })

  test('executions are listed, analysed, measured and deleted; providers and help tell', async () => {
    const listed = await readJson<{ id: string; status: string; agent_count: number }[]>(
      client,
      'llm-orc://artifacts/two',
    )
    expect(listed[0]).toMatchObject({ status: 'completed' })
    const id = `two/${listed[0]?.id}`
    expect((await call('analyze_execution', { artifact_id: id })).data).toMatchObject({
      analysis: { failed_agents: 0 },
      metrics: { agent_success_rate: 1 },
    })
    expect(await readJson(client, `llm-orc://artifact/${id}`)).toMatchObject({ ensemble: 'two', status: 'completed' })
    expect(await readJson(client, 'llm-orc://metrics/two')).toMatchObject({
      success_rate: 1,
      total_executions: listed.length,
    })
    expect((await call('cleanup_artifacts', { older_than_days: 0 })).data).toMatchObject({
      dry_run: true,
      would_delete: expect.any(Array),
    })
    expect((await call('delete_artifact', { artifact_id: id })).failed).toBe(true)
    expect((await call('delete_artifact', { artifact_id: id, confirm: true })).data).toEqual({
      deleted: true,
      artifact_id: id,
    })
    expect(
      (await call('cleanup_artifacts', { ensemble_name: 'two', older_than_days: 0, dry_run: false })).data,
    ).toMatchObject({
      count: listed.length - 1,
    })
    expect((await call<{ providers: object }>('get_provider_status')).data.providers).toMatchObject({
      embedded: { available: true },
    })
    expect(Object.keys((await call<object>('get_help')).data)).toEqual(
      expect.arrayContaining(['overview', 'directory_structure', 'schemas', 'tools', 'workflows']),
    )
  })

  test('resources, templates, prompts and completions', async () => {
    expect((await client.listResources()).resources.map(({ uri }) => uri)).toEqual([
      'llm-orc://ensembles',
      'llm-orc://profiles',
    ])
    expect((await client.listResourceTemplates()).resourceTemplates).toHaveLength(4)
    const listed = (await call<{ ensembles: object[] }>('list_ensembles')).data.ensembles
    expect(await readJson(client, 'llm-orc://ensembles')).toEqual(listed)
    expect(await readJson(client, 'llm-orc://ensemble/two')).toMatchObject({
      name: 'two',
      agents: expect.arrayContaining([expect.objectContaining({ name: 'b', model_profile: 'p', depends_on: ['a'] })]),
    })
    expect(await readJson(client, 'llm-orc://profiles')).toContainEqual({
      name: 'p',
      provider: 'scripted',
      model: 'rehearsal',
    })
    await expect(readJson(client, 'llm-orc://ensemble/none')).rejects.toThrow()
    const { messages } = await client.getPrompt({ name: 'run-ensemble', arguments: { ensemble: 'two', input: 'tea' } })
    expect(JSON.stringify(messages)).toContain('two')
    const complete = async (argument: string, value: string) =>
      (
        await client.complete({
          ref: { type: 'ref/prompt', name: argument === 'profile' ? 'design-ensemble' : 'run-ensemble' },
          argument: { name: argument, value },
        })
      ).completion.values
    expect(await complete('ensemble', 'tw')).toEqual(['two'])
    expect(await complete('profile', '')).toContain('p')
  })

  test('names and addresses lead nowhere else (S17)', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'llm-orc-outside-'))
    writeFileSync(join(outside, 'secret.yaml'), 'name: secret\nagents: [{ name: a, model_profile: p }]\n')
    mkdirSync(file('scripts'), { recursive: true })
    symlinkSync(outside, file('scripts/out'))
    const paths = [
      '../../escaped',
      '/etc/passwd',
      `${outside}/secret.yaml`,
      '..%2f..%2fx',
      'a\\..\\..\\x',
      '~/x',
      '.hidden',
      'a\0b',
      'nul',
    ]
    for (const path of paths) {
      const tries: readonly (readonly [string, Record<string, unknown>])[] = [
        ['invoke', { ensemble_name: path }],
        ['validate_ensemble', { ensemble_name: path }],
        ['check_ensemble_runnable', { ensemble_name: path }],
        ['create_ensemble', { name: path, agents: [{ name: 'a', model_profile: 'p' }] }],
        ['update_ensemble', { ensemble_name: path, changes: { description: 'x' }, dry_run: false }],
        ['delete_ensemble', { ensemble_name: path, confirm: true }],
        ['create_profile', { name: path, provider: 'scripted', model: 'm' }],
        ['get_script', { name: path }],
        ['test_script', { name: path }],
        ['create_script', { name: path, category: 'text' }],
        ['create_script', { name: 'x', category: path }],
        ['delete_script', { name: path, category: 'text', confirm: true }],
        ['library_copy', { source: path }],
        [
          'library_copy',
          { source: 'code-review', destination: path === '.hidden' ? '../.hidden' : path, overwrite: true },
        ],
        ['analyze_execution', { artifact_id: `${path}/20260101-000000-000` }],
        ['delete_artifact', { artifact_id: `${path}/latest`, confirm: true }],
      ]
      for (const [name, given] of tries)
        expect((await call(name, given)).failed, `${name} ${JSON.stringify(given)}`).toBe(true)
      for (const kind of ['ensemble', 'artifacts', 'artifact'])
        await expect(
          readJson(client, `llm-orc://${kind}/${encodeURIComponent(path)}/x`),
          `${kind} ${path}`,
        ).rejects.toThrow()
    }
    expect((await call('create_script', { name: 'x', category: 'out' })).failed).toBe(true)
    expect(readdirSync(outside)).toEqual(['secret.yaml'])
    expect((await call('invoke', { ensemble_name: 'two', surprise: 1 })).failed).toBe(true)
  })
})
