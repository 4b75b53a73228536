import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { bearer, makeKey } from './access.fixture.ts'
import { makeServedProject, openServer, readStream, type Served } from './serve.fixture.ts'

const ENSEMBLE = `name: slow
description: Takes its time.
agents:
  - { name: one, model_profile: p }
`
const script = (delay_ms: number) => `default: { text: 'it was {{input}}', delay_ms: ${delay_ms} }\n`
const makeDesk = (delay_ms: number) =>
  makeServedProject({ 'ensembles/slow.yaml': ENSEMBLE, 'answers.yaml': script(delay_ms) })

const read = async <T>(response: Response | Promise<Response>) => (await (await response).json()) as T
type Batch = {
  readonly batch: string
  readonly status: string
  readonly counts: Readonly<Record<string, number>>
  readonly items: readonly { readonly run: string; readonly status: string }[]
}

async function begin(server: Served, wish: object, headers = {}): Promise<Batch> {
  return read(server.post('/v1/batches', { target: 'slow', ...wish }, headers))
}

/** From its first event to its last; ms. */
async function lifeOf(server: Served, run: string, headers: Record<string, string>) {
  type Page = { readonly events: readonly { readonly at: number; readonly type: string }[] }
  const { events } = await read<Page>(
    server.ask(`/v1/runs/${run}/events`, { headers: { ...headers, accept: 'application/json' } }),
  )
  return { from: events[0]?.at ?? 0, to: events.at(-1)?.at ?? 0, end: events.at(-1)?.type }
}

test('S20 several batches of one key have no more runs under way together than the key may have', async () => {
  const server = await openServer(makeDesk(150))
  const { key } = await makeKey(server.app, 'narrow', { scopes: ['read', 'run'], max_concurrent: 2 })
  const wish = { inputs: ['a', 'b', 'c'], concurrency: 2 }
  const batches = await Promise.all([1, 2, 3].map(() => begin(server, wish, bearer(key))))
  const lives: Awaited<ReturnType<typeof lifeOf>>[] = []
  for (const { batch, items } of batches) {
    await readStream(await server.ask(`/v1/batches/${batch}/events`, { headers: bearer(key) }))
    const ended = await read<Batch>(server.ask(`/v1/batches/${batch}`, { headers: bearer(key) }))
    expect(ended.counts).toEqual({ succeeded: 3 })
    for (const { run } of items) lives.push(await lifeOf(server, run, bearer(key)))
  }
  const most = Math.max(...lives.map(({ from }) => lives.filter((each) => each.from <= from && from < each.to).length))
  expect(most).toBeLessThanOrEqual(2)
  await server.close()
})

test('S20 what is taken up after a restart keeps to the places of the key that began it', async () => {
  const desk = makeDesk(400)
  const first = await openServer(desk, { grace_ms: 0 })
  const { key } = await makeKey(first.app, 'narrow', { scopes: ['read', 'run'], max_concurrent: 2 })
  const wish = { inputs: ['a', 'b', 'c'], concurrency: 2 }
  const batches = await Promise.all([1, 2].map(() => begin(first, wish, bearer(key))))
  await sleep(200)
  await first.close()
  const second = await openServer(desk, { grace_ms: 5_000 })
  expect(second.log.join('\n')).toContain(batches[0]?.batch)
  const lives: Awaited<ReturnType<typeof lifeOf>>[] = []
  for (const { batch, items } of batches) {
    await readStream(await second.ask(`/v1/batches/${batch}/events`, { headers: bearer(key) }))
    const ended = await read<Batch>(second.ask(`/v1/batches/${batch}`, { headers: bearer(key) }))
    expect(ended.counts).toEqual({ succeeded: 3 })
    for (const { run } of items) lives.push(await lifeOf(second, run, bearer(key)))
  }
  const most = Math.max(...lives.map(({ from }) => lives.filter((each) => each.from <= from && from < each.to).length))
  expect(most).toBeLessThanOrEqual(2)
  await second.close()
})

test('S20 a fork takes a place like any other run', async () => {
  const server = await openServer(makeDesk(400))
  const { key } = await makeKey(server.app, 'narrow', { scopes: ['read', 'run'], max_concurrent: 1 })
  type Run = { readonly run: string }
  const { run } = await read<Run>(server.post('/v1/runs?wait=true', { target: 'slow', input: 'x' }, bearer(key)))
  const fork = () => server.post(`/v1/runs/${run}/fork`, { at: 3 }, bearer(key))
  const answers = await Promise.all([fork(), fork(), fork()])
  expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 429, 429])
  await server.close()
})

test('what a server took up of a batch is cancelled with it, also when its definition has changed since', async () => {
  const desk = makeDesk(60_000)
  const first = await openServer(desk, { grace_ms: 0 })
  const { batch } = await begin(first, { inputs: ['a', 'b', 'c'], concurrency: 2 })
  await sleep(300)
  await first.close()
  desk.write('ensembles/slow.yaml', ENSEMBLE.replace('name: one', 'name: other'))
  const second = await openServer(desk, { grace_ms: 0 })
  expect(second.log.join('\n')).toContain(`${batch}: the definition of the batch`)
  const cancelled = await read<Batch>(second.ask(`/v1/batches/${batch}/cancel`, { method: 'POST' }))
  expect(cancelled).toMatchObject({ status: 'cancelled', counts: { cancelled: 2, waiting: 1 } })
  for (const { run } of cancelled.items.slice(0, 2)) expect((await lifeOf(second, run, {})).end).toBe('run-finished')
  await second.close()
})

test('a batch whose runs were taken up first is cancelled with them, and holds up no shutdown', async () => {
  const desk = makeDesk(60_000)
  const first = await openServer(desk, { grace_ms: 0 })
  const { batch } = await begin(first, { inputs: ['a', 'b'], concurrency: 1 })
  await sleep(300)
  await first.close()
  // Taken up, and let go of again: it goes on where it was.
  await (await openServer(desk, { grace_ms: 0 })).close()
  const third = await openServer(desk, { grace_ms: 0 })
  await third.ask(`/v1/batches/${batch}/cancel`, { method: 'POST' })
  const events = await readStream(await third.ask(`/v1/batches/${batch}/events`))
  expect(events.at(-1)?.event).toBe('batch-ended')
  const { items } = await read<Batch>(third.ask(`/v1/batches/${batch}`))
  expect(items.map(({ status }) => status)).toEqual(['cancelled', 'waiting'])
  expect((await lifeOf(third, items[0]?.run ?? '', {})).end).toBe('run-finished')
  await third.close()
})
