import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeServedProject, openServer, readStream, type Served } from './serve.fixture.ts'
import { API } from './server.ts'

const ECHO = 'name: echo\ndescription: says it again\nagents:\n- {name: one, model_profile: p}\n'
let server: Served

beforeAll(async () => {
  server = await openServer(makeServedProject({ 'ensembles/echo.yaml': ECHO }))
})

afterAll(async () => {
  await server.close()
  expect(server.violations).toEqual([])
  expect(server.log.filter((line) => line.includes('Error'))).toEqual([])
})

const json = async (response: Response) => (await response.json()) as { readonly [field: string]: never }
const count = (events: readonly { id: string | undefined }[]) => events.flatMap(({ id }) => (id ? [Number(id)] : []))

test('the document is valid OpenAPI 3.1, and is served as it is', async () => {
  const { valid, errors } = await new Validator({ strict: false }).validate(structuredClone(API) as never)
  expect(errors).toBeUndefined()
  expect(valid).toBe(true)
  expect(await json(await server.ask('/v1/openapi.json'))).toEqual(API)
  const page = await (await server.ask('/docs')).text()
  expect(page).toContain('/v1/runs/{run}/events')
  expect(page).not.toMatch(/src=|https?:\/\//)
})

describe('routes from the table of operations', () => {
  test('what only reads is asked with GET, typed by its schema', async () => {
    expect(await json(await server.ask('/v1/ensembles'))).toMatchObject({ ensembles: expect.anything() })
    expect((await server.ask('/v1/runs?limit=3&all=true')).status).toBe(200)
    expect((await server.ask('/v1/ensembles/echo')).status).toBe(200)
    expect((await server.ask('/v1/ensembles/echo/check')).status).toBe(200)
    expect((await server.ask('/v1/policy/check?tool=bash&arguments=ls')).status).toBe(200)
    expect(await json(await server.ask('/v1/version'))).toMatchObject({ version: API.info.version })
  })

  test.each([
    ['/v1/runs?limit=many', 400, 'bad_input'],
    ['/v1/runs?limit=-1', 400, 'bad_input'],
    ['/v1/runs?limit=1&limit=2', 400, 'bad_input'],
    ['/v1/runs?colour=red', 400, 'bad_input'],
    ['/v1/runs/nothing', 404, 'not_found'],
    ['/v1/ensembles/nothing', 404, 'not_found'],
    ['/v1/nothing', 404, 'not_found'],
    ["/v1/runs/'%20or%201=1", 404, 'not_found'],
    ['/v1/runs/*', 404, 'not_found'],
  ])('%s is a problem', async (path, status, code) => {
    const response = await server.ask(path, { headers: { 'x-request-id': 'mine-1' } })
    expect(response.status).toBe(status)
    expect(await json(response)).toMatchObject({ code, status, instance: 'mine-1', type: `/v1/errors/${code}` })
  })

  test('every code of an error has a page', async () => {
    const { errors } = (await json(await server.ask('/v1/errors'))) as unknown as {
      errors: readonly { code: string; status: number }[]
    }
    expect(errors.length).toBeGreaterThan(100)
    expect(errors.every(({ status }) => status >= 400 && status < 600)).toBe(true)
    expect(await json(await server.ask('/v1/errors/not_found'))).toMatchObject({ code: 'not_found', status: 404 })
    expect((await server.ask('/v1/errors/toString')).status).toBe(404)
  })

  test('hints name addresses and fields, not commands', async () => {
    const hintOf = async (path: string, init: RequestInit = {}) =>
      ((await (await server.ask(path, init)).json()) as { readonly hint?: string }).hint
    expect(await hintOf('/v1/runs/nothing')).toBe('See them with: GET /v1/runs?all=true')
    expect(await hintOf('/v1/cache/clear', { method: 'POST' })).toBe('Add confirm=true to do it.')
  })

  test('the wrong method names the right ones', async () => {
    const response = await server.ask('/v1/runs/x/cancel', { method: 'GET' })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
  })

  test('fields that name files of the server, and unknown ones, are refused', async () => {
    expect((await server.post('/v1/runs', { prompt: 'x', model: ['p'], input_file: '/etc/passwd' })).status).toBe(400)
    expect((await server.post('/v1/runs', { prompt: 'x', model: ['p'], isAdmin: true })).status).toBe(400)
    expect((await server.post('/v1/runs/x/export', { file: 'y' })).status).toBe(404)
  })
})

describe('runs', () => {
  test('begin at once, stream their events by number, and live text without one', async () => {
    const begun = await server.post('/v1/runs', { target: 'echo', input: 'one two three four' })
    expect(begun.status).toBe(202)
    const { run } = (await json(begun)) as unknown as { run: string }
    expect(begun.headers.get('location')).toBe(`/v1/runs/${run}`)
    const response = await server.ask(`/v1/runs/${run}/events`)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const events = await readStream(response)
    const numbers = count(events)
    expect(numbers).toEqual(numbers.map((_, index) => index + 1))
    expect(events.at(-1)?.event).toBe('run-finished')
    expect(events.filter(({ event }) => event === 'delta').every(({ id }) => id === undefined || id === '')).toBe(true)
    expect(JSON.parse(events[0]?.data ?? '')).toMatchObject({
      seq: 1,
      type: 'run-started',
      run,
      data: { started_by: 'server' },
    })
    expect(await json(await server.ask(`/v1/runs/${run}`))).toMatchObject({ report: { status: 'succeeded' } })
  })

  test('come back by cursor without a gap, and end for who has seen all', async () => {
    const { run } = (await json(
      await server.post('/v1/runs?wait=true', { target: 'echo', input: 'x' }),
    )) as unknown as { run: string }
    const all = count(await readStream(await server.ask(`/v1/runs/${run}/events`)))
    const rest = await readStream(await server.ask(`/v1/runs/${run}/events`, { headers: { 'last-event-id': '3' } }))
    expect(count(rest)).toEqual(all.slice(3))
    expect(count(await readStream(await server.ask(`/v1/runs/${run}/events?after=2`)))).toEqual(all.slice(2))
    expect((await server.ask(`/v1/runs/${run}/events?after=${all.length}`)).status).toBe(204)
    const page = await server.ask(`/v1/runs/${run}/events`, { headers: { accept: 'application/json' } })
    expect(await json(page)).toMatchObject({ run, next: all.length })
  })

  test.each(['-1', '999', '1.5', 'x', '1e3', "1' or '1'='1", '*', '99999999999999999999'])(
    'B23 the cursor %j is refused',
    async (cursor) => {
      const { run } = (await json(
        await server.post('/v1/runs?wait=true', { target: 'echo', input: 'x' }),
      )) as unknown as { run: string }
      const asked = await server.ask(`/v1/runs/${run}/events?after=${encodeURIComponent(cursor)}`)
      expect(asked.status).toBe(400)
      expect(await json(asked)).toMatchObject({ code: 'cursor_invalid' })
      const resumed = await server.ask(`/v1/runs/${run}/events`, { headers: { 'last-event-id': cursor } })
      expect(resumed.status).toBe(400)
    },
  )

  test('B23 no events of another run, whatever the name', async () => {
    for (const name of ['%2e%2e', 'run%2Fx', '%25', '_', '2%', "x' union select 1--"])
      expect((await server.ask(`/v1/runs/${name}/events`)).status).toBe(404)
  })

  test('F26 a client that leaves does not end its run', async () => {
    const slow = 'name: slow\ndescription: d\nagents:\n- {name: one, script: "sleep 0.5; echo {}"}\n'
    server.write('ensembles/slow.yaml', slow)
    const leaving = new AbortController()
    const asked = fetch(`${server.url}/v1/runs?wait=true`, {
      method: 'POST',
      body: JSON.stringify({ target: 'slow', allow: ['*'] }),
      headers: { 'content-type': 'application/json' },
      signal: leaving.signal,
    }).catch(() => undefined)
    let runs: readonly { id: string; status: string; target: string }[] = []
    while (!runs.some(({ target }) => target === 'slow')) runs = await listRuns()
    leaving.abort()
    await asked
    const { id } = runs.find(({ target }) => target === 'slow') as { id: string }
    const events = await readStream(await server.ask(`/v1/runs/${id}/events`))
    expect(events.at(-1)?.event).toBe('run-finished')
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({ data: { status: 'succeeded' } })
  })

  test('large contents are read by their digest, by their own run only', async () => {
    const input = 'long '.repeat(2_000)
    const { run } = (await json(await server.post('/v1/runs?wait=true', { target: 'echo', input }))) as unknown as {
      run: string
    }
    const [first] = await readStream(await server.ask(`/v1/runs/${run}/events`))
    const { sha256 } = JSON.parse(first?.data ?? '').data.input as { sha256: string }
    expect(await (await server.ask(`/v1/runs/${run}/values/${sha256}`)).text()).toContain('long long')
    const { run: other } = (await json(
      await server.post('/v1/runs?wait=true', { target: 'echo', input: 'x' }),
    )) as unknown as { run: string }
    expect((await server.ask(`/v1/runs/${other}/values/${sha256}`)).status).toBe(404)
    expect((await server.ask(`/v1/runs/${run}/values/nothing`)).status).toBe(404)
  })
})

async function listRuns() {
  const listed = (await json(await server.ask('/v1/runs'))) as unknown as {
    runs: readonly { id: string; status: string; target: string }[]
  }
  return listed.runs
}

describe('files that change', () => {
  test('a new ensemble, a new profile and a broken file show at once', async () => {
    server.write('profiles/late.yaml', 'name: late\nprovider: scripted\nmodel: late\n')
    server.write('ensembles/late.yaml', 'name: late\ndescription: d\nagents:\n- {name: one, model_profile: late}\n')
    await expect
      .poll(async () => (await server.post('/v1/runs?wait=true', { target: 'late', input: 'x' })).status, {
        timeout: 1_000,
      })
      .toBe(200)
    server.write('ensembles/broken.yaml', 'name: broken\nagents: [')
    const broken = await server.post('/v1/runs', { target: 'broken' })
    expect(broken.status).toBe(400)
    expect(await json(broken)).toMatchObject({
      problems: [{ file: expect.stringContaining('broken.yaml'), line: expect.any(Number) }],
    })
    expect((await server.post('/v1/runs?wait=true', { target: 'echo', input: 'x' })).status).toBe(200)
  })

  test('settings that cannot be used change nothing, and health says so', async () => {
    server.write('config.yaml', 'model_profiles: [')
    await expect
      .poll(async () => (await json(await server.ask('/health')))['status'], { timeout: 1_000 })
      .toBe('degraded')
    expect((await server.post('/v1/runs?wait=true', { target: 'echo', input: 'x' })).status).toBe(200)
    server.write('config.yaml', 'model_profiles:\n  p: { provider: scripted, model: rehearsal }\n')
    await expect.poll(async () => (await json(await server.ask('/health')))['status'], { timeout: 1_000 }).toBe('ok')
  })
})

describe('addresses of older programs', () => {
  test('Ai3: a prompt is planned, done and put together', async () => {
    const response = await server.post('/run', { prompt: 'Compare tea and coffee', model: ['embedded'] })
    expect(response.status).toBe(200)
    expect(await json(response)).toMatchObject({
      run_id: expect.any(String),
      output: expect.any(String),
      stats: { task_count: expect.any(Number) },
    })
    expect((await server.post('/run', {})).status).toBe(400)
    // No plan comes from this model: that is no fault of whoever asked.
    const failed = await server.post('/run', { prompt: 'no plan', model: ['p'] })
    expect([failed.status, await json(failed)]).toMatchObject([500, { code: 'plan_failed' }])
  })

  test('Ai3: the same as a stream under its names', async () => {
    const response = await server.post('/stream/run', { prompt: 'Compare tea and coffee', model: ['embedded'] })
    expect(response.headers.get('cache-control')).toBe('no-store, no-transform')
    const events = await readStream(response)
    expect(events.at(-1)?.data).toBe('[DONE]')
    const types = events.slice(0, -1).map(({ data }) => (JSON.parse(data) as { type: string }).type)
    expect(types.slice(0, 2)).toEqual(['plan', 'plan'])
    expect(types.slice(-2)).toEqual(['final', 'stats'])
    expect(new Set(types)).toEqual(
      new Set([
        'plan',
        'task_start',
        'decision',
        'task_artifact',
        'assemble_start',
        'final',
        'stats',
        ...(types.includes('task_verified') ? ['task_verified'] : []),
      ]),
    )
    expect(JSON.parse(events[1]?.data ?? '')).toMatchObject({
      status: 'completed',
      task_count: types.filter((type) => type === 'task_start').length,
    })
  })

  test('LLM Orchestra: ensembles, profiles, scripts and artifacts', async () => {
    for (const path of [
      '/api/ensembles',
      '/api/ensembles/echo',
      '/api/ensembles/echo/runnable',
      '/api/profiles',
      '/api/scripts',
      '/api/artifacts',
      '/health',
    ])
      expect((await server.ask(path)).status, path).toBe(200)
    const executed = await json(await server.post('/api/ensembles/echo/execute', { input: 'hello' }))
    expect(executed).toMatchObject({ status: 'success', results: { one: { status: 'success' } } })
    const missing = await server.post('/api/ensembles/nothing/execute', { input: 'hello' })
    expect(missing.status).toBe(404)
    expect(await json(missing)).toMatchObject({ error: expect.stringContaining('nothing') })
  })
})

test('metrics count runs, calls and streams in the text format', async () => {
  const text = await (await server.ask('/metrics')).text()
  expect(text).toMatch(/llm_orc_runs_finished_total\{status="succeeded"\} \d+/)
  expect(text).toMatch(/llm_orc_tokens_total\{direction="output"\} \d+/)
  expect(text).toMatch(/llm_orc_event_loop_lag_seconds [\d.]+/)
  for (const line of text.trim().split('\n'))
    expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[^}]*\})? -?[\d.e+-]+)$/)
})

describe('batches', () => {
  test('every input is a run of its own, at most so many at once', async () => {
    const inputs = Array.from({ length: 7 }, (_, index) => `input ${index}`)
    const begun = await server.post('/v1/batches', { target: 'echo', inputs, concurrency: 3 })
    expect(begun.status).toBe(202)
    const place = begun.headers.get('location') as string
    const events = await readStream(await server.ask(`${place}/events`))
    expect(events.at(-1)?.event).toBe('batch-ended')
    let running = 0
    let most = 0
    for (const { event } of events) {
      running += event === 'item-started' ? 1 : event === 'item-ended' ? -1 : 0
      most = Math.max(most, running)
    }
    expect(most).toBe(3)
    const report = (await json(await server.ask(place))) as unknown as {
      counts: object
      items: readonly { run: string; status: string }[]
    }
    expect(report.counts).toEqual({ succeeded: 7 })
    const shown = await json(await server.ask(`/v1/runs/${report.items[4]?.run}`))
    expect(shown).toMatchObject({ report: { input: 'input 4', status: 'succeeded' } })
    expect((await server.ask(`${place}/events?after=${events.length}`)).status).toBe(204)
    expect(await json(await server.ask('/v1/batches'))).toMatchObject({ batches: [{ items: 7, status: 'ended' }] })
  })

  test('one item that fails ends no other; without inputs nothing begins', async () => {
    expect((await server.post('/v1/batches', { target: 'echo' })).status).toBe(400)
    expect((await server.post('/v1/batches', { target: 'nothing', inputs: ['x'] })).status).toBe(404)
    server.write(
      'ensembles/picky.yaml',
      'name: picky\ndescription: d\nagents:\n- {name: one, script: "grep -q good && echo {}"}\n',
    )
    const report = await json(
      await server.post('/v1/batches?wait=true', { target: 'picky', inputs: ['good', 'bad', 'good'], allow: ['*'] }),
    )
    expect(report).toMatchObject({ status: 'ended', counts: { succeeded: 2, failed: 1 } })
  })
})
