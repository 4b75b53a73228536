import * as z from 'zod'
import { OrcError } from '../../events/errors.ts'
import { ROUTE_METHODS, ROUTE_PARTS, type RouteWeights } from '../../events/routing.ts'
import { listRoutes } from '../../events/views/routes.ts'
import { suggest } from '../../graph/nearest.ts'
import type { App } from '../app.ts'
import { defineOperation } from '../operation.ts'
import { explainRoute, imagineRoute } from '../routes.ts'
import { findRunId } from '../run-id.ts'
import { requireRun } from '../runs.ts'

export const explainRoutes = defineOperation({
  name: 'routes explain',
  summary: 'Say why each step went to its model: who else was there, their scores, and how old the numbers are.',
  input: z.object({
    run: z.string().min(1).describe('The id of a run, its beginning, or `latest`.'),
    step: z.string().optional().describe('Only this step, and those inside it.'),
  }),
  run: async ({ run: given, step }, { app }) => {
    const run = await findRunId(app, given)
    const all = listRoutes(await requireRun(app, run))
    const routes = all.filter((route) => step === undefined || route.step === step || route.step.startsWith(`${step}/`))
    if (routes.length > 0 || step === undefined) return { run, routes: routes.map(explainRoute) }
    const steps = [...new Set(all.map((route) => route.step))]
    const message = `no step ${JSON.stringify(step)} of the run ${run} went to a model`
    const hint = steps.length > 0 ? `These did: ${steps.slice(0, 8).join(', ')}.` : 'No step of it did.'
    throw new OrcError({ code: 'not_found', message, hint, ...suggest(step, steps) })
  },
})

export const imagineRoutes = defineOperation({
  name: 'routes what-if',
  summary: 'Make stored choices again under other weights or another method, without any call.',
  input: z.object({
    run: z.string().optional().describe('The id of a run, its beginning, or `latest`.'),
    all: z.boolean().default(false).describe('The choices of all runs instead of one.'),
    weights: z
      .string()
      .optional()
      .describe('Weights to change, as PART=NUMBER with commas between: skill, success, latency, cost, context.'),
    method: z.enum(ROUTE_METHODS).optional().describe('How models are compared.'),
  }),
  run: async (input, { app, signal }) => {
    if ((input.run === undefined) !== input.all) {
      const hint = 'Write: llm-orc routes what-if RUN --weights cost=1, or: llm-orc routes what-if --all --method ai3'
      throw new OrcError({ code: 'bad_input', message: 'a run or --all is needed, not both', hint })
    }
    const other = {
      ...(input.weights === undefined ? {} : { weights: readWeights(input.weights) }),
      ...(input.method === undefined ? {} : { method: input.method }),
    }
    const runs = input.run === undefined ? await listRuns(app) : [await findRunId(app, input.run)]
    const sums = { cost: { was: 0, would: 0 }, latency_ms: { was: 0, would: 0 } }
    const changes: (NonNullable<ReturnType<typeof imagineRoute>> & { readonly run: string })[] = []
    let choices = 0
    let unpriced = 0
    for (const run of runs) {
      signal.throwIfAborted()
      for (const route of listRoutes(await requireRun(app, run))) {
        const imagined = imagineRoute(route, other)
        if (!imagined) continue
        choices += 1
        if (imagined.changed) changes.push({ run, ...imagined })
        const { cost, latency_ms } = imagined
        if (cost.was === undefined || cost.would === undefined) unpriced += 1
        else add(sums.cost, { was: cost.was, would: cost.would })
        if (latency_ms.was !== undefined && latency_ms.would !== undefined)
          add(sums.latency_ms, { was: latency_ms.was, would: latency_ms.would })
      }
    }
    return { runs: runs.length, choices, changed: changes.length, ...sums, unpriced, changes }
  },
})

interface Pair {
  was: number
  would: number
}

function add(sum: Pair, pair: Readonly<Pair>): void {
  sum.was += pair.was
  sum.would += pair.would
}

async function listRuns(app: App): Promise<readonly string[]> {
  const { journal } = await app.openJournal()
  return (await journal.list({ prefix: 'run/' })).map(({ stream }) => stream.slice('run/'.length))
}

/** `cost=1,latency=0` */
function readWeights(text: string): Partial<RouteWeights> {
  const given = text.split(',').map((pair) => {
    const [part = '', value = ''] = pair.split('=').map((word) => word.trim())
    const weight = value === '' ? Number.NaN : Number(value)
    if ((ROUTE_PARTS as readonly string[]).includes(part) && weight >= 0 && Number.isFinite(weight))
      return [part, weight]
    const message = `${JSON.stringify(pair.trim())} is no weight`
    const hint = `Write them as cost=1,latency=0; the parts are ${ROUTE_PARTS.join(', ')}.`
    throw new OrcError({ code: 'bad_input', message, hint })
  })
  return Object.fromEntries(given) as Partial<RouteWeights>
}
