import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MAIN = join(import.meta.dirname, '..', '..', 'main.ts')

export const OPEN = Symbol('open')

export interface Outcome {
  readonly code: number | null
  readonly killed: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<Outcome>
}

/** A user's computer: a project and a home folder of its own, no keys. */
export interface Desk {
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  write(file: string, content: string): void
  /** Starts the program; `stdin` absent: /dev/null, `OPEN`: a pipe that stays open and silent. */
  start(args: readonly string[], options?: StartOptions): Started
  run(args: readonly string[], options?: StartOptions): Promise<Outcome>
}

interface StartOptions {
  readonly stdin?: string | Buffer | typeof OPEN
  readonly env?: NodeJS.ProcessEnv
}

export function makeDesk(): Desk {
  const folder = mkdtempSync(join(tmpdir(), 'llm-orc-desk-'))
  const env = {
    PATH: process.env.PATH,
    HOME: join(folder, 'home'),
    XDG_CONFIG_HOME: join(folder, 'home', 'config'),
    XDG_DATA_HOME: join(folder, 'home', 'data'),
    XDG_STATE_HOME: join(folder, 'home', 'state'),
    XDG_CACHE_HOME: join(folder, 'home', 'cache'),
  }
  const project = join(folder, 'project')
  mkdirSync(join(project, '.llm-orc', 'ensembles'), { recursive: true })
  mkdirSync(join(project, '.llm-orc', 'scripts'), { recursive: true })
  const start: Desk['start'] = (args, { stdin, env: more = {} } = {}) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: project,
      env: { ...env, ...more },
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    if (stdin !== undefined && stdin !== OPEN) {
      child.stdin?.on('error', () => {})
      child.stdin?.end(stdin)
    }
    return { child, ended: collect(child) }
  }
  return {
    folder: project,
    env,
    write: (file, content) => writeFileSync(join(project, '.llm-orc', file), content),
    start,
    run: (args, options) => start(args, options).ended,
  }
}

function collect(child: ChildProcess): Promise<Outcome> {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve) => {
    child.on('close', (code, killed) => resolve({ code, killed, stdout, stderr }))
  })
}
