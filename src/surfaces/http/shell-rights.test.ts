/** What the guide says of two rights together: they are a shell. Should this ever fail, the guide is to be changed. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bearer, makeKey } from './access.fixture.ts'
import { makeServedProject, openServer, type Served } from './serve.fixture.ts'

let server: Served

beforeAll(async () => {
  server = await openServer(makeServedProject())
})

afterAll(() => server.close())

test('S09 a key that may write and run can run a script that it wrote; one of the two is not enough', async () => {
  const { key } = await makeKey(server.app, 'both', { scopes: ['read', 'write', 'run'] })
  const writer = await makeKey(server.app, 'writer', { scopes: ['read', 'write'] })
  const runner = await makeKey(server.app, 'runner', { scopes: ['read', 'run'] })
  const rest = { description: 'd', agents: [{ name: 'one', script: 'echo from the shell' }] }
  expect((await server.post('/v1/ensembles/shell/create', rest, bearer(runner.key))).status).toBe(403)
  const written = await server.post('/v1/ensembles/shell/create', rest, bearer(key))
  expect([written.status, await written.text()]).toEqual([200, expect.stringContaining('shell')])
  const wish = { target: 'shell', input: 'x' }
  expect((await server.post('/v1/runs?wait=true', wish, bearer(writer.key))).status).toBe(403)
  expect(await (await server.post('/v1/runs?wait=true', wish, bearer(key))).text()).toContain('from the shell')
})
