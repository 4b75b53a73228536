/** S19: hostile YAML, JSON, patterns and bodies, while the health of the server is asked. Measured as a ratio to the same server at rest. */

import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bearer, makeKey } from './access.fixture.ts'
import { makeServedProject, openServer, type Served } from './serve.fixture.ts'

const LOOKS = 60
/** Health may take so many times what it takes at rest, or this many ms where that is next to nothing. */
const MOST_TIMES = 50
const FLOOR_MS = 250

let server: Served
let key: string

const bomb = (width: number, depth: number) =>
  [
    'a0: &a0 [x]',
    ...Array.from({ length: depth }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n}, `.repeat(width).slice(0, -2)}]`),
  ].join('\n')
const FILES = {
  'ensembles/echo.yaml': 'name: echo\ndescription: d\nagents:\n- {name: one, model_profile: p}\n',
  'ensembles/bomb.yaml': `name: bomb\ndescription: d\n${bomb(9, 9)}\nagents: *a9\n`,
  'ensembles/deep.yaml': `name: deep\nagents: ${'['.repeat(20_000)}${']'.repeat(20_000)}\n`,
  'ensembles/wide.yaml': `name: wide\ndescription: d\nagents:\n${Array.from({ length: 5_000 }, (_, n) => `- {name: s${n}, model_profile: p, depends_on: [s${n - 1}]}\n`).join('')}`,
  'ensembles/regex.yaml': `name: regex\ndescription: d\nagents:\n- {name: one, model_profile: p, verify: {checks: [{regex: '^(a+)+$'}, {not_regex: '(x|x)*y$'}]}}\n`,
  'ensembles/cel.yaml': `name: cel\ndescription: d\nagents:\n- {name: one, model_profile: p}\n- {name: two, model_profile: p, depends_on: [one], when: '${'('.repeat(3_000)}true${')'.repeat(3_000)}'}\n`,
}

beforeAll(async () => {
  server = await openServer(makeServedProject(FILES))
  key = (await makeKey(server.app, 'boss', { scopes: ['admin'] })).key
})

afterAll(async () => {
  await server.close()
})

const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    body,
    headers: { ...bearer(key), 'content-type': 'application/json', ...headers },
  })
const run = (target: string, input = 'x') => post('/v1/runs?wait=true', JSON.stringify({ target, input }))
const get = (path: string) => fetch(`${server.url}${path}`, { headers: bearer(key) })

/** Each is done over and over; none of them may be an error of the program. */
const ATTACKS: readonly (readonly [string, () => Promise<Response>])[] = [
  ['aliases that multiply', () => run('bomb')],
  ['20,000 brackets of YAML', () => run('deep')],
  ['5,000 agents in a row', () => get('/v1/ensembles/wide/check')],
  ['patterns that backtrack', () => run('regex', `${'a'.repeat(40_000)}!`)],
  ['a condition of 3,000 parentheses', () => get('/v1/ensembles/cel/check')],
  ['20,000 brackets of JSON', () => post('/v1/runs', `{"prompt":${'['.repeat(20_000)}`)],
  ['100,000 keys', () => post('/v1/runs', `{${Array.from({ length: 100_000 }, (_, n) => `"k${n}":1`).join(',')}}`)],
  ['a number of 200,000 digits', () => post('/v1/runs', `{"max_concurrent":${'9'.repeat(200_000)}}`)],
  ['a text of backslashes', () => post('/v1/runs', `{"prompt":"${'\\'.repeat(199_999)}`)],
  [
    'a packed body',
    () => post('/v1/runs', new Uint8Array(gzipSync(Buffer.alloc(2_000_000, 32))), { 'content-encoding': 'gzip' }),
  ],
  [
    'a wrong token of 8,000 letters',
    () => fetch(`${server.url}/v1/version`, { headers: bearer(`${'a.'.repeat(4_000)}a`) }),
  ],
  ['a name of 8,000 letters', () => get(`/v1/ensembles/${'x/'.repeat(500)}`)],
  ['a search of patterns', () => get(`/v1/library/search?query=${encodeURIComponent('(a+)+$'.repeat(100))}`)],
  [
    'a policy question of globs',
    () => get(`/v1/policy/check?tool=bash&arguments=${encodeURIComponent('*a'.repeat(200))}`),
  ],
]

async function look(count: number): Promise<readonly number[]> {
  const times: number[] = []
  for (let index = 0; index < count; index += 1) {
    const since = performance.now()
    const response = await fetch(`${server.url}/health`)
    expect(response.status).toBe(200)
    await response.body?.cancel()
    times.push(performance.now() - since)
    await sleep(10)
  }
  return times.toSorted((a, b) => a - b)
}

const at = (times: readonly number[], share: number) =>
  times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0

test(`S19 ${ATTACKS.length} attacks: health answers meanwhile, and none of them is an error of the program`, {
  timeout: 60_000,
}, async () => {
  const rest = await look(LOOKS)
  const wrong: string[] = []
  let over = false
  let done = 0
  const attack = async (from: number) => {
    for (let index = from; !over; index += 1) {
      const [name, make] = ATTACKS[index % ATTACKS.length] as (typeof ATTACKS)[number]
      const answer = await make()
      const text = await answer.text()
      done += 1
      if (answer.status >= 500) wrong.push(`${name}: ${answer.status} ${text.slice(0, 200)}`)
      if (/at \S+ \(file:|node:internal/.test(text)) wrong.push(`${name}: tells where the program stands`)
    }
  }
  const attacks = [0, 5, 10].map(attack)
  const busy = await look(LOOKS)
  over = true
  await Promise.all(attacks)
  const shown = Object.fromEntries(
    [0.5, 0.99].map((share) => [
      `p${share * 100}`,
      [at(rest, share), at(busy, share)].map((ms) => Math.round(ms * 10) / 10),
    ]),
  )
  console.log(`S19 health in ms, at rest and under ${done} attacks: ${JSON.stringify(shown)}`)
  expect(wrong).toEqual([])
  expect(done).toBeGreaterThan(ATTACKS.length)
  expect(at(busy, 0.5)).toBeLessThan(Math.max(FLOOR_MS, MOST_TIMES * at(rest, 0.5)))
})

test('S19 each of them is refused or done, and none takes a long time by itself', { timeout: 60_000 }, async () => {
  const slow: string[] = []
  for (const [name, make] of ATTACKS) {
    const since = performance.now()
    const { status, body } = await make()
    await body?.cancel()
    const ms = performance.now() - since
    if (ms > 5_000) slow.push(`${name}: ${status} after ${Math.round(ms)} ms`)
    if (/YAML|aliases|JSON|keys|digits|backslashes|packed/.test(name)) expect([400, 413, 415], name).toContain(status)
  }
  expect(slow).toEqual([])
})
