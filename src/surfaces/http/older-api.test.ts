import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeServedProject, openServer, type Served } from './serve.fixture.ts'

/** What programs of LLM Orchestra read from its addresses: the forms of its MCP tools and resources. */

const FILES = {
  'ensembles/pair.yaml':
    'name: pair\ndescription: Two agents.\nagents:\n- {name: one, model_profile: p}\n- {name: two, model_profile: p, depends_on: [one]}\n',
  'ensembles/bad.yaml': 'name: bad\ndescription: d\nagents:\n- {name: one, model_profile: p, depends_on: [nobody]}\n',
  'scripts/text/shout.py':
    '"""Makes it loud."""\nimport json, sys\nprint(json.dumps({"success": True, "data": "LOUD"}))\n',
}

let server: Served
beforeAll(async () => {
  server = await openServer(makeServedProject(FILES))
})
afterAll(async () => {
  await server?.close()
})

async function read(path: string, method = 'GET'): Promise<unknown> {
  const answer = await server.ask(path, { method })
  expect(answer.status, path).toBe(200)
  return answer.json()
}

test('ensembles', async () => {
  expect(await read('/api/ensembles')).toContainEqual({
    name: 'pair',
    source: 'project',
    agent_count: 2,
    description: 'Two agents.',
  })
  expect(await read('/api/ensembles/pair')).toEqual({
    name: 'pair',
    description: 'Two agents.',
    agents: [
      { name: 'one', model_profile: 'p', model: 'scripted/rehearsal', depends_on: [] },
      { name: 'two', model_profile: 'p', model: 'scripted/rehearsal', depends_on: ['one'] },
    ],
  })
  expect(await read('/api/ensembles/pair/validate', 'POST')).toEqual({
    valid: true,
    details: { errors: [], warnings: [], agent_count: 2 },
  })
  expect(await read('/api/ensembles/bad/validate', 'POST')).toMatchObject({
    valid: false,
    details: { errors: [expect.stringContaining('nobody')] },
  })
  expect(await read('/api/ensembles/pair/runnable')).toMatchObject({
    ensemble: 'pair',
    runnable: true,
    agents: [{ name: 'one', profile: 'p', provider: 'scripted', status: 'available', alternatives: [] }, {}],
  })
  const missing = await server.ask('/api/ensembles/nothing')
  expect(missing.status).toBe(404)
  expect(await missing.json()).toMatchObject({ error: 'there is no ensemble "nothing"' })
})

test('profiles and scripts', async () => {
  expect(await read('/api/profiles')).toEqual([{ name: 'p', provider: 'scripted', model: 'rehearsal' }])
  const path = expect.stringContaining('shout.py')
  const { scripts } = (await read('/api/scripts')) as { readonly scripts: readonly object[] }
  expect(scripts).toContainEqual({ name: 'shout.py', category: 'text', path })
  // By its name alone, as those programs call it, and by the name that the list has.
  for (const name of ['shout', 'shout.py']) {
    expect(await read(`/api/scripts/text/${name}`)).toEqual({
      name: 'shout.py',
      category: 'text',
      path,
      description: 'Makes it loud.',
      source: FILES['scripts/text/shout.py'],
    })
    const tested = await server.post(`/api/scripts/text/${name}/test`, { input: 'x' })
    expect(await tested.json()).toMatchObject({
      success: true,
      stdout: expect.stringContaining('LOUD'),
      stderr: '',
      return_code: 0,
    })
  }
})

test('artifacts', async () => {
  expect((await server.post('/api/ensembles/pair/execute', { input: 'hello' })).status).toBe(200)
  const [kept] = (await read('/api/artifacts/pair')) as readonly { readonly id: string }[]
  expect(kept).toEqual({
    id: kept?.id,
    timestamp: expect.any(String),
    status: 'completed',
    duration: expect.any(Number),
    agent_count: 2,
  })
  const place = `/api/artifacts/pair/${kept?.id}`
  expect(await read('/api/artifacts')).toContainEqual({
    name: 'pair',
    executions_count: 1,
    latest_execution: kept?.id,
  })
  expect(await read(place)).toMatchObject({ ensemble: 'pair', status: 'completed', input: { data: 'hello' } })
  expect(await read(`${place}/analyze`, 'POST')).toMatchObject({
    analysis: { total_agents: 2, successful_agents: 2, failed_agents: 0 },
    metrics: { agent_success_rate: 1 },
  })
  expect(await read(place, 'DELETE')).toEqual({ deleted: true, artifact_id: `pair/${kept?.id}` })
  expect((await server.ask(place)).status).toBe(404)
  expect(server.violations).toEqual([])
})
