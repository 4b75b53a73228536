/** S18: what may be sent to change something, on every route of the OpenAPI document: unknown fields, wrong types, prototypes. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bearer, makeKey } from './access.fixture.ts'
import type { Schema } from './api-document.ts'
import { fillPath, listRoutes, type Route, sampleOf } from './cases.fixture.ts'
import { makeServedProject, openServer, type Served } from './serve.fixture.ts'
import { API } from './server.ts'

const ECHO = 'name: echo\ndescription: says it again\nagents:\n- {name: one, model_profile: p}\n'
const WRITES = listRoutes(API).filter(({ method }) => method !== 'get')
/** To those programs `null` and what is absent are the same. */
const isOpenAi = ({ described }: Route) => (described['tags'] as readonly string[]).includes('openai')
/** Bodies that are themselves what is written: their words are those of a profile. */
const OPEN = new Set(['post /api/profiles', 'put /api/profiles/{name}'])

let server: Served
let key: string
let before: readonly string[]

/** Every file of the project and of the program's own folders, with its size and time. */
function listFiles(): readonly string[] {
  return [server.cwd, server.env['HOME'] as string]
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)))
    .filter((file) => !/journal\.db|\.lock$/.test(file) && statSync(file).isFile())
    .map((file) => `${file} ${statSync(file).size} ${statSync(file).mtimeMs}`)
    .sort()
}

beforeAll(async () => {
  server = await openServer(makeServedProject({ 'ensembles/echo.yaml': ECHO }))
  key = (await makeKey(server.app, 'boss', { scopes: ['admin'] })).key
  before = listFiles()
})

afterAll(async () => {
  await server.close()
  expect(server.violations).toEqual([])
})

async function send({ method, path }: Route, text: string, query = ''): Promise<readonly [number, string]> {
  const response = await server.ask(`${fillPath(path)}${query}`, {
    method: method.toUpperCase(),
    ...(text === '' ? {} : { body: text }),
    headers: { ...bearer(key), 'content-type': 'application/json' },
  })
  return [response.status, await response.text()]
}

const nameOf = ({ method, path }: Route) => `${method} ${path}`
const sampleBody = ({ body }: Route): Record<string, unknown> =>
  body ? (sampleOf({ ...body, type: 'object' }) as Record<string, unknown>) : {}

const EXTRAS = [
  'isAdmin',
  'principal',
  'scopes',
  'right',
  'keeper',
  'signal',
  'toString',
  'hasOwnProperty',
  'Prompt',
  ' prompt',
  'prompt\u0000',
]

describe('S18 fields nobody knows', () => {
  test('are refused in every body, beside what is needed', async () => {
    let asked = 0
    const taken: string[] = []
    for (const route of WRITES) {
      if (route.method === 'delete' || OPEN.has(nameOf(route))) continue
      const known = Object.keys(route.body?.properties ?? {})
      for (const extra of EXTRAS.filter((each) => !known.includes(each))) {
        const [status, text] = await send(route, JSON.stringify({ ...sampleBody(route), [extra]: true }))
        if (status !== 400) taken.push(`${nameOf(route)} ${extra}: ${status} ${text.slice(0, 100)}`)
        asked += 1
      }
    }
    console.log(`S18: ${asked} bodies with a field that nobody knows`)
    expect(taken).toEqual([])
    expect(asked).toBeGreaterThan(400)
  })

  test('are refused in every address', async () => {
    const taken: string[] = []
    for (const route of WRITES) {
      if (!route.described['x-operation']) continue
      for (const query of ['?isAdmin=true', '?__proto__=x', '?principal=boss']) {
        const [status] = await send(route, route.method === 'delete' ? '' : JSON.stringify(sampleBody(route)), query)
        if (status !== 400) taken.push(`${nameOf(route)} ${query}: ${status}`)
      }
    }
    expect(taken).toEqual([])
  })

  test('prototypes are refused in every body, at every depth, and change nothing', async () => {
    const taken: string[] = []
    for (const route of WRITES) {
      if (route.method === 'delete') continue
      const sample = JSON.stringify(sampleBody(route)).slice(1, -1)
      for (const evil of [
        '"__proto__":{"polluted":true}',
        '"constructor":{"prototype":{"polluted":true}}',
        '"\\u005f_proto__":{"polluted":true}',
        '"a":{"b":[{"__proto__":{"polluted":true}}]}',
        '"a":{"prototype":1}',
      ]) {
        const [status, text] = await send(route, `{${sample}${sample === '' ? '' : ','}${evil}}`)
        if (status !== 400) taken.push(`${nameOf(route)} ${evil}: ${status} ${text.slice(0, 100)}`)
      }
    }
    expect(taken).toEqual([])
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

const WRONG: readonly unknown[] = [null, 1, -1, 1.5, 'x', true, [], {}, [{}], [[]], { a: 1 }, [null], '']

function fits(value: unknown, schema: Schema): boolean {
  const several = (schema['anyOf'] ?? schema['oneOf']) as readonly Schema[] | undefined
  if (several) return several.some((each) => fits(value, each))
  const words = schema['enum'] as readonly unknown[] | undefined
  if (words) return words.includes(value)
  const types = schema.type === undefined ? ['any'] : [schema.type].flat()
  return types.some((type) => {
    if (type === 'any') return true
    if (type === 'array')
      return Array.isArray(value) && value.every((each) => fits(each, (schema['items'] as Schema) ?? {}))
    if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
    if (type === 'null') return value === null
    if (type === 'integer') return Number.isInteger(value)
    return typeof value === type
  })
}

describe('S18 types', () => {
  test('every field of every body is taken in its own type only: nothing is made to fit', async () => {
    let asked = 0
    const taken: string[] = []
    for (const route of WRITES) {
      if (route.method === 'delete' || OPEN.has(nameOf(route))) continue
      for (const [field, schema] of Object.entries(route.body?.properties ?? {}))
        for (const wrong of WRONG.filter((each) => !fits(each, schema) && !(each === null && isOpenAi(route)))) {
          const [status, text] = await send(route, JSON.stringify({ ...sampleBody(route), [field]: wrong }))
          if (status !== 400)
            taken.push(`${nameOf(route)} ${field} ${JSON.stringify(wrong)}: ${status} ${text.slice(0, 120)}`)
          asked += 1
        }
    }
    console.log(`S18: ${asked} fields of a wrong type`)
    expect(taken).toEqual([])
    expect(asked).toBeGreaterThan(500)
  })

  test.each(['[]', 'null', '"x"', '1', 'true'])('no body is %s', async (text) => {
    for (const route of WRITES) {
      if (route.method === 'delete') continue
      expect((await send(route, text))[0], nameOf(route)).toBe(400)
    }
  })

  test('what is taken by names of fields changes no rights: a profile cannot be more than a profile', async () => {
    const made = { name: 'fresh', provider: 'scripted', model: 'm' }
    for (const extra of ['isAdmin', 'principal', 'constructor', 'path', '../x'])
      for (const [method, path, body] of [
        ['POST', '/api/profiles', { ...made, [extra]: 'x' }],
        ['PUT', '/api/profiles/p', { [extra]: 'x' }],
      ] as const) {
        const headers = { ...bearer(key), 'content-type': 'application/json' }
        const response = await server.ask(path, { method, body: JSON.stringify(body), headers })
        expect([400, 404], `${method} ${path} ${extra}`).toContain(response.status)
      }
  })
})

test('S18 after all of it nothing was begun, written or removed', async () => {
  expect(await (await server.ask('/v1/runs', { headers: bearer(key) })).json()).toMatchObject({ runs: [] })
  expect(await (await server.ask('/v1/batches', { headers: bearer(key) })).json()).toMatchObject({ batches: [] })
  expect(listFiles()).toEqual(before)
})
