/** A server in this process: a project of its own, a free port, and a look at every answer through the eyes of the OpenAPI document. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createParser } from 'eventsource-parser'
import type { App } from '../../app/app.ts'
import { createApp } from '../../app/create-app.ts'
import { createConformity } from './conformity.fixture.ts'
import { type Listening, listenHttp } from './listen.ts'
import { API } from './server.ts'

export interface Desk {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  write(file: string, text: string): void
}

/** Files stand below `.llm-orc/`, those whose names begin with `~/` in the user's own folder. Profile `p` is a scripted model, and `answers.yaml` its script. */
export function makeServedProject(files: Readonly<Record<string, string>> = {}): Desk {
  const folder = mkdtempSync(join(tmpdir(), 'llm-orc-served-'))
  const cwd = join(folder, 'project')
  const home = join(folder, 'home')
  const own = join(home, 'config', 'llm-orchestrator')
  const write = (file: string, text: string) => {
    const path = file.startsWith('~/') ? join(own, file.slice(2)) : join(cwd, '.llm-orc', file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  const all = { 'config.yaml': CONFIG, 'answers.yaml': 'default: { text: "{{input}}" }\n', ...files }
  for (const [file, text] of Object.entries(all)) write(file, text)
  mkdirSync(home, { recursive: true })
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_DATA_HOME: join(home, 'data'),
    XDG_STATE_HOME: join(home, 'state'),
    XDG_CACHE_HOME: join(home, 'cache'),
    LLM_ORC_SCRIPT: join(cwd, '.llm-orc', 'answers.yaml'),
    // `npm run test:replay` verifies every run as it ends.
    LLM_ORC_VERIFY_RUNS: process.env.LLM_ORC_VERIFY_RUNS,
  }
  return { cwd, env, write }
}

const CONFIG = 'model_profiles:\n  p: { provider: scripted, model: rehearsal }\n'

export interface Served extends Desk {
  readonly url: string
  readonly app: App
  /** What answers did that the document does not say. */
  readonly violations: readonly string[]
  readonly log: readonly string[]
  /** Checks the answer against the document. */
  ask(path: string, init?: RequestInit): Promise<Response>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
  close(): Promise<void>
}

export async function openServer(
  desk: Desk = makeServedProject(),
  limits: Omit<Listening, 'say'> = {},
): Promise<Served> {
  const app = await createApp({ cwd: desk.cwd, env: desk.env })
  const stop = new AbortController()
  const log: string[] = []
  const say = (line: string) => void log.push(line)
  const face = await listenHttp(
    app,
    { host: '127.0.0.1', port: 0 },
    { grace_ms: 2_000, ...limits, say, signal: stop.signal },
  )
  const url = face.url as string
  const conformity = createConformity(API)
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${url}${path}`, init)
    await conformity.check(init.method ?? 'GET', path, response)
    return response
  }
  return {
    ...desk,
    url,
    app,
    log,
    violations: conformity.violations,
    ask,
    post: (path, body, headers = {}) =>
      ask(path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      }),
    close: async () => {
      stop.abort()
      await face.closed
      await app.close()
    },
  }
}

export interface SseEvent {
  readonly id: string | undefined
  readonly event: string | undefined
  readonly data: string
}

/** Reads a stream until `enough` says so or it ends. */
export async function readStream(
  response: Response,
  enough: (event: SseEvent) => boolean = () => false,
): Promise<readonly SseEvent[]> {
  const events: SseEvent[] = []
  let done = false
  const parser = createParser({
    onEvent: ({ id, event, data }) => {
      if (done) return
      const one = { id, event, data }
      events.push(one)
      done = enough(one)
    },
  })
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  while (!done) {
    const { done: over, value } = await reader.read()
    if (over) break
    parser.feed(decoder.decode(value, { stream: true }))
  }
  await reader.cancel().catch(() => {})
  return events
}
