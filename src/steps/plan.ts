import {
  type Inputs,
  type RunStep,
  type StepContext,
  StepFailure,
  type StepKind,
  type StepOutcome,
} from '../engine/step.ts'
import { isError, type Problem } from '../events/errors.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { AgentSpec } from '../graph/agent-spec.ts'
import type { Candidate } from '../graph/candidates.ts'
import { repairJson } from '../graph/json-repair.ts'
import { describePlan, levelsOf, type Plan } from '../graph/plan.ts'
import { compilePlan, type PlanMeans } from '../graph/plan-compile.ts'
import { describePlanning } from '../graph/plan-prompt.ts'
import { readPlan } from '../graph/plan-read.ts'
import { chooseTemplate } from '../graph/plan-templates.ts'
import { describeFailures, listLost, verdictOn } from './inner.ts'
import { placeSteps } from './place.ts'
import { isJsonObject, textOfJson } from './read-json.ts'

/** Settings of the kind `plan`. */
export type PlanSpec = {
  /** The models to plan with, in order. The embedded provider cannot plan: it stands for the templates. */
  readonly planner: readonly Candidate[]
  /** How often the planner is asked again when its plan cannot be used. */
  readonly repair_limit: number
  readonly means: PlanMeans
  /** A person is shown the plan before anything of it is done. */
  readonly approve: boolean
  /** Without it the plan itself is the output. */
  readonly execute: boolean
}

/** A plan, and how it came about. */
interface Made {
  readonly plan: Plan
  readonly facts: JsonObject
}

/**
 * Lets a model split the request into tasks, checks the plan, has it approved if that is wanted, and carries it out. The output is the
 * assembled answer, or without `execute` the plan. What failed inside while something came to a result makes the run `partial`.
 */
export const planStep: StepKind = {
  kind: 'plan',
  version: 2,
  run: runPlan({ deep: true }),
  // Did not tell what of it is missing.
  older: { 1: runPlan({ deep: false }) },
}

function runPlan({ deep }: { readonly deep: boolean }): RunStep {
  return async (step, inputs, ctx) => {
    const spec = step.spec as unknown as PlanSpec
    const made = await makePlan(ctx, { place: step.id, spec, inputs })
    recordPlan(ctx, made)
    const plan = spec.approve ? await approvePlan(ctx, made.plan, spec.means) : made.plan
    if (!spec.execute) return { output: plan as unknown as Json }
    const { steps } = compilePlan(plan, spec.means)
    const outcomes = await ctx.propose('tasks', placeSteps(step.id, steps))
    const failed = outcomes.filter(({ status }) => status === 'failed')
    const answer = outcomes.at(-1)
    if (answer?.status !== 'succeeded') throw failWith(outcomes, failed)
    const shallow = failed.length > 0 ? { verdict: { partial: true } } : {}
    return { output: answer.output ?? '', ...(deep ? verdictOn(listLost(outcomes)) : shallow) }
  }
}

interface Planning {
  readonly place: string
  readonly spec: PlanSpec
  readonly inputs: Inputs
}

async function makePlan(ctx: StepContext, { place, spec, inputs }: Planning): Promise<Made> {
  if (spec.planner[0]?.provider === 'embedded') {
    const { template, plan } = chooseTemplate(textOfJson(inputs.input))
    const problems = readPlan(plan as unknown as Json, spec.means).problems.filter(isError)
    if (problems.length > 0)
      throw new StepFailure('plan_invalid', `the template ${template} does not fit: ${listReasons(problems)}`)
    return { plan, facts: { made_by: 'template', template, reason: 'the embedded provider is not a language model' } }
  }
  let repair: AgentSpec['repair']
  for (let attempt = 0; ; attempt += 1) {
    const name = attempt === 0 ? 'planner' : `planner~${attempt}`
    const asked = { id: `${place}/${name}`, kind: 'agent', spec: specOf(spec, repair) }
    const [answer] = await ctx.propose(name, [asked])
    if (answer?.status !== 'succeeded')
      throw new StepFailure(answer?.code ?? 'cancelled', `the planner failed: ${answer?.message ?? ''}`)
    const text = textOfJson(answer.output ?? '')
    const read = readAnswer(text, spec.means)
    if (read.plan) {
      const facts = { made_by: 'model', attempts: attempt + 1, ...(read.repaired ? { repaired: true } : {}) }
      return { plan: read.plan, facts }
    }
    const reasons = read.problems.map(({ message }) => message)
    ctx.record(
      'note-written',
      { about: 'plan-refused', attempt: attempt + 1, codes: read.problems.map(({ code }) => code) },
      reasons,
    )
    if (attempt >= spec.repair_limit) {
      const which = attempt === 0 ? 'the plan cannot be used' : `none of ${attempt + 1} plans can be used; the last one`
      throw new StepFailure('plan_invalid', `${which}: ${listReasons(read.problems)}`)
    }
    repair = { answer: text, failures: reasons }
  }
}

function specOf({ planner, means }: PlanSpec, repair: AgentSpec['repair']): AgentSpec {
  return {
    agent: 'planner',
    title: 'Planner',
    system: describePlanning(means),
    candidates: planner,
    blocks: [],
    ...(repair ? { repair } : {}),
  }
}

interface ReadAnswer {
  readonly plan?: Plan
  readonly problems: readonly Problem[]
  readonly repaired?: boolean
}

/** What an answer holds before and after its first object with tasks is passed over. */
function readAnswer(text: string, means: PlanMeans): ReadAnswer {
  const found = repairJson(text, (value) => isJsonObject(value) && Object.hasOwn(value, 'tasks'))
  if (!found.ok) return { problems: [{ code: 'plan_invalid', message: `the answer is no plan: ${found.message}` }] }
  const { plan, problems } = readPlan(found.value, means)
  return { problems: problems.filter(isError), repaired: found.repaired, ...(plan ? { plan } : {}) }
}

function recordPlan(ctx: StepContext, { plan, facts }: Made): void {
  const { tasks, edges } = plan
  const counts = { task_count: tasks.length, edge_count: edges.length, levels: levelsOf(plan).length }
  ctx.record('note-written', { about: 'plan', ...counts, ...facts }, plan as unknown as Json)
}

/** The person says yes or no, or answers with a plan of their own, which is checked like any other. */
async function approvePlan(ctx: StepContext, plan: Plan, means: PlanMeans): Promise<Plan> {
  let question = 'Shall this plan be carried out?'
  for (let round = 0; ; round += 1) {
    const shown = `${question}\n\n${describePlan(plan)}`
    const request = { question: shown, options: ['yes', 'no'], plan: plan as unknown as Json }
    const name = round === 0 ? 'approve' : `approve~${round}`
    const answer = await ctx.effect({ kind: 'ask', name, safety: 'pure', request })
    if (answer === true || (typeof answer === 'string' && YES.test(answer))) return plan
    if (answer === false || (typeof answer === 'string' && NO.test(answer)))
      throw new StepFailure('plan_rejected', 'the plan was not approved')
    const read = readAnswer(typeof answer === 'string' ? answer : JSON.stringify(answer), means)
    if (read.plan) {
      recordPlan(ctx, { plan: read.plan, facts: { made_by: 'person' } })
      return read.plan
    }
    question = `That is neither yes nor no, nor a plan that can be used: ${listReasons(read.problems)}. Shall the plan be carried out?`
  }
}

const YES = /^\s*(?:y|yes|ok|approved?|true|go)\s*[.!]?\s*$/i
const NO = /^\s*(?:n|no|reject(?:ed)?|den(?:y|ied)|false|stop)\b/i

function failWith(outcomes: readonly StepOutcome[], failed: readonly StepOutcome[]): StepFailure {
  if (failed.length > 0) return new StepFailure('plan_failed', `no result to put together: ${describeFailures(failed)}`)
  const states = outcomes.map(({ step, status }) => `${step} ${status}`)
  return new StepFailure('plan_failed', `no result to put together: ${states.slice(0, 5).join(', ')}`)
}

function listReasons(problems: readonly Problem[]): string {
  const messages = problems.map(({ message }) => message)
  const more = messages.length - 10
  return `${messages.slice(0, 10).join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}
