import type { RunResult } from '../../../app/runs.ts'
import { ERROR_CODES, type ErrorCode, OrcError } from '../../../events/errors.ts'
import type { Json } from '../../../events/values.ts'
import { pickAnswers, showOutput } from '../../../events/views/run-report.ts'

export interface CalledTool {
  readonly id: string
  readonly name: string
  readonly arguments: string
}

/** What came of a run that was asked for as a model's answer. */
export interface Reply {
  readonly text: string
  readonly tool_calls: readonly CalledTool[]
  readonly finish: 'stop' | 'length' | 'tool_calls' | 'content_filter'
  readonly usage: ReplyUsage
}

/** Tokens of all calls of the run, zero where nobody told them: these programs take nothing else. */
export interface ReplyUsage {
  readonly input: number
  readonly output: number
  readonly cached: number
  readonly reasoning: number
}

/** Why a run gave no answer. */
export class RunFailure extends OrcError {
  readonly run: string
  readonly retry_after_ms: number | undefined
  constructor(run: string, failure: { readonly code: ErrorCode; readonly message: string }, retry_after_ms?: number) {
    super({ ...failure, hint: `Look at it: /v1/runs/${run}` })
    this.run = run
    this.retry_after_ms = retry_after_ms
  }
}

type Ended = Pick<RunResult, 'run' | 'report'> & { readonly asks?: RunResult['asks'] | undefined }

const FINISHES: { readonly [finish: string]: Reply['finish'] } = {
  length: 'length',
  'tool-calls': 'tool_calls',
  'content-filter': 'content_filter',
}

/** What was heard of a run beside its result. */
export interface Heard {
  /** A profile was asked: its answer may be more than text. */
  readonly profile: boolean
  readonly finish: string | undefined
  readonly retry_after_ms: number | undefined
}

/** Throws RunFailure. An answer counts also where some agents failed, or where a budget ended the run before its time. */
export function readReply({ run, report, asks }: Ended, heard: Heard): Reply {
  const answers = pickAnswers(report)
  const { status } = report
  const rests = asks !== undefined && asks.length > 0
  if (rests || answers.length === 0 || status === 'cancelled' || status === 'failed')
    throw failRun({ run, report, asks }, heard.retry_after_ms)
  const { input = 0, output = 0, cached = 0, reasoning = 0 } = report.totals.usage
  const usage = { input, output, cached, reasoning }
  const [first] = answers
  if (answers.length === 1 && heard.profile) return { ...readChat(first?.output), usage }
  const texts = answers.map(({ name, output: said = '' }) =>
    answers.length > 1 ? `== ${name} ==\n${showOutput(said)}` : showOutput(said),
  )
  const finish = status === 'exhausted' ? 'length' : (FINISHES[heard.finish ?? ''] ?? 'stop')
  return { text: texts.join('\n\n'), tool_calls: [], finish, usage }
}

function readChat(output: Json | undefined): Pick<Reply, 'text' | 'tool_calls' | 'finish'> {
  if (typeof output === 'string') return { text: output, tool_calls: [], finish: 'stop' }
  const {
    text,
    finish,
    tool_calls = [],
  } = output as unknown as {
    readonly text: string
    readonly finish: string
    readonly tool_calls?: readonly CalledTool[]
  }
  return { text, tool_calls, finish: FINISHES[finish] ?? 'stop' }
}

/** Why there is no answer. */
export function failRun({ run, report, asks }: Ended, retry_after_ms?: number): RunFailure {
  if (asks !== undefined && asks.length > 0)
    return new RunFailure(run, { code: 'run_rests', message: `the run ${run} waits for somebody to answer` })
  return new RunFailure(run, findCause(run, report), retry_after_ms)
}

function findCause(run: string, report: RunResult['report']): { readonly code: ErrorCode; readonly message: string } {
  const { status, errors, reason } = report
  if (status === 'cancelled') return { code: 'aborted', message: `the run ${run} was cancelled` }
  // The agent that was to answer says more than one it did without.
  const cause = errors.find(({ agent }) => report.answers.includes(agent)) ?? errors.at(-1)
  const own = cause && Object.hasOwn(ERROR_CODES, cause.code) ? (cause.code as ErrorCode) : undefined
  const code = own ?? (status === 'exhausted' ? 'budget_exhausted' : 'inner_failed')
  const why = cause ? `${cause.agent}: ${cause.message}` : (reason ?? 'it ended without an answer')
  return { code, message: `the run ${run} ${status}: ${why}` }
}
