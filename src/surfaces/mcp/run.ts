import { type CallToolResult, inputRequired } from '@modelcontextprotocol/server'
import { findAsks } from '../../app/asks.ts'
import { type RunResult, reportOf, requireRun } from '../../app/runs.ts'
import { OrcError } from '../../events/errors.ts'
import type { Json } from '../../events/values.ts'
import { toExecution } from '../../events/views/execution.ts'
import { type RunReport, showOutput } from '../../events/views/run-report.ts'
import { readSeed } from '../seed.ts'
import { answerTool } from './answer.ts'
import { type Asked, askClient, describeAsk, readSaid } from './asks.ts'
import { type McpMeans, perform } from './means.ts'
import type { Answer, Asking } from './offer.ts'
import { createReporter } from './progress.ts'

export interface RunWish {
  /** The name of what is run. */
  readonly target: string
  readonly input: string | undefined
  readonly seed?: Json | undefined
  /** The answer alone, instead of everything. */
  readonly plain?: boolean
}

/** What a client brings back with its answers. */
interface Sealed {
  /** Who was asked. */
  readonly owner: string
  readonly run: string
  readonly asked: readonly Asked[]
}

/**
 * Runs it for a client, tells how it goes, and asks the client's user what the run asks. Who cannot be asked is told what is open and how to
 * answer; the run rests until then.
 */
export async function runForClient(means: McpMeans, wish: RunWish, ask: Asking): Promise<Answer<CallToolResult>> {
  const { app } = means
  const { signal } = ask.mcp.mcpReq
  const reporter = createReporter(ask.mcp, app.redact)
  try {
    const sealed = ask.mcp.mcpReq.requestState<Sealed>()
    if (sealed) {
      if (sealed.owner !== ownerOf(means)) refuseMissing('run', sealed.run)
      return await goOn(means, { sealed, wish, ask, watcher: reporter.watcher })
    }
    const input = {
      target: wish.target,
      ...(wish.input === undefined ? {} : { input: wish.input }),
      ...readSeed(wish.seed),
    }
    const result = await perform<RunResult>(means, 'run', { input, signal, watcher: reporter.watcher })
    return await tell(means, { run: result.run, report: result.report, wish, ask })
  } finally {
    await reporter.close()
  }
}

function ownerOf({ caller }: McpMeans): string {
  return caller?.principal?.name ?? ''
}

interface Round {
  readonly sealed: Sealed
  readonly wish: RunWish
  readonly ask: Asking
  readonly watcher: ReturnType<typeof createReporter>['watcher']
}

/** Says the words of the client's user to the run, which goes on. */
async function goOn(means: McpMeans, { sealed, wish, ask, watcher }: Round): Promise<Answer<CallToolResult>> {
  const { run, asked } = sealed
  const said = readSaid(run, asked, ask.mcp.mcpReq.inputResponses)
  const open = await openAsks(means, run)
  for (const { operation, input } of said) {
    const key = String(input['ask'] ?? input['step'])
    const one = open.find((each) => each.key === key)
    const digest = asked.find((each) => each.key === key)?.digest
    // Somebody else has spoken already, or it is about something else by now.
    if (!one || one.approval?.digest !== digest) continue
    await perform<RunResult>(means, operation, { input, signal: ask.mcp.mcpReq.signal, watcher })
  }
  const report = await reportOf(means.app, run)
  return tell(means, { run, report, wish, ask, ...(said.length === 0 ? { silent: true } : {}) })
}

async function openAsks({ app }: McpMeans, run: string) {
  return findAsks(app, run, await requireRun(app, run))
}

interface Told {
  readonly run: string
  readonly report: RunReport
  readonly wish: RunWish
  readonly ask: Asking
  /** Nobody answered: they are not asked again. */
  readonly silent?: boolean
}

async function tell(means: McpMeans, { run, report, wish, ask, silent }: Told): Promise<Answer<CallToolResult>> {
  const { app } = means
  const asks = report.ended === undefined ? await openAsks(means, run) : []
  if (asks.length > 0 && !silent && ask.client?.elicitation) {
    const { asked, requests } = askClient(run, asks)
    const inputRequests = JSON.parse(app.redact(JSON.stringify(requests))) as typeof requests
    return inputRequired({
      inputRequests,
      requestState: await ask.seal({ owner: ownerOf(means), run, asked } satisfies Sealed),
    })
  }
  const { results, synthesis, status, metadata } = toExecution(report)
  const [first] = report.errors
  const result = {
    results,
    synthesis,
    status: asks.length > 0 ? 'waiting' : status,
    ...(status === 'failed' && first ? { error: `${first.agent}: ${first.message}` } : {}),
    ...(status === 'cancelled' ? { error: 'The run was cancelled.' } : {}),
    run_id: run,
    metadata,
    ...(asks.length > 0 ? { asks: asks.map((each) => describeAsk(run, each)) } : {}),
  }
  const shown = wish.plain && asks.length === 0 && status !== 'failed' ? describeAnswer(report) : result
  const failed = status === 'failed' || status === 'cancelled'
  return { ...answerTool(result as unknown as Json, app.redact, shown), ...(failed ? { isError: true } : {}) }
}

/** What nobody inside the run has read: the end of it. */
function describeAnswer({ agents }: RunReport): string {
  const read = new Set(agents.flatMap(({ dependencies }) => dependencies))
  const last = agents.filter(
    ({ name, parent, status }) => parent === undefined && status === 'succeeded' && !read.has(name),
  )
  const texts = last.map(({ name, output }) => [name, output === undefined ? '' : showOutput(output)] as const)
  if (texts.length === 1) return texts[0]?.[1] ?? ''
  return texts.map(([name, text]) => `## ${name}\n\n${text}`).join('\n\n')
}

/** Throws what a face says when there is none of this name. */
function refuseMissing(what: string, name: string): never {
  throw new OrcError({ code: 'not_found', message: `there is no ${what} ${JSON.stringify(name.slice(0, 200))}` })
}
