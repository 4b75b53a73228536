/** `llm-orc serve` as a user starts it, and everything it keeps. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { runProgram, startProgram } from '../processes.ts'
import { makeProject, type Project } from '../scenarios/project.ts'

export interface ServedProgram extends Project {
  readonly url: string
  readonly port: number
  /** A run that has ended. */
  readonly run: string
  ask(path: string, body: unknown): Promise<{ readonly [field: string]: unknown }>
  /** The key itself. */
  makeKey(name: string): Promise<string>
  /** What all files of the project and of the user hold; of databases their rows. By path. */
  takeStock(): ReadonlyMap<string, string>
  stop(): Promise<{ readonly code: number | null; readonly stderr: string }>
}

const FILES = {
  'config.yaml': 'model_profiles:\n  p: { provider: scripted, model: rehearsal }\n',
  'answers.yaml': 'default: { text: "{{input}}" }\n',
  'ensembles/echo.yaml': 'name: echo\ndescription: says it again\nagents:\n  - name: say\n    model_profile: p\n',
}

export async function serveProgram(): Promise<ServedProgram> {
  const { cwd, env: home } = makeProject(FILES)
  const env: Record<string, string> = { ...home, LLM_ORC_SCRIPT: join(cwd, '.llm-orc', 'answers.yaml') }
  const { child, done } = startProgram(['serve', '--port', '0'], { cwd, env })
  const url = await new Promise<string>((resolve, reject) => {
    let said = ''
    child.stderr.on('data', (text: string) => {
      said += text
      const at = /Listening at (http:\S+)/.exec(said)?.[1]
      if (at !== undefined) resolve(at)
    })
    void done.then(({ stderr }) => reject(new Error(stderr)))
  })
  const ask: ServedProgram['ask'] = async (path, body) => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body), headers })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as { readonly [field: string]: unknown }
  }
  const { run } = await ask('/v1/runs?wait=true', { target: 'echo', input: 'x' })
  return {
    cwd,
    env,
    url,
    port: Number(new URL(url).port),
    run: String(run),
    ask,
    makeKey: async (name) => {
      const words = ['keys', 'create', name, '--scopes', 'admin', '--output', 'json']
      const { code, stdout, stderr } = await runProgram(words, { cwd, env })
      if (code !== 0) throw new Error(stderr)
      return (JSON.parse(stdout) as { readonly key: string }).key
    },
    takeStock: () => new Map([cwd, env.HOME as string].flatMap((folder) => listContents(folder))),
    stop: async () => {
      child.kill('SIGTERM')
      return done
    },
  }
}

function listContents(folder: string): [string, string][] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/-(wal|shm)$/.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => [path, hash(readContents(path))])
}

function readContents(path: string): string | Buffer {
  const bytes = readFileSync(path)
  if (bytes.subarray(0, 15).toString('latin1') !== 'SQLite format 3') return bytes
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all()
    return JSON.stringify(
      tables.map(({ name }) => [name, database.prepare(`SELECT * FROM "${String(name)}"`).all()]),
      (_, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value instanceof Uint8Array ? [...value].join() : value,
    )
  } finally {
    database.close()
  }
}

function hash(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
