import { resolve } from 'node:path'
import type { EffectFailed, EffectOrder, EffectOutcome, Executor } from '../engine/effect.ts'
import type { SandboxAsk, ScriptAnswer, ScriptRequest } from '../events/script-call.ts'
import { cleanEnvironment } from '../sandbox/environment.ts'
import {
  type ProcessResult,
  type ProcessSpec,
  type RunProcess,
  runProcess,
  type StartFailure,
} from '../sandbox/process.ts'
import { isBare } from '../tools/command.ts'
import { Dialogue } from './dialogue.ts'
import type { Terminal } from './terminal.ts'

export interface ScriptPorts {
  /** The project's folder: where scripts run, and what their relative paths mean. */
  readonly cwd: string
  readonly interactive: Terminal
  /** Hex SHA-256 of a file's bytes; undefined when it cannot be read. */
  digest(path: string): Promise<string | undefined>
  readonly run?: RunProcess
  /** Runs it behind the wall that is asked for, and that settings demand; `own` are files it needs. Absent: nothing here can. */
  walled?(ask: SandboxAsk | undefined, spec: ProcessSpec, own: readonly string[]): Promise<WalledResult>
}

export interface WalledResult extends ProcessResult {
  /** The sandbox it ran in. */
  readonly tier?: string
  readonly egress?: NonNullable<ScriptAnswer['egress']>
  /** Why there is no such wall: then nothing was started. */
  readonly refusal?: { readonly code: string; readonly message: string; readonly hint?: string }
}

type Means = Parameters<Executor['run']>[1]

/** Runs scripts: files by their interpreter, after a look whether they are still the pinned ones, and inline text by a strict shell. */
export function createScriptExecutor(ports: ScriptPorts): Executor {
  return {
    kind: 'script',
    async run(order, means) {
      const request = order.request as ScriptRequest
      const refusal = await refuse(request, ports)
      if (refusal) return refusal
      if (!request.interactive) return describe(await runFirst(request, ports, specOf(order, ports, means)), request)
      return ports.interactive.hold(() => converse(order, ports, means))
    },
  }
}

/** What forbids to start it: nobody to answer, or another file than the one that was pinned. */
async function refuse(
  { script, interactive, sandbox }: ScriptRequest,
  ports: ScriptPorts,
): Promise<EffectFailed | undefined> {
  if (interactive && !ports.interactive.isTerminal())
    return fail('needs_terminal', 'the script asks a person, and standard input is not a terminal')
  if (sandbox && (interactive || !ports.walled))
    return fail(
      'sandbox_refused',
      interactive ? 'a script that asks a person has no sandbox' : 'there is no sandbox here',
    )
  if (script.type === 'inline') return undefined
  const found = await ports.digest(resolve(ports.cwd, script.path))
  if (found === script.sha256) return undefined
  const what = found === undefined ? 'can no longer be read' : 'has changed since the run began'
  return fail('definition_changed', `the script ${script.reference} ${what}`)
}

/** The script reads the terminal itself; its questions are shown and left out of its output. */
async function converse(order: EffectOrder, ports: ScriptPorts, means: Means): Promise<EffectOutcome> {
  const request = order.request as ScriptRequest
  const dialogue = new Dialogue(ports.interactive.write)
  const result = await runFirst(request, ports, {
    ...specOf(order, ports, means),
    stdio: 'inherit-input',
    onOutput: (stream, text) => {
      if (stream === 'stderr') ports.interactive.write(text)
      else dialogue.take(text)
      means.stream({ type: stream, text })
    },
  })
  return describe(result.truncated ? result : { ...result, stdout: dialogue.result() }, request)
}

type Prepared = Omit<ProcessSpec, 'program' | 'args'>

function specOf(order: EffectOrder, ports: ScriptPorts, means: Means): Prepared {
  const { environment, stdin, timeout_ms } = order.request as ScriptRequest
  return {
    cwd: ports.cwd,
    env: cleanEnvironment({
      ...environment,
      LLM_ORC_RUN: order.run,
      LLM_ORC_STEP: order.step,
      LLM_ORC_IDEMPOTENCY_KEY: order.idempotency_key,
    }),
    input: stdin,
    ...(timeout_ms === undefined ? {} : { timeout_ms }),
    signal: means.signal,
    onOutput: (type, text) => means.stream({ type, text }),
  }
}

/** Inline text takes the next shell when one is not installed; nothing has run then. */
async function runFirst(request: ScriptRequest, ports: ScriptPorts, spec: Prepared): Promise<WalledResult> {
  const { script, sandbox, interactive } = request
  const own = script.type === 'file' ? [resolve(ports.cwd, script.path)] : []
  const bare = ports.run ?? runProcess
  const { walled } = ports
  const run = walled && !interactive ? (whole: ProcessSpec) => walled(sandbox, whole, own) : bare
  if (script.type === 'file') {
    const words = [...script.program, resolve(ports.cwd, script.path)]
    return run({ ...spec, program: words[0] as string, args: words.slice(1) })
  }
  // Without --norc, bash reads the person's ~/.bashrc first when its input is a socket, as Node's pipes are.
  const strict = await run({ ...spec, program: 'bash', args: ['--norc', '-euo', 'pipefail', '-c', script.text] })
  if (strict.error !== 'program_missing') return strict
  return run({ ...spec, program: 'sh', args: ['-eu', '-c', script.text] })
}

/** What a script printed that could reach others may be theirs: policy sees where it came from. Without a wall it has the network. */
function describe(result: WalledResult, request: ScriptRequest): EffectOutcome {
  const outcome = tell(result, request)
  const reaches = (request.sandbox?.hosts ?? []).length > 0 || isBare(result)
  return result.started && reaches ? { ...outcome, labels: ['outside'] } : outcome
}

function tell(result: WalledResult, { script, timeout_ms }: ScriptRequest): EffectOutcome {
  const more = { touched: 'yes', ...outputOf(result) } as const
  if (result.aborted) return fail('aborted', 'the script was stopped', result.started ? more : {})
  if (result.refusal) {
    const { code, message, hint } = result.refusal
    return fail(code, message, hint === undefined ? {} : { detail: hint })
  }
  if (!result.started) {
    const program = script.type === 'file' ? (script.program[0] ?? script.path) : 'bash'
    const why = START_FAILURES[result.error ?? 'not_startable'](program)
    return fail('script_not_started', `the script could not be started: ${why}`, { retry: result.error === 'busy' })
  }
  if (result.timed_out) return fail('script_timeout', `the script did not end within ${timeout_ms} ms`, more)
  if (result.flooded) return fail('output_too_large', 'the script was stopped because it printed far too much', more)
  if (result.exit === undefined) return fail('script_killed', `the script was ended by ${result.signal}`, more)
  const { exit, stdout, stderr, truncated, tier, egress = [] } = result
  const seen = { ...(tier === undefined ? {} : { sandbox: tier }), ...(egress.length > 0 ? { egress } : {}) }
  return { ok: true, answer: { exit, stdout, stderr, truncated, ...seen } satisfies ScriptAnswer }
}

/** What a script left that did not end by itself, as far as it left anything. */
function outputOf({ stdout, stderr }: ProcessResult): Partial<EffectFailed> {
  if (stdout === '' && stderr === '') return {}
  return { partial: { stdout, stderr }, ...(stderr === '' ? {} : { detail: stderr.slice(-2000).toWellFormed() }) }
}

const START_FAILURES: { readonly [F in StartFailure]: (program: string) => string } = {
  program_missing: (program) => `${program} is not installed, or not on the PATH`,
  folder_missing: () => 'the project folder does not exist',
  not_permitted: (program) => `${program} may not be executed`,
  too_large: () => 'its parameters or environment are larger than the system allows',
  busy: () => 'the system has no room for another process just now',
  not_startable: () => 'its parameters or environment hold what a process cannot be given',
}

function fail(code: string, message: string, more: Partial<EffectFailed> = {}): EffectFailed {
  return { ok: false, code, message, touched: 'no', retry: false, ...more }
}
