import { countAtMost } from '../context/count.ts'
import { type RunStep, type StepContext, StepFailure, type StepKind, type StepOutcome } from '../engine/step.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { Inventory } from '../events/views/inventory.ts'
import type { AgentSpec } from '../graph/agent-spec.ts'
import type { GracefulSpec, PortionSpec } from '../graph/graceful.ts'
import { makeLeastValue } from '../graph/least-value.ts'
import { showAnswer } from './checks.ts'
import { describeFailures, findLast, listLost, readOutput, verdictOn } from './inner.ts'
import { applyInputRules, composeInput } from './inputs.ts'
import { checkDepth } from './nested.ts'
import { nameOf, placeSteps, type Sight } from './place.ts'

/** Codes that say that a call was not paid for. */
const UNPAID = new Set(['budget_exhausted', 'price_unknown'])

/** As many names of what is missing are told. */
const MOST_NAMES = 50

/** What a portion ends with. */
type Portion = Inventory<Json> & {
  readonly answer: Json
  /** Something was not done because the budget did not pay for it. */
  readonly exhausted: boolean
  /** A step whose output is the graph's has succeeded. */
  readonly answered: boolean
}

/**
 * Runs a graph as `ID/NAME` and tells how far it came; the budget is on the step itself, so it holds for all inside. What steps that
 * work by others (loops, lists, other ensembles) had finished when they ran dry comes as the effect `inventory`.
 */
export const portionStep: StepKind = {
  kind: 'portion',
  version: 2,
  run: runPortion({ deep: true }),
  // Told of its own steps alone.
  older: { 1: runPortion({ deep: false }) },
}

function runPortion({ deep }: { readonly deep: boolean }): RunStep {
  return async (step, _, ctx) => {
    const { graph } = step.spec as unknown as PortionSpec
    const outcomes = await ctx.propose('graph', placeSteps(step.id, graph.steps))
    const last = findLast(graph)
    const ends = outcomes.filter((__, index) => last.has(graph.steps[index]?.id ?? ''))
    const shown = outcomes.filter((__, index) => graph.steps[index]?.kind !== 'condition')
    const inventory = (await askInventory(ctx)) ?? countOutcomes(shown)
    const portion: Portion = {
      ...inventory,
      answer: readOutput(ends),
      exhausted: inventory.missing.some(({ code }) => UNPAID.has(code)),
      answered: ends.some(({ status }) => status === 'succeeded'),
    }
    const failed = outcomes.filter(({ status }) => status === 'failed').map(({ step: id }) => id)
    return { output: portion, ...verdictOn(deep ? listLost(outcomes) : failed) }
  }
}

/** `idempotent`: everything before it is on disk, where its executor reads. Nothing where nobody can tell. */
async function askInventory(ctx: StepContext): Promise<Inventory<Json> | undefined> {
  try {
    const answer = await ctx.effect({ kind: 'inventory', safety: 'idempotent', request: {} })
    return answer as unknown as Inventory<Json>
  } catch (failure) {
    if (!(failure instanceof StepFailure) || ctx.signal.aborted) throw failure
    return undefined
  }
}

/** What can be seen from outside. */
function countOutcomes(outcomes: readonly StepOutcome[]): Inventory<Json> {
  return {
    done: outcomes.flatMap(({ step, status, output }) =>
      status === 'succeeded' && output !== undefined ? [{ name: nameOf(step), output }] : [],
    ),
    missing: outcomes.flatMap(({ step, status, code = status, message = `it was ${status}` }) =>
      status === 'succeeded' ? [] : [{ name: nameOf(step), code, message }],
    ),
  }
}

/**
 * Runs a graph on a part of the budget (`ID/work`). When that runs dry, `ID/wrap-up` makes one last answer of what is there, paid from
 * the part that was kept back; if that fails, too, what is there is put together without a model. The output is valid under the schema
 * that the graph promises. What is missing stands in the answer, or in a note where the answer has a schema. The graph of another
 * ensemble sees one input (`composeInput`) and nothing else of what is around it.
 */
export const gracefulStep: StepKind = {
  kind: 'graceful',
  version: 2,
  run: runGraceful({ deep: true }),
  // Stood around whole runs alone, and named what was missing as it does in its answers.
  older: { 1: runGraceful({ deep: false }) },
}

function runGraceful({ deep }: { readonly deep: boolean }): RunStep {
  return async (step, inputs, ctx) => {
    const spec = step.spec as unknown as GracefulSpec
    if (spec.ensemble !== undefined) checkDepth(step.id, spec.ensemble)
    const sight = spec.ensemble === undefined ? {} : { input: composeInput(applyInputRules(spec.rules, inputs)) }
    const place = `${step.id}/work`
    const work = { id: place, kind: 'portion', spec: { graph: spec.graph }, budget: spec.limits, ...sight }
    const [ended] = await ctx.propose('work', [work])
    const { status, output, code, message } = ended as StepOutcome
    if (status !== 'succeeded') throw new StepFailure(code ?? 'inner_failed', message ?? `the work was ${status}`)
    const portion = output as unknown as Portion
    const failed = portion.missing.slice(0, MOST_NAMES).map(({ name }) => name)
    const verdict = verdictOn(deep ? failed.map((name) => `${place}/${name}`) : failed)
    if (!portion.exhausted) {
      if (portion.answered || failed.length === 0) return { output: portion.answer, ...verdict }
      const what = spec.ensemble === undefined ? 'the work' : `the ensemble ${JSON.stringify(spec.ensemble)}`
      throw new StepFailure('inner_failed', `${what} failed: ${describeMissing(portion)}`, { output: portion.answer })
    }
    const more = portion.missing.length - failed.length
    ctx.record('note-written', { about: 'wrap-up', missing: failed, ...(more > 0 ? { more } : {}) })
    return { output: await wrapUp(ctx, { id: step.id, spec, portion, sight }), ...verdict }
  }
}

interface Rest {
  readonly id: string
  readonly spec: GracefulSpec
  readonly portion: Portion
  /** What the last answer is to see as its input, where that is not the step's own. */
  readonly sight: Sight
}

async function wrapUp(ctx: StepContext, rest: Rest): Promise<Json> {
  const { id, spec, portion, sight } = rest
  const agent: AgentSpec = {
    agent: 'wrap-up',
    title: 'the last answer',
    system: 'You bring unfinished work to the best end that can be reached with what is there. You invent nothing.',
    candidates: spec.candidates,
    blocks: [],
    material: [...takeMaterial(portion, spec.material_tokens), { heading: 'Not done', content: listMissing(portion) }],
    instruct:
      'The budget for this work is used up. Give the best answer to the input that can be made of the results above, and say briefly what is missing.',
    ...(spec.output_schema ? { output_schema: spec.output_schema, output_attempts: 1 } : {}),
  }
  const affordable = portion.done.length > 0 && spec.candidates.length > 0
  const step = { id: `${id}/wrap-up`, kind: 'agent', spec: agent as unknown as JsonObject, ...sight }
  const [outcome] = affordable ? await ctx.propose('wrap-up', [step]) : []
  if (outcome?.status === 'succeeded' && outcome.output !== undefined)
    return spec.output_schema ? outcome.output : `${showAnswer(outcome.output).trimEnd()}\n\n${listMissing(portion)}`
  if (!spec.output_schema) return assemblePlainly(portion)
  const value = makeLeastValue(spec.output_schema)
  if (value !== undefined) return value
  throw new StepFailure('budget_exhausted', 'the budget is used up, and nothing of the promised form can be given')
}

/** The results, each with its share; what does not fit is cut in the middle of it. */
function takeMaterial({ done }: Portion, tokens: number): NonNullable<AgentSpec['material']> {
  const share = tokens / Math.max(1, done.length)
  return done.map(({ name, output }) => {
    const text = showAnswer(output)
    const part = Math.min(1, share / Math.max(1, countAtMost(text)))
    return { heading: `Result of ${name}`, content: part < 1 ? cut(text, Math.floor(text.length * part)) : output }
  })
}

function cut(text: string, length: number): string {
  return `${text.slice(0, length).toWellFormed()}\n[cut: ${text.length - length} characters more]`
}

function listMissing({ missing }: Portion): string {
  const named = missing.slice(0, MOST_NAMES).map(({ name, code }) => `- ${name} (${code})`)
  const more = missing.length - named.length
  return ['Not finished:', ...named, ...(more > 0 ? [`- and ${more} more`] : [])].join('\n')
}

function assemblePlainly(portion: Portion): string {
  const parts = portion.done.map(({ name, output }) => `## ${name}\n\n${showAnswer(output).trim()}`)
  return [...parts, listMissing(portion)].join('\n\n')
}

function describeMissing({ missing }: Portion): string {
  return describeFailures(missing.map(({ name, code, message }) => ({ step: name, status: 'failed', code, message })))
}
