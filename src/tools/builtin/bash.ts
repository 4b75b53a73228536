import { lstat } from 'node:fs/promises'
import { describeEnd, isBare } from '../command.ts'
import { findPlace } from '../fence.ts'
import { type Builtin, failBuiltin, objectSchema } from './builtin.ts'

const USUAL_SECONDS = 120
const MOST_SECONDS = 1800
const OUTPUT_LIMIT = 48 * 1024

export const bashTool: Builtin = {
  name: 'bash',
  version: '1.0.0',
  description:
    'Runs a command with bash in the project folder and answers with its exit code and what it printed. It has no terminal and no input, and nothing it starts outlives it.',
  input_schema: objectSchema(
    {
      command: { type: 'string', minLength: 1, maxLength: 100_000 },
      path: { type: 'string', description: 'The folder it runs in; usually the project folder.' },
      timeout_seconds: { type: 'integer', minimum: 1, maximum: MOST_SECONDS, description: `Usually ${USUAL_SECONDS}.` },
    },
    ['command'],
  ),
  output_schema: objectSchema(
    {
      exit: { type: 'integer' },
      stdout: { type: 'string' },
      stderr: { type: 'string' },
      truncated: { type: 'boolean' },
    },
    ['exit', 'stdout', 'stderr', 'truncated'],
  ),
  safety: 'unsafe',
  permissions: { read: ['**'], write: ['**'], programs: ['*'] },
  async run(args, { cwd, signal, idempotency_key, progress }, { open, closed, run }) {
    const wanted = args as { command: string; path?: string; timeout_seconds?: number }
    const { command, path = '.', timeout_seconds = USUAL_SECONDS } = wanted
    if (command.includes('\0')) return failBuiltin('bad_input', 'the command holds a NUL')
    const place = await findPlace(path, { cwd, more: open.write, closed: closed.write, purpose: 'write' })
    if (!place.ok) return place
    const info = await lstat(place.real).catch(() => undefined)
    if (!info?.isDirectory()) return failBuiltin('not_found', `there is no folder ${place.shown}`)
    const timeout_ms = timeout_seconds * 1000
    const result = await run({
      program: 'bash',
      // Without --norc, bash reads the person's ~/.bashrc first when its input is a socket, as Node's pipes are.
      args: ['--noprofile', '--norc', '-c', command],
      cwd: place.real,
      env: { LLM_ORC_IDEMPOTENCY_KEY: idempotency_key },
      timeout_ms,
      output_limit: OUTPUT_LIMIT,
      permissions: bashTool.permissions,
      own: [],
      signal,
      onOutput: (_stream, text) => progress(text),
    })
    const ended = describeEnd(result, { name: 'the command', program: 'bash', timeout_ms })
    const outside = isBare(result) ? ({ outside: true } as const) : {}
    if (ended) return { ...ended, ...outside }
    const { exit, stdout, stderr, truncated } = result
    return { ok: true, output: { exit: exit as number, stdout, stderr, truncated }, ...outside }
  },
}
