import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readEnvironment } from '../config/env.ts'
import { readProfiles } from '../config/profiles.ts'
import { makeWorld } from '../config/world.fixture.ts'
import { OrcError } from '../events/errors.ts'
import { createModels } from './models.ts'

const KEY = 'sk-of-the-user-0123456789'

describe('S05 keys and the addresses of a project', () => {
  let server: Server
  let far: string
  let near: string
  let seen: string[] = []
  beforeAll(async () => {
    server = createServer(({ headers }, response) => {
      seen.push(String(headers.authorization ?? 'none'))
      response.setHeader('content-type', 'application/json').end('{"data": [{"id": "m"}]}')
    })
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
    const { port } = server.address() as AddressInfo
    // It leads to this machine, and is not one of its names.
    far = `http://0.0.0.0:${port}/v1`
    near = `http://127.0.0.1:${port}/v1`
  })
  afterAll(() => void server.close())
  beforeEach(() => {
    seen = []
  })

  /** Asks for the list of models, and says which keys the server saw. */
  async function ask(
    files: { readonly [path: string]: string },
    {
      name = 'office',
      env: more = {},
    }: { readonly name?: string; readonly env?: { readonly [name: string]: string } } = {},
  ) {
    const world = await makeWorld()
    const fill = (text: string) => text.replace('PROJECT', world.project)
    await world.write(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, fill(text)])))
    const env = { HOME: world.home, ...more }
    const config = await world.config({ env })
    const environment = await readEnvironment(config.paths, env)
    const models = createModels({ config, env: environment, profiles: await readProfiles(config) })
    const provider = await models.provider({ provider: name })
    const failure = await provider?.models(AbortSignal.timeout(5_000)).then(
      () => '',
      (error: unknown) => (error instanceof OrcError ? error.message : String(error)),
    )
    const state = (await models.describeProviders()).find(({ provider: each }) => each === name)
    return { seen, failure, state, account: models.account({ provider: name }) }
  }

  const office = (url: string) =>
    `providers: { office: { type: openai-compatible, base_url: "${url}", api_key_env: MINE } }\n`
  const env = { MINE: KEY, OPENAI_API_KEY: KEY }

  test('a key of the user does not go to an address that only the project names', async () => {
    expect((await ask({ '@/config.yaml': office(far) }, { env })).seen).toEqual(['none', 'none'])
    const half = { '@/config.yaml': `providers: { office: { base_url: "${far}" } }\n`, '~/config.yaml': office(near) }
    const asked = await ask(half, { env })
    expect(new Set(asked.seen)).toEqual(new Set(['none']))
    expect(asked.account).not.toHaveProperty('key_name')
  })

  test('neither by a variable of its .env; what is missing is said', async () => {
    const { state, failure, ...asked } = await ask({ 'work/.env': `OPENAI_BASE_URL=${far}\n` }, { env, name: 'openai' })
    expect(asked.seen).toEqual([])
    expect(failure).toContain('The known key belongs to another address')
    expect(state).toMatchObject({ available: false, reason: expect.stringContaining('OPENAI_API_KEY is not given') })
  })

  test.each<[string, (far: string, near: string) => { readonly [path: string]: string }]>([
    ['the user names it', (url) => ({ '~/config.yaml': office(url) })],
    ['the user names it as well', (url) => ({ '~/config.yaml': office(url), '@/config.yaml': office(url) })],
    ['it is on this machine', (_, url) => ({ '@/config.yaml': office(url) })],
    [
      'the project is trusted',
      (url) => ({ '@/config.yaml': office(url), '~/policy.yaml': 'trusted_projects: [PROJECT]\n' }),
    ],
  ])('it goes where %s', async (_, files) => {
    expect((await ask(files(far, near), { env })).seen).toEqual([`Bearer ${KEY}`, `Bearer ${KEY}`])
  })

  test('a key of the project goes where the project says', async () => {
    const files = { '@/config.yaml': office(far), 'work/.env': 'MINE=sk-of-the-project-012345\n' }
    expect((await ask(files)).seen).toEqual(['Bearer sk-of-the-project-012345', 'Bearer sk-of-the-project-012345'])
  })
})
