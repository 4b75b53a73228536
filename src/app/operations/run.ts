import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { OrcError } from '../../events/errors.ts'
import type { Json } from '../../events/values.ts'
import { LIMIT_POLICIES, readBudget } from '../../graph/budget.ts'
import type { App } from '../app.ts'
import { detachProcess } from '../detach.ts'
import { type Call, defineOperation, steeringOf } from '../operation.ts'
import type { Quote } from '../quote.ts'
import { prepareRun, type RunOrder, runTarget } from '../runs.ts'
import { makePromptTarget, type Target } from '../target.ts'
import { makeStepsTarget } from '../target-chain.ts'
import { findNamedTarget, type NamedTarget, readParamWords } from '../target-named.ts'
import { makePlanTarget, planConcurrency, readPlanTarget } from '../target-plan.ts'

/** What is said when an ensemble is run without any input. */
const NO_INPUT = 'Please analyse what you are given, from your own point of view.'

/** What the person says beforehand about tools, scripts and models; it belongs to the run. */
export const permitFields = {
  allow: z
    .array(z.string())
    .default([])
    .describe(
      'Calls that need no approval in this run, as NAME or NAME(ARGUMENTS) with * for anything; may be repeated.',
    ),
  deny: z
    .array(z.string())
    .default([])
    .describe('Calls that are refused in this run, written likewise; may be repeated.'),
}

/** How any run is started, whatever it runs. */
export const startFields = {
  max_concurrent: z.int().min(1).optional().describe('Steps that may run at once.'),
  timeout_seconds: z.number().positive().optional().describe('The run ends when this time is over.'),
  seed: z.string().optional().describe('Makes every choice by chance repeatable.'),
  max_cost: z.number().positive().max(1_000_000).optional().describe('US dollars the run may spend.'),
  max_tokens: z.int().positive().optional().describe('Tokens the run may use, in and out together.'),
  max_calls: z.int().positive().optional().describe('Model calls the run may make, repetitions included.'),
  on_limit: z
    .enum(LIMIT_POLICIES)
    .optional()
    .describe(
      'When a budget is used up: stop, ask a person, go on with a cheaper model, or finish with what is there.',
    ),
  budget_model: z.string().optional().describe('The profile that `cheaper` goes on with and `finish` ends with.'),
  ...permitFields,
  cache: z.boolean().default(true).describe('Whether answers may come from the cache, and be kept in it.'),
  detach: z.boolean().default(false).describe('Start it in the background and print its id.'),
}
type StartOptions = z.infer<z.ZodObject<typeof startFields>>

/** What may be run, and what it is given. */
export const targetFields = {
  target: z.string().optional().describe('An ensemble by name or path, a chain, or a workflow.'),
  input: z.string().optional().describe('What it is to work on; also read from a pipe.'),
  input_file: z.string().optional().describe('A file that holds the input.'),
  prompt: z.string().optional().describe('A prompt for models, for a chain or for a workflow.'),
  model: z.array(z.string()).default([]).describe('A model profile, PROVIDER/MODEL or a model name; may be repeated.'),
  parallel: z.boolean().default(false).describe('Ask several models side by side (the default).'),
  sequential: z.boolean().default(false).describe('Ask several models one after another.'),
  step: z
    .array(z.string())
    .default([])
    .describe('A step of a chain, as Role>/Persona)-Model; the next one works on its answer. May be repeated.'),
  param: z.array(z.string()).default([]).describe('A parameter of a workflow, as NAME=VALUE; may be repeated.'),
  plan: z.string().optional().describe('A request that a planner model splits into tasks, which are then done.'),
  plan_file: z.string().optional().describe('A saved plan to carry out; --prompt says for what.'),
  planner_model: z.string().optional().describe('The profile or model that plans.'),
  approve: z.boolean().default(false).describe('Show the plan to a person before it is carried out.'),
}

export const runOperation = defineOperation({
  name: 'run',
  summary: 'Run an ensemble, a chain or a workflow, or put a prompt to one or several models.',
  input: z.object({
    ...targetFields,
    quote: z
      .boolean()
      .default(false)
      .describe('Say what it would take at least, as a rule and at worst, and run nothing.'),
    ...startFields,
  }),
  run: async (input, call) => {
    const start = await findStart(call.app, input)
    if (input.quote) return quoteStart(call.app, start, input)
    return startRun(call, start, input)
  },
})

/** What a run would start with: target, input and limits, found and checked. */
export async function findStart(app: App, input: Wanted & Given): Promise<Start> {
  checkTogether(input)
  const given = input.input ?? (await readInput(input.input_file))
  // A prompt speaks about what is given with it: `git diff | llm-orc run -p "Review this"`.
  const asked = joinPrompt(input.prompt ?? input.plan, given)
  const { target, params } = await chooseTarget(app, input, asked)
  const needed = target.kind === 'chain' || (target.kind === 'plan' && target.default_input === undefined)
  const text = needed ? requirePrompt(asked, `a ${target.kind}`) : (asked ?? target.default_input ?? NO_INPUT)
  const usual = target.kind === 'plan' ? planConcurrency(app) : undefined
  const most = input.sequential ? 1 : usual
  const limits = most === undefined ? {} : { max_concurrent: most }
  return { target, input: params ?? text, limits }
}

interface Given {
  readonly input?: string | undefined
  readonly input_file?: string | undefined
}

interface Wanted {
  readonly target?: string | undefined
  readonly prompt?: string | undefined
  readonly model: readonly string[]
  readonly parallel: boolean
  readonly sequential: boolean
  readonly step: readonly string[]
  readonly param: readonly string[]
  readonly plan?: string | undefined
  readonly plan_file?: string | undefined
  readonly planner_model?: string | undefined
  readonly approve: boolean
}

function refuse(message: string, hint: string): never {
  throw new OrcError({ code: 'bad_input', message, hint })
}

/** Refuses what cannot go together, before anything is read. */
function checkTogether(wanted: Wanted): void {
  const { target, prompt, model, parallel, sequential, step, param } = wanted
  const planned = checkPlanned(wanted)
  if (target === undefined && prompt === undefined && step.length === 0 && !planned)
    refuse(
      'there is nothing to run: name an ensemble or chain, or give a prompt',
      'For example: llm-orc run document-brief < notes.md, or: llm-orc run -p "Why is the sky blue?"',
    )
  if (parallel && sequential)
    refuse('models are asked in parallel or in sequence, not both', 'Leave one of the two out.')
  if (step.length > 0 && target !== undefined)
    refuse('a run has a target or steps, not both', 'To keep steps under a name: llm-orc chain save NAME --step …')
  if (step.length > 0 && model.length > 0)
    refuse('steps name their own models', 'Leave --model out, or the steps: a chain is no question to several models.')
  if (param.length > 0 && target === undefined) refuse('only a workflow takes parameters', 'Name the workflow to run.')
}

/** Is this the run of a plan? */
function checkPlanned({ target, prompt, step, plan, plan_file, planner_model, approve }: Wanted): boolean {
  const planned = plan !== undefined || plan_file !== undefined
  if (plan !== undefined && plan_file !== undefined)
    refuse('a run makes a plan or has one, not both', 'Leave --plan or --plan-file out.')
  if (planned && (target !== undefined || step.length > 0))
    refuse(
      'a run has a plan, or a target or steps, not both',
      'Tasks of a plan are done by models: name them with --model.',
    )
  if (plan !== undefined && prompt !== undefined)
    refuse('a plan is made for one request', 'Put the whole request behind --plan; material may come from a pipe.')
  if (plan === undefined && (planner_model !== undefined || approve))
    refuse('there is no planning here for a planner or an approval', 'Give the request with --plan "…".')
  return planned
}

async function chooseTarget(app: App, input: Wanted, asked: string | undefined): Promise<NamedTarget> {
  if (input.step.length > 0) return { target: await makeStepsTarget(app, input.step) }
  if (input.plan_file !== undefined) return { target: await readPlanTarget(app, input.plan_file, input.model) }
  if (input.plan !== undefined) {
    const wish = { models: input.model, planner: input.planner_model, approve: input.approve || undefined }
    return { target: await makePlanTarget(app, wish) }
  }
  if (input.target === undefined) return { target: await makePromptTarget(app, input.model) }
  const named = await findNamedTarget(app, input.target, { params: readParamWords(input.param), prompt: asked })
  if (named.target.kind !== 'ensemble' || input.prompt === undefined) return named
  const hint = `Give the ensemble its input instead: llm-orc run ${input.target} "…"`
  throw new OrcError({ code: 'bad_input', message: 'a run has an ensemble or a prompt, not both', hint })
}

/** A prompt, and below it the material it is about. */
export function joinPrompt(prompt: string | undefined, given: string | undefined): string | undefined {
  return prompt === undefined ? given : [prompt, given].filter(Boolean).join('\n\n')
}

/** Nobody can say for a chain or a plan what it might work on. */
export function requirePrompt(asked: string | undefined, what = 'a chain'): string {
  if (asked !== undefined && asked.trim() !== '') return asked
  const hint = 'Give it as: -p "…", or from a pipe.'
  throw new OrcError({ code: 'bad_input', message: `${what} needs a prompt`, hint })
}

export interface Start {
  readonly target: Target
  readonly input: Json
  readonly limits?: RunOrder['limits']
}

/** What the run would take. */
export async function quoteStart(
  app: App,
  { target, input, limits }: Start,
  how: {
    readonly max_concurrent?: number | undefined
    readonly timeout_seconds?: number | undefined
    readonly max_cost?: number | undefined
  },
): Promise<Quote> {
  const { max_concurrent, timeout_seconds, max_cost } = how
  const { quoteTarget } = await import('../quote.ts')
  return quoteTarget(app, {
    target,
    input,
    limits: {
      ...limits,
      ...(max_concurrent === undefined ? {} : { max_concurrent }),
      ...(timeout_seconds === undefined ? {} : { timeout_ms: Math.round(timeout_seconds * 1000) }),
    },
    ...(max_cost === undefined ? {} : { cap: Math.round(max_cost * 1e9) }),
  })
}

/** Starts a run, and drives it here unless it is to go on by itself. */
export async function startRun(call: Call, { target, input, limits }: Start, options: StartOptions) {
  const { app } = call
  const { seed, max_concurrent, timeout_seconds, max_cost, max_tokens, max_calls, allow, deny, cache } = options
  const { on_limit, budget_model: model } = options
  const budget = readBudget({ max_cost, max_tokens, max_calls, on_limit, model })
  const order: RunOrder = {
    target,
    input,
    ...(seed === undefined ? {} : { seed }),
    permits: { allow, deny, ...(cache ? {} : { no_cache: true }) },
    budget,
    limits: {
      ...limits,
      ...(max_concurrent === undefined ? {} : { max_concurrent }),
      ...(timeout_seconds === undefined ? {} : { timeout_ms: Math.round(timeout_seconds * 1000) }),
    },
  }
  if (call.keeper)
    return runTarget(app, order, { ...steeringOf(call), detached: options.detach || call.detached === true })
  if (!options.detach) return runTarget(app, order, steeringOf(call))
  const run = await prepareRun(app, order)
  await detachProcess(app, ['runs', 'resume', run])
  return { run, status: 'detached' as const, provider_notes: target.notes }
}

export async function readInput(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return await readFile(file, 'utf8')
  } catch {
    throw new OrcError({ code: 'not_found', message: `the input file ${file} cannot be read`, file })
  }
}
