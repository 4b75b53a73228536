import { ERROR_CODES, type ErrorCode, OrcError } from '../../events/errors.ts'
import type { JsonObject } from '../../events/values.ts'
import { createPlanNames, type PlanEvent } from '../../events/views/plan-names.ts'
import { readBody } from './body.ts'
import { withHeartbeat } from './heartbeat.ts'
import type { CallerMeans, FaceRoutes } from './means.ts'
import { cancelAfter, type OnDisconnect, readOnDisconnect, signalOf } from './on-disconnect.ts'
import { perform } from './perform.ts'
import { answerStream, HEARTBEAT_MS, type SseSource, writeMessage } from './sse.ts'
import { readTexts, tellRun } from './told-run.ts'

/** Ai3's `POST /run` and `POST /stream/run`: a prompt is planned, done and put together. */
export function addOlderPlan(routes: FaceRoutes): void {
  routes.post('/run', async (c) => {
    const means = c.get('means')
    const wish = readOnDisconnect(c)
    const run = await beginPlan(means, await readBody(c.req.raw))
    const left = signalOf(c, wish)
    left.addEventListener('abort', () => cancelAfter(means, { run, wish })('left'), { once: true })
    let output: PlanEvent | undefined
    let stats: PlanEvent | undefined
    let failed: PlanEvent | undefined
    for await (const event of translate(means, run, new AbortController().signal)) {
      if (event.type === 'final') output = event
      if (event.type === 'stats') stats = event
      if (event.type === 'error') failed = event
    }
    if (failed || !stats) throw await explainFailure(means, run)
    const body = { run_id: run, output: output?.['output'] ?? '', stats: stats['stats'] }
    return c.body(means.app.redact(JSON.stringify(body)), 200, { 'content-type': 'application/json' })
  })
  routes.post('/stream/run', async (c) => {
    const means = c.get('means')
    const wish = readOnDisconnect(c)
    const run = await beginPlan(means, await readBody(c.req.raw))
    return answerStream(c, streamPlan(means, { run, wish }), means.streams)
  })
}

async function beginPlan(means: CallerMeans, { prompt, ...others }: JsonObject): Promise<string> {
  if (typeof prompt !== 'string' || prompt.trim() === '')
    throw new OrcError({ code: 'bad_input', message: 'there is no prompt', hint: 'Send {"prompt": "…"}.' })
  const begun = await perform(means, { name: 'run', input: { plan: prompt, ...others } }, { detached: true })
  return (begun as { readonly run: string }).run
}

async function* translate(means: CallerMeans, run: string, signal: AbortSignal): AsyncGenerator<PlanEvent> {
  const texts = new Map<string, string>()
  const names = createPlanNames(readTexts(texts))
  for await (const event of tellRun(means, run, { texts, signal })) yield* names.translate(event)
}

function streamPlan(
  means: CallerMeans,
  { run, wish }: { readonly run: string; readonly wish: OnDisconnect },
): SseSource {
  const over = cancelAfter(means, { run, wish })
  const leaving = new AbortController()
  const events = withHeartbeat(translate(means, run, leaving.signal), HEARTBEAT_MS)
  let done = false
  return {
    next: async () => {
      if (done) return undefined
      const event = await events.next()
      if (event === 'quiet') return ': still here\n\n'
      if (event !== undefined) return writeMessage({ data: means.app.redact(JSON.stringify(event)) })
      done = true
      return writeMessage({ data: '[DONE]' })
    },
    close: (why) => {
      leaving.abort()
      over(why)
    },
  }
}

async function explainFailure(means: CallerMeans, run: string): Promise<OrcError> {
  const shown = (await perform(means, { name: 'runs show', input: { run } })) as {
    readonly report: {
      readonly status: string
      readonly errors: readonly { readonly code: string; readonly message: string }[]
    }
  }
  const [first] = shown.report.errors
  const known =
    first !== undefined && Object.hasOwn(ERROR_CODES, first.code) ? (first.code as ErrorCode) : 'plan_failed'
  // The request was right: what cannot be used came from the model that plans.
  const code = known.startsWith('plan_') ? 'plan_failed' : known
  return new OrcError({
    code,
    message: first?.message ?? `the run ${run} ${shown.report.status}`,
    hint: `Look at it: /v1/runs/${run}`,
  })
}
