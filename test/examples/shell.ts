/** Commands as a user types them: a shell that finds `llm-orc`, the program from source. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { makeHome, root } from '../processes.ts'

export interface Said {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Shell {
  /** The user's own environment, with a home of its own in which the default model is the embedded one. */
  readonly env: Record<string, string>
  run(command: string, cwd: string): Promise<Said>
}

export function openShell(): Shell {
  const bin = mkdtempSync(join(tmpdir(), 'llm-orc-bin-'))
  const program = `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'src', 'main.ts')}' "$@"\n`
  writeFileSync(join(bin, 'llm-orc'), program, { mode: 0o755 })
  const { env } = makeHome()
  // Not what happens to listen on the usual ports of this machine.
  const config = join(env.XDG_CONFIG_HOME ?? '', 'llm-orchestrator')
  mkdirSync(config, { recursive: true })
  writeFileSync(join(config, 'config.yaml'), 'model_profiles: { default: { provider: embedded, model: extractive } }\n')
  env.PATH = `${bin}${delimiter}${env.PATH}`
  return { env, run: (command, cwd) => runShell(command, cwd, env) }
}

function runShell(command: string, cwd: string, env: Record<string, string>): Promise<Said> {
  const child = spawn('bash', ['--norc', '-o', 'pipefail', '-c', command], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })))
}
