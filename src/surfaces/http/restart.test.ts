import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'
import { type Desk, makeServedProject, openServer, readStream, type SseEvent } from './serve.fixture.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'main.ts')
/** Four steps one after another, each of which takes a while. */
const STEPS = ['a', 'b', 'c', 'd']
const SLOW = `name: slow
description: d
agents:
${STEPS.map((name, index) => `- {name: ${name}, model_profile: p${index === 0 ? '' : `, depends_on: [${STEPS[index - 1]}]`}}`).join('\n')}
`
const FILES = { 'ensembles/slow.yaml': SLOW, 'answers.yaml': 'default: { text: "said", delay_ms: 150 }\n' }

const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

interface Started {
  readonly url: string
  readonly child: ChildProcess
  readonly lines: readonly string[]
  readonly ended: Promise<number | null>
}

async function start(desk: Desk): Promise<Started> {
  const child = spawn(process.execPath, [MAIN, 'serve', '--port', '0'], {
    cwd: desk.cwd,
    env: desk.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  const lines: string[] = []
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      lines.push(line)
      const found = /Listening at (\S+)/.exec(line)?.[1]
      if (found) resolve(found)
    })
    void ended.then((code) => reject(new Error(`it ended with ${code}: ${lines.join('\n')}`)))
  })
  return { url, child, lines, ended }
}

async function begin({ url }: Started): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/v1/runs`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ target: 'slow', input: 'x' }),
  })
  const begun = (await response.json()) as { run: string }
  if (!response.ok) throw new Error(JSON.stringify(begun))
  return begun.run
}

/** Events of a run from a cursor on, until its end or until the server is gone. */
async function read({ url }: Started, run: string, after: number): Promise<readonly SseEvent[]> {
  const events: SseEvent[] = []
  // It may be gone before it has said a word.
  await fetch(`${url}/v1/runs/${run}/events`, { headers: after > 0 ? { 'last-event-id': String(after) } : {} })
    .then((response) =>
      readStream(response, (event) => {
        events.push(event)
        return false
      }),
    )
    .catch(() => {})
  return events
}

const numbersOf = (events: readonly SseEvent[]) => events.flatMap(({ id }) => (id ? [Number(id)] : []))

test('kill -9 under load: the next server takes the runs up, and clients go on by cursor', async () => {
  const desk = makeServedProject(FILES)
  const first = await start(desk)
  const runs = await Promise.all(Array.from({ length: 6 }, () => begin(first)))
  const reading = runs.map((run) => read(first, run, 0))
  await new Promise((resolve) => setTimeout(resolve, 300))
  first.child.kill('SIGKILL')
  await first.ended
  const before = await Promise.all(reading)
  const second = await start(desk)
  for (const [index, run] of runs.entries()) {
    const seen = numbersOf(before[index] ?? [])
    const rest = await read(second, run, seen.at(-1) ?? 0)
    const all = [...seen, ...numbersOf(rest)]
    expect(all).toEqual(all.map((_, at) => at + 1))
    expect(JSON.parse(rest.at(-1)?.data ?? '')).toMatchObject({ type: 'run-finished', data: { status: 'succeeded' } })
    expect(rest.some(({ event }) => event === 'run-resumed')).toBe(true)
  }
})

test('told to stop, a server lets its runs end, and says so on its streams', async () => {
  const desk = makeServedProject(FILES)
  const server = await start(desk)
  const run = await begin(server)
  const reading = read(server, run, 0)
  await new Promise((resolve) => setTimeout(resolve, 100))
  server.child.kill('SIGTERM')
  expect(await server.ended).toBe(0)
  const events = await reading
  expect(events.at(-1)?.event).toBe('run-finished')
})

test('a batch that was cut off goes on with its next item, and none is run twice', async () => {
  const desk = makeServedProject(FILES)
  const first = await start(desk)
  const inputs = Array.from({ length: 6 }, (_, index) => `input ${index}`)
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ target: 'slow', inputs, concurrency: 2 })
  const begun = await fetch(`${first.url}/v1/batches`, { method: 'POST', headers, body })
  const place = begun.headers.get('location') as string
  await new Promise((resolve) => setTimeout(resolve, 900))
  first.child.kill('SIGKILL')
  await first.ended
  const second = await start(desk)
  const events = await readStream(await fetch(`${second.url}${place}/events`))
  expect(events.at(-1)?.event).toBe('batch-ended')
  expect(events.filter(({ event }) => event === 'item-ended')).toHaveLength(6)
  const report = (await (await fetch(`${second.url}${place}`)).json()) as { counts: object }
  expect(report.counts).toEqual({ succeeded: 6 })
  const { runs } = (await (await fetch(`${second.url}/v1/runs`)).json()) as { runs: readonly object[] }
  expect(runs).toHaveLength(6)
})

test('runs that do not end in time are let go of, and the next server takes them up at once', async () => {
  const desk = makeServedProject({ ...FILES, 'answers.yaml': 'default: { text: "said", delay_ms: 700 }\n' })
  const first = await openServer(desk, { grace_ms: 100 })
  const { run } = (await (await first.post('/v1/runs', { target: 'slow', input: 'x' })).json()) as { run: string }
  const reading = readStream(await first.ask(`/v1/runs/${run}/events`))
  await first.close()
  expect((await reading).at(-1)?.event).toBe('shutdown')
  const second = await openServer(desk)
  expect(second.log).toContain(`Taken up: ${run}`)
  const events = await readStream(await second.ask(`/v1/runs/${run}/events`))
  expect(events.at(-1)?.event).toBe('run-finished')
  expect(events.some(({ event }) => event === 'run-resumed')).toBe(true)
  await second.close()
})
