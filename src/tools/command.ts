import type { ToolPermissions } from '../events/tool-call.ts'
import type { Environment } from '../sandbox/environment.ts'
import type { ProcessResult, StartFailure } from '../sandbox/process.ts'
import type { ToolOutcome } from './tool.ts'

/** A program that a tool runs, with what it may touch: whoever runs it chooses the wall for that. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd: string
  /** Beside what every program is given. */
  readonly env: Environment
  readonly input?: string
  readonly timeout_ms: number
  /** Bytes of standard output that are kept. */
  readonly output_limit: number
  readonly permissions: ToolPermissions
  /** Files it cannot run without: its implementation. Absolute. */
  readonly own: readonly string[]
  readonly signal: AbortSignal
  onOutput?(stream: 'stdout' | 'stderr', text: string): void
}

export interface CommandResult extends ProcessResult {
  /** The sandbox it ran in; absent where it had none. */
  readonly tier?: string
  /** It was not started because no wall is there that holds what was asked. */
  readonly refusal?: { readonly code: string; readonly message: string; readonly hint?: string }
}

export type RunCommand = (command: Command) => Promise<CommandResult>

/** It ran without a wall: the network was open to it, whatever it declares. */
export function isBare({ started, tier = 'process' }: Pick<CommandResult, 'started' | 'tier'>): boolean {
  return started && tier === 'process'
}

type Failed = Extract<ToolOutcome, { readonly ok: false }>

/** What a command came to that did not end by itself; undefined when it did, with whatever exit code. */
export function describeEnd(
  result: CommandResult,
  { name, program, timeout_ms }: { readonly name: string; readonly program: string; readonly timeout_ms: number },
): Failed | undefined {
  const fail = (code: string, message: string, more: Partial<Failed> = {}): Failed => ({
    ok: false,
    code,
    message,
    touched: 'yes',
    ...more,
  })
  if (result.aborted) return fail('aborted', `${name} was stopped`, { touched: result.started ? 'yes' : 'no' })
  if (result.refusal) return fail(result.refusal.code, result.refusal.message, { touched: 'no' })
  if (!result.started)
    return fail(
      'script_not_started',
      `${name} could not be started: ${START_FAILURES[result.error ?? 'not_startable'](program)}`,
      { touched: 'no', retry: result.error === 'busy' },
    )
  const said = outputOf(result)
  if (result.timed_out) return fail('script_timeout', `${name} did not end within ${timeout_ms} ms`, said)
  if (result.flooded) return fail('output_too_large', `${name} was stopped because it printed far too much`, said)
  if (result.exit === undefined) return fail('script_killed', `${name} was ended by ${result.signal}`, said)
  return undefined
}

function outputOf({ stdout, stderr }: CommandResult): Partial<Failed> {
  return stdout === '' && stderr === '' ? {} : { output: { stdout, stderr } }
}

const START_FAILURES: { readonly [F in StartFailure]: (program: string) => string } = {
  program_missing: (program) => `${program} is not installed, or not on the PATH`,
  folder_missing: () => 'the folder it runs in does not exist',
  not_permitted: (program) => `${program} may not be executed`,
  too_large: () => 'its arguments are larger than the system allows',
  busy: () => 'the system has no room for another process just now',
  not_startable: () => 'its arguments hold what a process cannot be given',
}
