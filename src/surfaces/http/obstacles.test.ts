import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectHttp } from '../mcp/mcp.fixture.ts'
import { makeServedProject, openServer, type Served } from './serve.fixture.ts'

const make = (name: string, agent: string) => `name: ${name}\ndescription: Does.\nagents:\n- { name: a, ${agent} }\n`
const CASES: readonly (readonly [name: string, agent: string, status: string | undefined])[] = [
  ['fine', 'model_profile: p', undefined],
  ['ghost', 'model_profile: nobody', 'missing_profile'],
  ['unkeyed', 'model_profile: far', 'provider_unavailable'],
  ['direct', 'provider: nowhere, model: m', 'provider_unavailable'],
  ['scripted', 'script: scripts/none.py', 'missing_script'],
  ['nesting', 'ensemble: absent', 'missing_ensemble'],
  ['saved', 'model_profile: far, fallback: p', undefined],
  ['local', 'model_profile: near', undefined],
]
let server: Served

beforeAll(async () => {
  const files = CASES.map(([name, agent]) => [`ensembles/${name}.yaml`, make(name, agent)])
  const config = `
model_profiles:
  p: { provider: scripted, model: rehearsal }
  far: { provider: anthropic, model: m }
  near: { provider: ollama, model: m }
`
  server = await openServer(makeServedProject({ 'config.yaml': config, ...Object.fromEntries(files) }))
})
afterAll(() => server.close())

type Marked = { readonly runnable?: boolean; readonly reasons?: readonly { readonly status: string }[] }
const marks = <T extends Marked>(all: readonly T[], nameOf: (one: T) => string) =>
  CASES.map(([name]) => {
    const one = all.find((each) => nameOf(each) === name)
    expect(one).toBeDefined()
    expect(one?.runnable).toBe(one?.reasons === undefined ? undefined : false)
    return [name, one?.reasons?.[0]?.status]
  })
const expected = CASES.map(([name, , status]) => [name, status])

test('lists say which ensembles could not run here, and why; no server is asked for it', async () => {
  const { ensembles } = (await (await server.ask('/v1/ensembles')).json()) as {
    ensembles: readonly (Marked & { readonly name: string })[]
  }
  expect(marks(ensembles, ({ name }) => name)).toEqual(expected)
  const { data } = (await (await server.ask('/v1/models')).json()) as {
    data: readonly (Marked & { readonly id: string })[]
  }
  expect(marks(data, ({ id }) => id.replace('ensemble/', ''))).toEqual(expected)
  expect(data.find(({ id }) => id === 'far')).toMatchObject({ runnable: false })
  expect(data.find(({ id }) => id === 'p')).not.toHaveProperty('runnable')
  expect(server.violations).toEqual([])
})

test('the tools over MCP stay the same, and say it', async () => {
  const client = await connectHttp(server, { era: 'legacy' })
  const { tools } = await client.listTools()
  const said = CASES.map(([name]) => [name, tools.find((tool) => tool.name === `ensemble_${name}`)?.description ?? ''])
  expect(said.map(([name, description]) => [name, description?.includes('cannot run now')])).toEqual(
    CASES.map(([name, , status]) => [name, status !== undefined]),
  )
  expect(said.find(([name]) => name === 'ghost')?.[1]).toContain('there is no model profile "nobody"')
  await client.close()
})
