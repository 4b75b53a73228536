/**
 * S17 B08: names and paths that lead elsewhere, on every route of the OpenAPI document and every tool of MCP that takes one. Each gets a
 * share of the names in turn; `SECURITY=full` gives every one of them to each.
 */
import { execFileSync } from 'node:child_process'
import { linkSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bearer, makeKey } from './access.fixture.ts'
import { listRoutes, type Route, sampleOf } from './cases.fixture.ts'
import { makeServedProject, openServer, type Served } from './serve.fixture.ts'
import { API } from './server.ts'

const SHARE = process.env.SECURITY === 'full' ? 1 : 14
const ECHO = 'name: echo\ndescription: says it again\nagents:\n- {name: one, model_profile: p}\n'
const CANARY = 'canary-outside-8472'

/** Fields that name something which is kept as a file; addresses and texts are not names. */
const NAME_FIELDS = new Set(
  'a artifact_id b baseline batch category chain destination ensemble ensemble_name execution from_template id key model name path plan_file profile run script source target template tool'.split(
    ' ',
  ),
)

let server: Served
let outside: string
let key: string
let names: readonly string[]
let before: string

beforeAll(async () => {
  const desk = makeServedProject({ 'ensembles/echo.yaml': ECHO })
  outside = join(dirname(desk.cwd), 'outside')
  for (const folder of ['', 'ensembles', 'scripts', 'artifacts/echo/20200101-000000-000'])
    mkdirSync(join(outside, folder), { recursive: true })
  writeFileSync(
    join(outside, 'secret.yaml'),
    `name: secret\ndescription: ${CANARY}\nagents:\n- {name: one, model_profile: p}\n`,
  )
  writeFileSync(join(outside, 'secret.sh'), `#!/bin/sh\n# ${CANARY}\necho ${CANARY}\n`, { mode: 0o755 })
  writeFileSync(
    join(outside, 'artifacts/echo/20200101-000000-000/execution.json'),
    JSON.stringify({ ensemble: 'echo', input: CANARY, results: {} }),
  )
  server = await openServer(desk)
  key = (await makeKey(server.app, 'boss', { scopes: ['admin'] })).key
  await server.post('/v1/runs?wait=true', { target: 'echo', input: 'x' }, bearer(key))
  const own = join(desk.cwd, '.llm-orc')
  mkdirSync(join(own, 'scripts'), { recursive: true })
  symlinkSync(join(outside, 'artifacts', 'echo'), join(own, 'artifacts', 'linked'))
  symlinkSync(
    join(outside, 'artifacts', 'echo', '20200101-000000-000'),
    join(own, 'artifacts', 'echo', '20200101-000000-000'),
  )
  symlinkSync(join(outside, 'secret.sh'), join(own, 'scripts', 'linked.sh'))
  symlinkSync('/dev/zero', join(own, 'scripts', 'device.sh'))
  execFileSync('mkfifo', [join(own, 'scripts', 'pipe.sh'), join(own, 'artifacts', 'pipe')])
  linkSync(join(own, 'config.yaml'), join(own, 'scripts', 'hard.sh'))
  names = makeNames()
  before = describeWorld()
})

afterAll(async () => {
  await server.close()
})

/** Names that lead elsewhere, in the ways of several systems, plain and written so that somebody else has to read them. */
function makeNames(): readonly string[] {
  const secret = join(outside, 'secret.yaml')
  const up = (steps: number, rest: string) => `${'../'.repeat(steps)}${rest}`
  const plain = [
    ...[1, 2, 3, 4, 8, 32].map((steps) => up(steps, 'outside/secret')),
    ...[1, 2, 3, 4, 8].map((steps) => up(steps, 'outside/secret.yaml')),
    ...[2, 3, 12].map((steps) => up(steps, 'etc/passwd')),
    secret,
    secret.slice(0, -5),
    join(outside, 'secret.sh'),
    '/etc/passwd',
    '//etc/passwd',
    '/proc/self/environ',
    '/dev/zero',
    'file:///etc/passwd',
    `file://${secret}`,
    '~/secret',
    '~root/x',
    '$HOME/x',
    '..',
    '.',
    './',
    '../',
    'a/..',
    'a/../..',
    'a/../../outside/secret',
    'echo/../../../outside/secret',
    './echo',
    'echo/.',
    'echo//x',
    'echo/',
    '/echo',
    '.hidden',
    '.git/config',
    '-rf',
    '--help',
    'x y',
    'x\ty',
    'x\ny',
    '..\\..\\outside\\secret',
    '..\\outside\\secret.yaml',
    'C:\\windows\\system32',
    'C:secret',
    'C:/secret',
    '\\\\server\\share\\x',
    '\\\\?\\C:\\x',
    'CON',
    'NUL.yaml',
    'aux',
    'COM1',
    'x.',
    'x ',
    ' x',
    'x::$DATA',
    'x:stream',
    'linked',
    'linked/20200101-000000-000',
    'linked.sh',
    'echo/20200101-000000-000',
    'device.sh',
    'pipe',
    'pipe.sh',
    'x'.repeat(256),
    'x'.repeat(4_096),
    'ä'.repeat(200),
    `${'a/'.repeat(500)}x`,
    '\u202eecho',
    'ec\u200bho',
    'еcho',
    'ｅｃｈｏ',
    'echo\u0301',
    '．．/secret',
    '‥/secret',
    '..∕outside',
    '\ufeffecho',
    '\u0000',
    'echo\u0000.yaml',
    `../outside/secret\u0000.yaml`,
    '\ud800',
    '*',
    '?',
    '[a-z]*',
    '{echo,secret}',
    '$(id)',
    '`id`',
    '; id',
    '| id',
    "' or 1=1 --",
    '%',
    '%s%n',
    '__proto__',
    'constructor',
    'toString',
    'prototype',
    'null',
    'undefined',
    '{{input}}',
    '${x}',
  ]
  const [first, second, third] = plain as [string, string, string]
  const coded = [first, second, third, '../', '..', '/etc/passwd', '..\\x'].flatMap((name) => [
    encodeURIComponent(name).replaceAll('.', '%2e'),
    encodeURIComponent(encodeURIComponent(name)),
    name.replaceAll('.', '%2e').replaceAll('/', '%2f'),
    name.replaceAll('/', '%c0%af'),
  ])
  return [...plain, ...coded, ...coded.map((name) => `${name}%00.yaml`).slice(0, 6)]
}

/** All that is outside of what the program keeps, and what stands in the project, by kind, size and time. */
function describeWorld(): string {
  const rows = [dirname(server.cwd)].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
      const file = join(folder, name)
      if (/home\/(data|state|cache)\/|\.llm-orc\/artifacts\//.test(file)) return []
      const found = lstatSync(file)
      if (found.isDirectory()) return []
      return [`${name} ${found.isSymbolicLink() ? readlinkSync(file) : found.size}`]
    }),
  )
  return rows.sort().join('\n')
}

interface Place {
  readonly route: Route
  readonly field: string
  readonly where: 'path' | 'query' | 'body'
}

/** Every place of every route where a name is given. */
const PLACES: readonly Place[] = listRoutes(API).flatMap((route) => {
  if (route.path.endsWith('/ws') || route.path === '/ws/execute') return []
  const given = (route.described.parameters ?? []).filter(
    ({ name }) => NAME_FIELDS.has(name) || route.path.includes(`{${name}}`),
  )
  const places = given.flatMap(({ name, in: where }): Place[] =>
    where === 'header' ? [] : [{ route, field: name, where }],
  )
  const bodies = Object.keys(route.body?.properties ?? {}).filter((field) => NAME_FIELDS.has(field))
  return [...places, ...bodies.map((field): Place => ({ route, field, where: 'body' }))]
})

async function give({ route, field, where }: Place, name: string): Promise<Response> {
  const query = new URLSearchParams()
  for (const { name: each, in: place, required, schema } of route.described.parameters ?? [])
    if (place === 'query' && required) query.set(each, String(sampleOf(schema)))
  const body = route.body ? (sampleOf({ ...route.body, type: 'object' }) as Record<string, unknown>) : {}
  const listed = route.body?.properties?.[field]?.type === 'array'
  if (where === 'body') body[field] = listed ? [name] : name
  if (where === 'query') query.set(field, name)
  // What deletes does so when it is told to.
  if (route.body?.properties?.['confirm']) body['confirm'] = true
  if (route.method === 'delete') query.set('confirm', 'true')
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, each: string) =>
    where === 'path' && each === field ? encode(name) : each === 'ensemble' ? 'echo' : 'x',
  )
  return fetch(`${server.url}${path}?${query}`, {
    method: route.method.toUpperCase(),
    headers: { ...bearer(key), 'content-type': 'application/json' },
    ...(['get', 'delete'].includes(route.method) ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  })
}

/** Those that are coded already are sent as they are; a lone surrogate can stand in no address. */
function encode(name: string): string {
  return /%[\dc]/i.test(name) ? name : encodeURIComponent(name.toWellFormed())
}

/** The share of the names that the place gets. */
const shareOf = (index: number) => names.filter((_, at) => (at + index) % SHARE === 0)

const leakOf = (text: string) => (/root:x:0|canary-outside-\d/.test(text) ? text.slice(0, 200) : undefined)

describe('S17 B08 names that lead elsewhere', () => {
  test(`on ${PLACES.length} places of routes: nothing outside is read or written, and nothing breaks`, {
    timeout: 120_000,
  }, async () => {
    const wrong: string[] = []
    let asked = 0
    const work = PLACES.flatMap((place, index) => shareOf(index).map((name) => ({ place, name })))
    const next = async () => {
      for (let one = work.pop(); one !== undefined; one = work.pop()) {
        const { place, name } = one
        const label = `${place.route.method} ${place.route.path} ${place.field}=${JSON.stringify(name.slice(0, 60))}`
        const answer = await give(place, name).then(
          async (response) => ({ status: response.status, text: await response.text() }),
          (error: Error) => ({ status: 599, text: error.message }),
        )
        asked += 1
        // Whoever may run scripts may run one that is a link; only its output is told.
        const leak = place.route.path === '/v1/scripts/{name}/test' ? undefined : leakOf(answer.text)
        if (answer.status >= 500 && answer.status !== 501)
          wrong.push(`${label}: ${answer.status} ${answer.text.slice(0, 160)}`)
        if (leak !== undefined) wrong.push(`${label}: tells ${leak}`)
      }
    }
    await Promise.all(Array.from({ length: 8 }, next))
    console.log(`S17: ${names.length} names, ${PLACES.length} places, ${asked} requests`)
    expect(wrong).toEqual([])
    expect(names.length).toBeGreaterThan(120)
  })

  test('through every tool of MCP and every template of a resource', { timeout: 120_000 }, async () => {
    const client = new Client({ name: 'test', version: '1.0.0' }, { capabilities: {} })
    const init = { requestInit: { headers: bearer(key) } }
    await client.connect(new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`), init))
    const wrong: string[] = []
    let asked = 0
    try {
      const { tools } = await client.listTools()
      for (const [index, { name: tool, inputSchema }] of tools.entries()) {
        const { properties = {}, required = [] } = inputSchema as {
          properties?: Record<string, object>
          required?: string[]
        }
        for (const field of Object.keys(properties).filter((each) => NAME_FIELDS.has(each)))
          for (const name of shareOf(index)) {
            const needed = required.map((each) => [each, sampleOf((properties[each] ?? {}) as never)])
            const extra = 'confirm' in properties ? { confirm: true } : {}
            const given = { ...Object.fromEntries(needed), ...extra, [field]: name.toWellFormed() }
            const text = await client
              .callTool({ name: tool, arguments: given })
              .then(JSON.stringify, (error: Error) => error.message)
            asked += 1
            const leak = leakOf(text as string)
            if (leak !== undefined) wrong.push(`${tool} ${field}=${JSON.stringify(name.slice(0, 60))}: ${leak}`)
          }
      }
      for (const kind of ['ensemble', 'artifacts', 'artifact', 'metrics'])
        for (const name of names.filter((_, at) => at % Math.min(SHARE, 2) === 0)) {
          const uri = `llm-orc://${kind}/${encode(name)}`
          const text = await client.readResource({ uri }).then(JSON.stringify, (error: Error) => error.message)
          asked += 1
          const leak = leakOf(text as string)
          if (leak !== undefined) wrong.push(`${uri}: ${leak}`)
        }
    } finally {
      await client.close()
    }
    console.log(`S17: ${asked} calls over MCP`)
    expect(wrong).toEqual([])
    expect(asked).toBeGreaterThan(500)
  })

  test('after all of it the world is as it was, and the server answers', async () => {
    expect((await server.ask('/health')).status).toBe(200)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    // What harmless names have made stands in the project’s own folders.
    const fresh = describeWorld()
      .split('\n')
      .filter((row) => !before.split('\n').includes(row))
    const gone = before.split('\n').filter((row) => !describeWorld().split('\n').includes(row))
    const own = /^project\/\.llm-orc\/((ensembles|profiles|scripts|chains|tools)\/[^/]+|config\.yaml )/
    expect(gone.filter((row) => !own.test(row))).toEqual([])
    expect(fresh.filter((row) => !own.test(row))).toEqual([])
  })
})
