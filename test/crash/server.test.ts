import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { afterEach, expect, test } from 'vitest'
import type { Event } from '../../src/events/event.ts'
import { makeServedProject, readStream } from '../../src/surfaces/http/serve.fixture.ts'
import { type Started, startProgram } from '../processes.ts'

const STREAMS = 24
const RUNS = 8
/** Words of a model, a mark on the world that must not be made twice, words again. */
const FILES = {
  'ensembles/work.yaml': `name: work
description: d
agents:
- { name: first, model_profile: p }
- name: mark
  depends_on: [first]
  script: 'printf "%s" "$INPUT_DATA" | grep -o "job-[0-9]*" | head -n 1 >> marks.txt; sleep 0.2'
- { name: last, model_profile: p, depends_on: [mark] }
`,
  'answers.yaml':
    'default: { text: "well {{input}} that is that", chunks: 6, between_ms: 60, usage: { input: 9000 } }\n',
}

const started: Started[] = []

afterEach(() => {
  for (const { child } of started.splice(0)) child.kill('SIGKILL')
})

interface Server extends Started {
  readonly url: string
  readonly lines: readonly string[]
}

async function serve(desk: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }): Promise<Server> {
  const env = Object.fromEntries(Object.entries(desk.env).filter((entry): entry is [string, string] => !!entry[1]))
  const server = startProgram(['serve', '--port', '0'], { cwd: desk.cwd, env })
  started.push(server)
  const lines: string[] = []
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: server.child.stderr }).on('line', (line) => {
      lines.push(line)
      const found = /Listening at (\S+)/.exec(line)?.[1]
      if (found) resolve(found)
    })
    void server.done.then(({ stderr }) => reject(new Error(`it ended: ${stderr}`)))
  })
  return { ...server, url, lines }
}

/** What a run's stream told until it ended or broke. */
async function follow({ url }: Server, run: string, after: number): Promise<readonly Event[]> {
  const events: Event[] = []
  const response = await fetch(`${url}/v1/runs/${run}/events?after=${after}`)
  await readStream(response, ({ id, data }) => {
    const event = id ? (JSON.parse(data) as Event) : undefined
    if (event) events.push(event)
    return event?.type === 'run-finished' || event?.type === 'run-paused'
  }).catch(() => {})
  return events
}

test('kill -9 under load of OpenAI streams: no run is lost, no mark is made twice, clients go on by cursor', async () => {
  const desk = makeServedProject(FILES)
  const marks = () => {
    const file = join(desk.cwd, 'marks.txt')
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
  }
  const first = await serve(desk)
  const openai = new OpenAI({ baseURL: `${first.url}/v1`, apiKey: 'none', maxRetries: 0 })
  const begun = new Set<string>()
  const followed = new Map<string, Promise<readonly Event[]>>()
  let broken = 0
  const note = (run: string) => {
    begun.add(run)
    followed.set(
      run,
      follow(first, run, 0).catch(() => []),
    )
  }
  const stream = async (job: number) => {
    await sleep(job * 25)
    const messages = [{ role: 'user' as const, content: `job-${job}` }]
    const asked = openai.chat.completions.create({ model: 'ensemble/work', messages, stream: true })
    const { data, response } = await asked.withResponse()
    note(response.headers.get('x-llm-orc-run') ?? '')
    let finish: unknown
    for await (const { choices } of data) finish = choices[0]?.finish_reason ?? finish
    if (finish !== 'stop') throw new Error('the stream ended without its end')
  }
  const submit = async (job: number) => {
    await sleep((job - STREAMS) * 75)
    const body = JSON.stringify({ target: 'work', input: `job-${job}` })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${first.url}/v1/runs`, { method: 'POST', headers, body })
    note(((await answer.json()) as { run: string }).run)
  }
  const load = Array.from({ length: STREAMS + RUNS }, (_, job) =>
    (job < STREAMS ? stream(job) : submit(job)).catch(() => void (broken += 1)),
  )
  await expect.poll(() => marks().length, { timeout: 60_000, interval: 5 }).toBeGreaterThan(14)
  first.child.kill('SIGKILL')
  await first.done
  await Promise.all(load)
  const before = new Map(await Promise.all([...followed].map(async ([run, told]) => [run, await told] as const)))

  const second = await serve(desk)
  const listed = await fetch(`${second.url}/v1/runs?limit=500`)
  const { runs } = (await listed.json()) as { readonly runs: readonly { readonly id: string }[] }
  const known = new Set(runs.map(({ id }) => id))
  expect([...begun].filter((run) => !known.has(run))).toEqual([])
  const ends = { succeeded: 0, waits: 0 }
  let resumed = 0
  let ended = 0
  for (const run of known) {
    const seen = before.get(run) ?? []
    const isOver = seen.at(-1)?.type === 'run-finished'
    const rest = isOver ? [] : await follow(second, run, seen.at(-1)?.seq ?? 0)
    const all = [...seen, ...rest]
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, at) => at + 1))
    for (const [at, event] of all.entries()) expect(event.prev).toBe(all[at - 1]?.hash ?? event.prev)
    if (isOver) ended += 1
    if (all.some(({ type }) => type === 'run-resumed')) resumed += 1
    const last = all.at(-1)
    const unknown = all.some(({ type }) => type === 'effect-unknown')
    if (last?.type === 'run-finished' && last.data.status === 'succeeded') ends.succeeded += 1
    else if (last?.type === 'run-paused' && unknown) ends.waits += 1
    else throw new Error(`${run} ended with ${JSON.stringify(last)}`)
  }
  const made = marks()
  console.log(
    `${runs.length} runs had begun, ${begun.size} of them known to their clients; at the kill ${ended} had ended, ${broken} streams and calls broke; ${resumed} were taken up: ${ends.succeeded} succeeded, ${ends.waits} wait for a word; ${made.length} marks, ${made.length - new Set(made).size} twice`,
  )
  expect(broken).toBeGreaterThan(0)
  expect(resumed).toBeGreaterThan(0)
  expect(ends.succeeded + ends.waits).toBe(runs.length)
  expect(made).toHaveLength(new Set(made).size)
  expect(made.length).toBeGreaterThanOrEqual(ends.succeeded)
}, 180_000)
