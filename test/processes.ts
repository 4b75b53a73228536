/** Real processes for tests: the program itself, and the fake server. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export const root = join(import.meta.dirname, '..')

export interface Finished {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
}

export interface Started {
  readonly child: ChildProcessWithoutNullStreams
  readonly done: Promise<Finished>
}

/** A folder of its own for a user: home, data and config. */
export function makeHome(): { readonly home: string; readonly env: Record<string, string> } {
  const home = mkdtempSync(join(tmpdir(), 'llm-orc-home-'))
  return {
    home,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: home,
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_DATA_HOME: join(home, 'data'),
      XDG_STATE_HOME: join(home, 'state'),
      XDG_CACHE_HOME: join(home, 'cache'),
      TERM: 'dumb',
      LANG: 'C.UTF-8',
      ...copyOf('LLM_ORC_VERIFY_RUNS', 'NODE_COMPILE_CACHE'),
    },
  }
}

/** What concerns the tests, not the user. */
function copyOf(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

/** Starts the program from source, as a user's shell would. */
export function startProgram(
  args: readonly string[],
  how: { readonly cwd: string; readonly env: Record<string, string>; readonly input?: string },
): Started {
  return start([join(root, 'src', 'main.ts'), ...args], how)
}

export function runProgram(
  args: readonly string[],
  how: { readonly cwd: string; readonly env: Record<string, string>; readonly input?: string },
): Promise<Finished> {
  return startProgram(args, how).done
}

function start(
  args: readonly string[],
  how: { readonly cwd: string; readonly env: Record<string, string>; readonly input?: string },
): Started {
  const began = performance.now()
  const child = spawn(process.execPath, args, { cwd: how.cwd, env: how.env, stdio: ['pipe', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin.on('error', () => {})
  child.stdin.end(how.input ?? '')
  const done = new Promise<Finished>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr, ms: performance.now() - began }))
  })
  return { child, done }
}

export interface FakeServer {
  readonly url: string
  stats(): Promise<{
    requests: number
    running: number
    most: number
    aborted: number
    prompts: Record<string, number>
  }>
  stop(): void
}

/** The fake OpenAI-compatible server, in a process of its own. */
export async function startFakeServer(latency = 0): Promise<FakeServer> {
  const child = spawn(process.execPath, [join(root, 'test', 'fixtures', 'fake-server.ts'), String(latency)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const port = await new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve))
  const url = `http://127.0.0.1:${port}`
  return {
    url: `${url}/v1`,
    stats: async () => (await (await fetch(`${url}/stats`)).json()) as Awaited<ReturnType<FakeServer['stats']>>,
    stop: () => void child.kill('SIGKILL'),
  }
}
