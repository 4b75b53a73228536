/** S12: what one caller has is not there for another: every route of the OpenAPI document, every tool and resource of MCP, streams and sockets. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { bearer, type MadeKey, makeKey } from './access.fixture.ts'
import { fillPath, listRoutes, type Route, sampleOf } from './cases.fixture.ts'
import { makeServedProject, openServer, readStream, type Served } from './serve.fixture.ts'
import { API } from './server.ts'

const ECHO = 'name: echo\ndescription: says it again\nagents:\n- {name: one, model_profile: p}\n'
const ASKS = 'name: asks\ndescription: asks first\nagents:\n- {name: deploy, script: "echo gone"}\n'
const POLICY = "rules:\n- { tool: 'script(echo gone)', decision: ask }\n"
/** What only the owner may read. */
const CANARY = 'kingfisher-4711'
const ROUTES = listRoutes(API)
/** Those that name something of a caller's own. */
const OWN = ROUTES.filter(({ path }) => /\{(run|batch|execution|id)\}/.test(path))
/** Fields that name runs and batches in bodies and queries. */
const RUN_FIELDS = new Set(['a', 'b', 'baseline', 'other', 'run', 'runs', 'with'])

let server: Served
let ann: MadeKey
let bob: MadeKey
/** What belongs to Ann. */
let names: Record<string, string>
let marks: readonly string[]

const json = async <T>(response: Response) => (await response.json()) as T
const post = (path: string, key: string, body: object) => server.post(path, body, bearer(key))

beforeAll(async () => {
  server = await openServer(
    makeServedProject({ 'ensembles/echo.yaml': ECHO, 'ensembles/asks.yaml': ASKS, 'policy.yaml': POLICY }),
  )
  ann = await makeKey(server.app, 'ann', { scopes: ['read', 'run', 'write', 'approve'] })
  bob = await makeKey(server.app, 'bob', { scopes: ['read', 'run', 'write', 'approve'] })
  const long = `${CANARY} ${'and more '.repeat(800)}`
  const { run } = await json<{ run: string }>(
    await post('/v1/runs?wait=true', ann.key, { target: 'echo', input: long }),
  )
  const { run: resting } = await json<{ run: string }>(
    await post('/v1/runs?wait=true', ann.key, { target: 'asks', input: CANARY }),
  )
  const { batch } = await json<{ batch: string }>(
    await post('/v1/batches?wait=true', ann.key, { target: 'echo', inputs: [CANARY] }),
  )
  const { artifacts } = await json<{ artifacts: readonly { ensemble: string; id: string }[] }>(
    await server.ask('/v1/artifacts', { headers: bearer(ann.key) }),
  )
  const place = artifacts.find(({ ensemble }) => ensemble === 'echo')
  const [first] = await readStream(await server.ask(`/v1/runs/${run}/events`, { headers: bearer(ann.key) }))
  const sha256 = (JSON.parse(first?.data ?? '') as { data: { input: { sha256: string } } }).data.input.sha256
  const execution = place?.id as string
  names = { run, batch, execution, id: execution, sha256, ask: 'deploy', ensemble: 'echo', name: 'echo' }
  marks = [run, resting, batch, execution, CANARY]
  names['resting'] = resting
})

afterAll(async () => {
  await server.close()
  expect(server.violations).toEqual([])
})

/** The names in its address, its query and its body are those given; the rest is what the schema takes. */
async function askFor(route: Route, key: string, given: Record<string, string>): Promise<Response> {
  const own = /approvals/.test(route.path) ? { ...given, run: given['resting'] as string } : given
  const query = new URLSearchParams()
  for (const { name, in: place, required, schema } of route.described.parameters ?? [])
    if (place === 'query' && (required || RUN_FIELDS.has(name)))
      query.set(name, RUN_FIELDS.has(name) ? (own['run'] ?? '') : String(sampleOf(schema)))
  const body = route.body ? (sampleOf({ ...route.body, type: 'object' }) as Record<string, unknown>) : {}
  for (const [field, schema] of Object.entries(route.body?.properties ?? {}))
    if (RUN_FIELDS.has(field)) body[field] = schema.type === 'array' ? [own['run']] : own['run']
  const method = route.method.toUpperCase()
  // What would be deleted is named: really.
  if (OWN.includes(route) && method === 'DELETE') query.set('confirm', 'true')
  return fetch(`${server.url}${fillPath(route.path, own)}?${query}`, {
    method,
    headers: { ...bearer(key), 'content-type': 'application/json' },
    ...(['GET', 'DELETE'].includes(method) ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(8_000),
  })
}

/** Which of Ann's words stand in it. What was asked for may be named in a refusal. */
const leaksOf = (text: string, asked: readonly string[] = []) =>
  marks.filter((mark) => text.includes(mark) && !asked.includes(mark))

const label = ({ method, path }: Route) => `${method} ${path}`

describe('S12 runs, batches, artifacts, approvals and values of others', () => {
  test(`by name, on ${OWN.length} routes: as if they were not there`, { timeout: 60_000 }, async () => {
    const nothing = { ...names, run: '01nothing', resting: '01nothing', batch: '01nothing-batch' }
    const none = { ...nothing, execution: '20200101-000000-000', id: '20200101-000000-000' }
    const wrong: string[] = []
    for (const route of OWN) {
      const foreign = await askFor(route, bob.key, names)
      const absent = await askFor(route, bob.key, none)
      const [text, other] = [await foreign.text(), await absent.text()]
      if (foreign.status !== 404) wrong.push(`${label(route)}: ${foreign.status} ${text.slice(0, 200)}`)
      if (absent.status !== foreign.status) wrong.push(`${label(route)}: ${foreign.status}, absent ${absent.status}`)
      const leaks = leaksOf(text, [names['run'], names['resting'], names['batch'], names['execution']] as string[])
      if (leaks.length > 0) wrong.push(`${label(route)}: tells ${leaks}`)
      // The same words, but for the name.
      const plain = (said: string, own: Record<string, string>) => {
        let bare = said.replaceAll(/"instance":"[^"]+"/g, '')
        for (const name of Object.values(own).toSorted((a, b) => b.length - a.length))
          bare = bare.replaceAll(name, 'NAME')
        return bare
      }
      if (plain(text, names) !== plain(other, none)) wrong.push(`${label(route)}: ${text} is not ${other}`)
    }
    expect(wrong).toEqual([])
    expect(OWN.length).toBeGreaterThan(20)
  })

  test('the same requests are good ones: their owner gets answers', async () => {
    const missing: string[] = []
    for (const route of OWN) {
      if (route.method !== 'get' || route.path.endsWith('/ws')) continue
      const { status, body } = await askFor(route, ann.key, names)
      await body?.cancel()
      if (status >= 400) missing.push(`${label(route)}: ${status}`)
    }
    expect(missing).toEqual([])
  })

  test(`in lists, sums and whatever else the other ${ROUTES.length - OWN.length} routes answer: 0 cross reads`, {
    timeout: 60_000,
  }, async () => {
    const wrong: string[] = []
    for (const route of ROUTES) {
      if (OWN.includes(route)) continue
      const response = await askFor(route, bob.key, names)
      const leaks = leaksOf(await response.text(), response.ok ? [] : ([names['run'], names['resting']] as string[]))
      if (leaks.length > 0) wrong.push(`${label(route)} ${response.status}: tells ${leaks}`)
    }
    expect(wrong).toEqual([])
  })

  test.each([
    ['GET', '/v1/runs/compare?a=RUN&b=RUN'],
    ['GET', '/v1/runs/RUN/replay'],
    ['GET', '/v1/quote?target=echo&like=RUN'],
    ['GET', '/v1/routes/explain?run=RUN'],
    ['GET', '/v1/usage?run=RUN'],
    ['GET', '/v1/artifacts/analyze?ensemble=echo&execution=EXEC'],
    ['GET', '/v1/ensembles/echo/metrics'],
    ['GET', '/v1/recovery/show?all=true'],
    ['GET', '/v1/runs?all=true&limit=500'],
    ['GET', '/v1/usage?all=true'],
    ['GET', '/v1/approvals?all=true'],
    ['GET', '/v1/artifacts/echo?execution=EXEC'],
    ['POST', '/v1/runs/bisect', { a: 'RUN' }],
    ['POST', '/v1/runs/doctor', {}],
    ['POST', '/v1/runs/prune', { older_than: '0d', dry_run: true }],
    ['POST', '/v1/runs', { target: 'echo', input: 'x', run: 'RUN' }],
    ['POST', '/v1/responses', { model: 'p', input: 'x', previous_response_id: 'RUN' }],
    ['POST', '/v1/responses', { model: 'p', input: 'x', conversation: 'RUN' }],
  ] as const)('%s %s %j', async (method, path, body?: object) => {
    const fill = (text: string) =>
      text.replaceAll('RUN', names['run'] as string).replaceAll('EXEC', names['execution'] as string)
    const response = await fetch(`${server.url}${fill(path)}`, {
      method,
      headers: { ...bearer(bob.key), 'content-type': 'application/json' },
      ...(body ? { body: fill(JSON.stringify(body)) } : {}),
    })
    const text = await response.text()
    expect(leaksOf(text, response.ok ? [] : ([names['run'], names['execution']] as string[]))).toEqual([])
  })

  test('a part of a name finds none, and `latest` is one’s own', async () => {
    const run = names['run'] as string
    for (const part of [run.slice(0, -1), run.slice(0, 8), run.toUpperCase()])
      expect((await server.ask(`/v1/runs/${part}`, { headers: bearer(bob.key) })).status, part).toBe(404)
    // What can be no id is refused as such, whosever it is.
    for (const part of [`${run}%00`, `${run}%2F..`])
      expect((await server.ask(`/v1/runs/${part}`, { headers: bearer(ann.key) })).status, part).toBe(403)
    const mine = await json<{ run: string }>(
      await post('/v1/runs?wait=true', bob.key, { target: 'echo', input: 'mine' }),
    )
    const latest = await json<{ report: { run: string } }>(
      await server.ask('/v1/runs/latest', { headers: bearer(bob.key) }),
    )
    expect(latest.report.run).toBe(mine.run)
    expect(
      (await server.ask(`/v1/runs/${mine.run}/values/${names['sha256']}`, { headers: bearer(bob.key) })).status,
    ).toBe(404)
  })

  test('sockets, with the key in the header or as a protocol', async () => {
    const open = (key: string, protocol: boolean) =>
      new Promise<number>((resolve) => {
        const url = `${server.url.replace('http', 'ws')}/v1/runs/${names['run']}/ws`
        const socket = protocol
          ? new WebSocket(url, ['llm-orc', `bearer.${key}`])
          : new WebSocket(url, { headers: bearer(key) })
        socket.once('open', () => {
          socket.close()
          resolve(101)
        })
        socket.once('unexpected-response', (_, response) => resolve(response.statusCode ?? 0)).on('error', () => {})
      })
    expect(await Promise.all([open(ann.key, false), open(ann.key, true)])).toEqual([101, 101])
    expect(await Promise.all([open(bob.key, false), open(bob.key, true)])).toEqual([404, 404])
  })

  test('events of a stream that was cut are not told to who comes with another key', async () => {
    for (const headers of [{ 'last-event-id': '1' }, { accept: 'application/json' }]) {
      const response = await server.ask(`/v1/runs/${names['run']}/events`, {
        headers: { ...bearer(bob.key), ...headers },
      })
      expect(response.status).toBe(404)
    }
  })
})

describe('S12 over MCP', () => {
  const connect = async (key: string): Promise<Client> => {
    const client = new Client({ name: 'test', version: '1.0.0' }, { capabilities: {} })
    const init = { requestInit: { headers: bearer(key) } }
    await client.connect(new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`), init))
    return client
  }

  test('no tool and no resource tells what is another’s', { timeout: 60_000 }, async () => {
    const [hers, his] = [await connect(ann.key), await connect(bob.key)]
    try {
      const artifact = `echo/${names['execution']}`
      const uris = [
        'llm-orc://ensembles',
        'llm-orc://profiles',
        'llm-orc://ensemble/echo',
        'llm-orc://artifacts/echo',
        'llm-orc://artifacts/asks',
        `llm-orc://artifact/${artifact}`,
        'llm-orc://artifact/echo/latest',
        'llm-orc://metrics/echo',
      ]
      const read = async (client: Client, uri: string) =>
        client.readResource({ uri }).then(
          (found) => JSON.stringify(found),
          (error: Error) => `refused: ${error.message}`,
        )
      expect(await read(hers, `llm-orc://artifact/${artifact}`)).toContain(CANARY)
      for (const uri of uris)
        expect(
          leaksOf(await read(his, uri), uri.includes(artifact) ? [names['execution'] as string] : []),
          uri,
        ).toEqual([])
      expect(await read(his, `llm-orc://artifact/${artifact}`)).toMatch(/^refused/)
      const given: Record<string, string> = {
        artifact_id: artifact,
        ensemble_name: 'echo',
        ensemble: 'echo',
        name: 'echo',
        run: names['run'] as string,
        query: CANARY.slice(0, 4),
      }
      const { tools } = await his.listTools()
      let called = 0
      for (const { name, inputSchema } of tools) {
        if (/delete_(ensemble|profile|script)|create_|update_|library_copy/.test(name)) continue
        const fields = Object.entries((inputSchema.properties ?? {}) as Record<string, { type?: string }>)
        const words = fields.flatMap(([field]) => (given[field] === undefined ? [] : [[field, given[field]]]))
        const wish = { ...Object.fromEntries(words), ...(name === 'delete_artifact' ? { confirm: true } : {}) }
        const text = await his.callTool({ name, arguments: wish }).then(
          (found) => JSON.stringify(found),
          (error: Error) => error.message,
        )
        expect(leaksOf(text, [names['execution'] as string]), name).toEqual([])
        called += 1
      }
      expect(called).toBeGreaterThan(14)
      expect(await read(hers, `llm-orc://artifact/${artifact}`)).toContain(CANARY)
    } finally {
      await Promise.all([hers.close(), his.close()])
    }
  })
})

test('S12 after all of that what is Ann’s is as it was', async () => {
  for (const path of [`/v1/runs/${names['run']}`, `/v1/batches/${names['batch']}`])
    expect((await server.ask(path, { headers: bearer(ann.key) })).status).toBe(200)
  const resting = await json<{ report: { status: string } }>(
    await server.ask(`/v1/runs/${names['resting']}`, { headers: bearer(ann.key) }),
  )
  expect(resting.report.status).not.toBe('cancelled')
  const { artifacts } = await json<{ artifacts: readonly { id: string }[] }>(
    await server.ask('/v1/artifacts', { headers: bearer(ann.key) }),
  )
  expect(artifacts.map(({ id }) => id)).toContain(names['execution'])
})
