import type { ToolPermissions } from '../events/tool-call.ts'
import type { Json } from '../events/values.ts'
import { type CommandResult, describeEnd, isBare, type RunCommand } from './command.ts'
import { moduleWords } from './module-program.ts'
import type { ToolOutcome } from './tool.ts'

/** A program that comes with a tool. */
export interface Program {
  readonly kind: 'script' | 'module'
  /** Absolute. */
  readonly path: string
  /** The interpreter's words before the path of a script. */
  readonly words: readonly string[]
}

export interface ProgramCall {
  /** For messages. */
  readonly name: string
  readonly program: Program
  /** The function of a module; scripts do not see it. */
  readonly entry: string
  readonly given: Json
  readonly env: { readonly [name: string]: string }
  readonly permissions: ToolPermissions
  /** The folder of the tool, which the program may read. */
  readonly folder: string
  readonly cwd: string
  readonly timeout_ms: number
  readonly signal: AbortSignal
  progress?(text: string): void
}

const OUTPUT_LIMIT = 1024 * 1024
/** Of what it said on standard error. */
const DETAIL = 2000

/**
 * Runs a program by the contract of tools: JSON on standard input, `{success, data, error}` as JSON on standard output. JSON of another
 * form, and text, are the data themselves; an exit code other than 0 is a failure whatever was printed.
 */
export async function runProgram(call: ProgramCall, run: RunCommand): Promise<ToolOutcome> {
  const { program, name, timeout_ms, progress } = call
  const words =
    program.kind === 'module'
      ? [process.execPath, ...moduleWords(program.path, call.entry)]
      : [...program.words, program.path]
  const result = await run({
    program: words[0] as string,
    args: words.slice(1),
    cwd: call.cwd,
    // Python would leave files beside its modules, and the tool would be another one.
    env: { PYTHONDONTWRITEBYTECODE: '1', ...call.env },
    input: JSON.stringify(call.given),
    timeout_ms,
    output_limit: OUTPUT_LIMIT,
    permissions: call.permissions,
    own: [call.folder],
    signal: call.signal,
    ...(progress ? { onOutput: (stream, text) => stream === 'stderr' && progress(text) } : {}),
  })
  const outcome = readOutcome(result, { name, program: words[0] as string, timeout_ms })
  return isBare(result) ? { ...outcome, outside: true } : outcome
}

function readOutcome(
  result: CommandResult,
  about: { readonly name: string; readonly program: string; readonly timeout_ms: number },
): ToolOutcome {
  const ended = describeEnd(result, about)
  if (ended) return ended
  const { name } = about
  const { exit, stdout, stderr, truncated } = result
  const detail = stderr.trim() === '' ? {} : { detail: stderr.slice(-DETAIL).toWellFormed() }
  if (truncated) return fail('output_too_large', `${name} printed more than is kept`, detail)
  const said = readSaid(stdout)
  if (exit !== 0) return fail('tool_failed', `${name} ended with exit code ${exit}`, { ...detailOf(said), ...detail })
  if (said.success) return { ok: true, output: said.data }
  return fail('tool_failed', `${name} reported a failure`, { ...detail, ...detailOf(said) })
}

type Said = { readonly success: true; readonly data: Json } | { readonly success: false; readonly error: string }

function readSaid(stdout: string): Said {
  const parsed = parse(stdout)
  if (parsed === undefined) return { success: true, data: stdout.trimEnd() }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return { success: true, data: parsed }
  const { success, ...rest } = parsed as { readonly [key: string]: Json }
  if (typeof success !== 'boolean') return { success: true, data: parsed }
  const { data, error } = rest
  // Scripts say what they have beside `success`.
  const beside = Object.keys(rest).length > 0 ? rest : null
  if (success) return { success, data: data === undefined ? beside : data }
  return { success, error: typeof error === 'string' ? error : JSON.stringify(error ?? 'without a reason') }
}

function detailOf(said: Said): { readonly detail?: string } {
  return said.success ? {} : { detail: said.error.slice(0, DETAIL).toWellFormed() }
}

function fail(code: string, message: string, more: { readonly detail?: string }): ToolOutcome {
  return { ok: false, code, message, touched: 'yes', ...more }
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}
