import type { Client } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeServedProject, openServer, type Served } from '../http/serve.fixture.ts'
import { callTool, connectHttp } from './mcp.fixture.ts'

let served: Served
let client: Client
beforeAll(async () => {
  served = await openServer(makeServedProject())
  client = await connectHttp(served, { era: 'auto' })
})
afterAll(async () => {
  await client.close()
  await served.close()
})
const call = (name: string, given: Record<string, unknown>) => callTool(client, name, given)

test('what was just written is there for the next call', async () => {
  for (let round = 0; round < 3; round++) {
    await call('create_profile', { name: 'fresh', provider: 'scripted', model: 'x' })
    expect((await call('update_profile', { name: 'fresh', changes: { model: 'y' } })).failed).toBe(false)
    expect((await call('list_profiles', {})).data).toMatchObject({
      profiles: expect.arrayContaining([expect.objectContaining({ name: 'fresh', model: 'y' })]),
    })
    expect((await call('delete_profile', { name: 'fresh', confirm: true })).failed).toBe(false)
  }
})

test('changes that come together are all kept', async () => {
  const agent = (name: string) => ({ name, model_profile: 'p' })
  await call('create_ensemble', { name: 'crowd', description: 'd', agents: [agent('first')] })
  const names = Array.from({ length: 8 }, (_, index) => `a${index}`)
  const changed = await Promise.all(
    names.map((name) =>
      call('update_ensemble', { ensemble_name: 'crowd', changes: { add_agents: [agent(name)] }, dry_run: false }),
    ),
  )
  expect(changed.map(({ failed }) => failed)).not.toContain(true)
  expect((await call('validate_ensemble', { ensemble_name: 'crowd' })).data).toMatchObject({
    details: { agent_count: 9 },
  })
})

test('a profile or settings that cannot be used are told of', async () => {
  served.write('profiles/odd.yaml', 'name: odd\nmodel: 5\n')
  await expect
    .poll(async () => (await call('list_profiles', {})).data['problems'])
    .toEqual(expect.arrayContaining([expect.stringMatching(/odd\.yaml:\d+:\d+: profile "odd": provider is missing/)]))
  served.write('config.yaml', 'serve: [')
  await expect
    .poll(async () => (await call('get_provider_status', {})).data['problems'])
    .toEqual(expect.arrayContaining([expect.stringContaining('config.yaml:')]))
})

test('a copy that replaces a file keeps it as it was', async () => {
  const wish = { source: 'code-review', destination: 'mine/review.yaml', overwrite: true }
  expect((await call('library_copy', wish)).data['backup']).toBeUndefined()
  expect((await call('library_copy', wish)).data['backup']).toMatch(/review\.yaml\..+\.bak$/)
})

test('arguments that do not fit are named as what they are', async () => {
  expect((await call('invoke', { name: 'x' })).text).toContain('what was given lacks ensemble_name')
  for (const artifact_id of ['zzz', '/x', 'two/'])
    expect((await call('analyze_execution', { artifact_id })).text).toContain('artifact_id is ENSEMBLE/ID')
})
