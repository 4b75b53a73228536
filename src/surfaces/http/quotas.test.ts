/** S20: what one caller can make a server do without end. `SECURITY=full` queues 10,000 runs; the quick form a part of them. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bearer, type MadeKey, makeKey } from './access.fixture.ts'
import { makeServedProject, openServer, type Served } from './serve.fixture.ts'

const RUNS = process.env.SECURITY === 'full' ? 10_000 : 1_000
const MIB = 1024 * 1024
const SLOW = 'name: slow\ndescription: d\nagents:\n- {name: one, model_profile: slow}\n'
const ECHO = 'name: echo\ndescription: d\nagents:\n- {name: one, model_profile: p}\n'
/** Each ensemble runs the next; the last one asks for the first. */
const TOWER = Array.from({ length: 9 }, (_, index) => [
  `ensembles/tower-${index}.yaml`,
  `name: tower-${index}\ndescription: d\nagents:\n- {name: one, ensemble: tower-${(index + 1) % 9}}\n`,
])
const ANSWERS = 'rules:\n- { model: slow, answer: { text: x, delay_ms: 30000 } }\ndefault: { text: "{{input}}" }\n'
const CONFIG = `model_profiles:
  p: { provider: scripted, model: rehearsal }
  slow: { provider: scripted, model: slow }
`

let server: Served
let narrow: MadeKey
let calm: MadeKey
const scopes = ['read', 'run', 'write', 'approve'] as const

beforeAll(async () => {
  server = await openServer(
    makeServedProject({
      'config.yaml': CONFIG,
      'answers.yaml': ANSWERS,
      'ensembles/slow.yaml': SLOW,
      'ensembles/echo.yaml': ECHO,
      ...Object.fromEntries(TOWER),
    }),
    { grace_ms: 50 },
  )
  narrow = await makeKey(server.app, 'narrow', { scopes: [...scopes], max_concurrent: 4 })
  calm = await makeKey(server.app, 'calm', { scopes: [...scopes] })
})

afterAll(async () => {
  await server.close()
  expect(server.violations).toEqual([])
})

/** What is kept, without what only waits for the collector. */
function measure(): NodeJS.MemoryUsage {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  return process.memoryUsage()
}

const begin = (key: string, body: object, query = '') => server.post(`/v1/runs${query}`, body, bearer(key))

describe('S20', () => {
  test(`${RUNS} runs at once: four are taken, the rest is told to wait, and memory stays flat`, {
    timeout: 300_000,
  }, async () => {
    const codes = new Map<number, number>()
    const send = async (count: number) => {
      for (let sent = 0; sent < count; sent += 50) {
        const answers = await Promise.all(
          Array.from({ length: 50 }, () =>
            fetch(`${server.url}/v1/runs`, {
              method: 'POST',
              body: JSON.stringify({ target: 'slow', input: 'x'.repeat(10_000) }),
              headers: { ...bearer(narrow.key), 'content-type': 'application/json' },
            }),
          ),
        )
        for (const answer of answers) {
          codes.set(answer.status, (codes.get(answer.status) ?? 0) + 1)
          const body = (await answer.json()) as { readonly code?: string }
          if (answer.status === 429) {
            expect(body.code).toBe('access_limited')
            expect(answer.headers.get('content-type')).toBe('application/problem+json')
            expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
          }
        }
      }
    }
    await send(RUNS / 5)
    const early = measure()
    await send((RUNS * 4) / 5)
    const late = measure()
    const grown = {
      heap: Math.round((late.heapUsed - early.heapUsed) / MIB),
      rss: Math.round((late.rss - early.rss) / MIB),
    }
    console.log(`S20: ${JSON.stringify({ asked: RUNS, ...Object.fromEntries(codes), grown_mib: grown })}`)
    expect([...codes.keys()].toSorted()).toEqual([202, 429])
    expect(codes.get(202)).toBe(4)
    // Ten thousand texts that were refused would be a hundred MiB.
    expect(grown.heap).toBeLessThan(32)
    expect((await begin(calm.key, { target: 'echo', input: 'x' }, '?wait=true')).status).toBe(200)
    const { runs } = (await (await server.ask('/v1/runs', { headers: bearer(narrow.key) })).json()) as {
      readonly runs: readonly { readonly id: string }[]
    }
    expect(runs).toHaveLength(4)
    for (const { id } of runs)
      await server.ask(`/v1/runs/${id}/cancel`, { method: 'POST', headers: bearer(narrow.key) })
    expect((await begin(narrow.key, { target: 'echo', input: 'x' }, '?wait=true')).status).toBe(200)
  })

  test.each([
    ['POST /v1/runs', (text: string) => ['/v1/runs', { target: 'echo', input: text }]],
    ['POST /run', (text: string) => ['/run', { prompt: text }]],
    ['POST /v1/batches', (text: string) => ['/v1/batches', { target: 'echo', inputs: [text] }]],
    [
      'POST /v1/chat/completions',
      (text: string) => ['/v1/chat/completions', { model: 'p', messages: [{ role: 'user', content: text }] }],
    ],
    ['POST /v1/responses', (text: string) => ['/v1/responses', { model: 'p', input: text }]],
    ['POST /v1/embeddings', (text: string) => ['/v1/embeddings', { model: 'p', input: text }]],
    ['POST /api/ensembles/echo/execute', (text: string) => ['/api/ensembles/echo/execute', { input: text }]],
  ] as const)('%s: a prompt of eleven MiB is 413, and nothing begins', async (_, make) => {
    const [path, body] = make('x'.repeat(11 * MIB)) as unknown as readonly [string, object]
    const response = await fetch(`${server.url}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { ...bearer(calm.key), 'content-type': 'application/json' },
    })
    expect(response.status).toBe(413)
    await response.body?.cancel()
  })

  test('ensembles that run each other without end are refused before anything begins', async () => {
    const before = await countRuns(calm.key)
    const refused = await begin(calm.key, { target: 'tower-0', input: 'x' }, '?wait=true')
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({
      problems: [expect.objectContaining({ code: expect.stringMatching(/ensemble_(cycle|too_deep)/) })],
    })
    expect(await countRuns(calm.key)).toBe(before)
  })

  test('a list that is too long is not fanned out, and a batch is bounded', async () => {
    server.write(
      'ensembles/fan.yaml',
      "name: fan\ndescription: d\nagents:\n- {name: list, script: \"seq 1 20000 | sed s/^/[/ | tr -d '\\n' | head -c 0; printf '['; seq -s, 1 20000 | tr -d '\\n'; printf ']'\"}\n- {name: each, model_profile: p, depends_on: [list], for_each: steps.list.output.data}\n",
    )
    const done = await begin(calm.key, { target: 'fan', input: 'x', allow: ['*'] }, '?wait=true')
    const { report } = (await done.json()) as {
      readonly report: { readonly status: string; readonly totals: { readonly calls?: number } }
    }
    expect(report.status).not.toBe('succeeded')
    const many = await server.post(
      '/v1/batches',
      { target: 'echo', inputs: ['x', 'y'], concurrency: 100_000 },
      bearer(calm.key),
    )
    expect(many.status).toBe(400)
  })

  test('a batch of one key goes no wider than the key', async () => {
    const refused = await server.post(
      '/v1/batches',
      { target: 'echo', inputs: ['x'], concurrency: 5 },
      bearer(narrow.key),
    )
    expect(refused.status).toBe(429)
    expect(await refused.json()).toMatchObject({ code: 'access_limited' })
  })
})

async function countRuns(key: string): Promise<number> {
  const listed = (await (await server.ask('/v1/runs', { headers: bearer(key) })).json()) as {
    readonly runs: readonly unknown[]
  }
  return listed.runs.length
}
