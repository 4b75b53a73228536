/** F25: a run is cancelled in each of ten states. `ROUNDS` runs of each at once; `SECURITY=full` asks for all 20. */
import { existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeServedProject, openServer, type Served } from './serve.fixture.ts'

const ROUNDS = process.env.SECURITY === 'full' ? 20 : 3
/** A far bound: what does not obey is let go of after 5 s. */
const LONGEST_MS = 4_000

/** What one upstream has seen. */
interface Seen {
  calls: number
  bytes: number
  open: number
}

interface State {
  readonly name: string
  /** What the model's server does with a call; default: it has none. */
  answer?(write: (text: string) => void, finish: (status: number, headers: Record<string, string>) => void): void
  /** Whether so many runs have come where they are to be cancelled. */
  reached(seen: Seen, events: readonly string[]): boolean
  /** Below `.llm-orc/`. */
  readonly files?: Readonly<Record<string, string>>
  readonly agents?: string
  readonly provider?: string
  readonly body?: object
}

const word = 'data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
const STATES: readonly State[] = [
  {
    name: 'queue',
    agents: '- {name: one, model_profile: P}\n- {name: two, model_profile: P}\n- {name: three, model_profile: P}\n',
    body: { max_concurrent: 1 },
    answer: (write) => write(word),
    reached: ({ calls }) => calls === ROUNDS,
  },
  { name: 'connect', provider: 'tls', reached: ({ open }) => open >= 1 },
  { name: 'first', answer: () => {}, reached: ({ calls }) => calls === ROUNDS },
  {
    name: 'stream',
    answer: (write) => {
      for (let n = 0; n < 5; n += 1) write(word)
      setInterval(() => write(word), 20).unref()
    },
    reached: ({ calls, bytes }) => calls === ROUNDS && bytes > ROUNDS * 8 * word.length,
  },
  {
    name: 'tool',
    agents: '- {name: one, script: "while true; do echo x >> beat-$$; echo x >> beat; sleep 0.05; done"}\n',
    body: { allow: ['*'] },
    reached: () => beats() > 3 * ROUNDS,
  },
  {
    name: 'approval',
    agents: '- {name: one, script: "echo gone"}\n',
    reached: (_, events) => events.filter((type) => type === 'run-paused').length === ROUNDS,
  },
  {
    name: 'compaction',
    agents:
      '- {name: one, script: "seq 1 4000"}\n- {name: two, model_profile: P, depends_on: [one], context: {budget_tokens: 2000, overflow: summarise}}\n',
    body: { allow: ['*'] },
    answer: (write) => write(word),
    reached: ({ calls }) => calls === ROUNDS,
  },
  {
    name: 'retry',
    answer: (_, finish) => finish(503, { 'retry-after': '50' }),
    // After the first refusal the others may be held back before they call.
    reached: (_, events) =>
      events.filter((type) => type === 'effect-intended').length >= ROUNDS && events.includes('effect-failed'),
  },
  {
    name: 'nested',
    agents: '- {name: one, ensemble: nested-2}\n',
    files: {
      'ensembles/nested-2.yaml': 'name: nested-2\ndescription: d\nagents:\n- {name: one, ensemble: nested-3}\n',
      'ensembles/nested-3.yaml': 'name: nested-3\ndescription: d\nagents:\n- {name: one, model_profile: nested}\n',
    },
    answer: (write) => write(word),
    reached: ({ calls }) => calls === ROUNDS,
  },
  {
    name: 'turn',
    provider: 'limited',
    agents: '- {name: one, model_profile: P}\n- {name: two, model_profile: P}\n',
    answer: (write) => write(word),
    reached: ({ calls }, events) =>
      calls === 1 && events.filter((type) => type === 'effect-intended').length === 2 * ROUNDS,
  },
]

const seen = new Map<string, Seen>()
const upstreams: Server[] = []
let server: Served

const beats = () => {
  const file = join(server.cwd, 'beat')
  return existsSync(file) ? statSync(file).size / 2 : 0
}

beforeAll(async () => {
  const providers: string[] = []
  const profiles: string[] = []
  const files: Record<string, string> = { 'policy.yaml': "rules:\n- { tool: 'script(echo gone)', decision: ask }\n" }
  for (const { name, answer, provider, agents, files: own } of STATES) {
    const scheme = provider === 'tls' ? 'https' : 'http'
    const url = `${scheme}://127.0.0.1:${await openUpstream(name, answer)}/v1`
    const limits = provider === 'limited' ? ', limits: {requests_per_minute: 1}' : ''
    providers.push(`  ${name}: {type: openai-compatible, base_url: "${url}"${limits}}\n`)
    profiles.push(`  ${name}: {provider: ${name}, model: m}\n`)
    const list = (agents ?? '- {name: one, model_profile: P}\n').replaceAll(
      'model_profile: P',
      `model_profile: ${name}`,
    )
    files[`ensembles/${name}.yaml`] = `name: ${name}\ndescription: d\nagents:\n${list}`
    Object.assign(files, own)
  }
  files['config.yaml'] = `providers:\n${providers.join('')}model_profiles:\n${profiles.join('')}`
  const desk = makeServedProject(files)
  server = await openServer({ ...desk, env: { ...desk.env, LLM_ORC_SANDBOX_FALLBACK: 'process' } })
})

afterAll(async () => {
  await server.close()
  for (const upstream of upstreams) upstream.close()
})

/** Answers with its port. */
async function openUpstream(name: string, answer: State['answer']): Promise<number> {
  const own: Seen = { calls: 0, bytes: 0, open: 0 }
  seen.set(name, own)
  const upstream = answer
    ? createServer((request, response) => {
        request.resume()
        own.calls += 1
        const write = (text: string) => {
          if (response.destroyed) return
          if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' })
          response.write(text)
          own.bytes += text.length
        }
        answer(write, (status, headers) => response.writeHead(status, headers).end('{}'))
      })
    : createTcpServer()
  upstream.on('connection', (socket: Socket) => {
    own.open += 1
    socket.on('error', () => {}).once('close', () => (own.open -= 1))
    // A server that never says hello.
    if (!answer) socket.on('data', (chunk) => (own.bytes += chunk.length))
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  upstreams.push(upstream)
  return (upstream.address() as AddressInfo).port
}

async function begin({ name, body }: State): Promise<string> {
  const begun = await server.post('/v1/runs', { target: name, input: 'x', ...body })
  return ((await begun.json()) as { readonly run: string }).run
}

interface Page {
  readonly events: readonly { readonly type: string; readonly data: { readonly status?: string } }[]
  readonly next?: number
}

async function eventsOf(run: string): Promise<Page['events']> {
  const all: Page['events'][number][] = []
  for (let after: number | undefined = 0; after !== undefined; ) {
    const path = `/v1/runs/${run}/events?after=${after}`
    const response = await server.ask(path, { headers: { accept: 'application/json' } })
    const page = (await response.json()) as Page
    all.push(...page.events)
    after = page.next
  }
  return all
}

const table: string[] = []

describe('F25 I14 cancel', () => {
  test.each(STATES)('while $name: every run ends, and nothing more is sent', { timeout: 60_000 }, async (state) => {
    const own = seen.get(state.name) as Seen
    const runs = await Promise.all(Array.from({ length: ROUNDS }, () => begin(state)))
    await expect
      .poll(
        async () => {
          const events = (await Promise.all(runs.map(eventsOf))).flat().map(({ type }) => type)
          return state.reached(own, events)
        },
        { timeout: 20_000, interval: 50 },
      )
      .toBe(true)
    const times = await Promise.all(
      runs.map(async (run) => {
        const since = performance.now()
        const ended = await server.post(`/v1/runs/${run}/cancel?wait=true`, {})
        expect(ended.status).toBe(200)
        return performance.now() - since
      }),
    )
    await sleep(500)
    const before = { ...own, beats: beats() }
    await sleep(300)
    expect({ ...own, beats: beats() }).toEqual(before)
    // A line that is kept for the next call, or that does not stand yet, carries nothing: the pool closes it in its own time.
    if (state.name !== 'retry' && state.name !== 'connect') expect(own.open).toBe(0)
    for (const run of runs)
      expect((await eventsOf(run)).at(-1)).toMatchObject({ type: 'run-finished', data: { status: 'cancelled' } })
    const most = Math.max(...times)
    table.push(`${state.name}: ${ROUNDS} runs, at most ${Math.round(most)} ms`)
    expect(most).toBeLessThan(LONGEST_MS)
  })

  test('in ten states', () => {
    expect(table).toHaveLength(10)
    console.log(table.join('\n'))
  })
})
