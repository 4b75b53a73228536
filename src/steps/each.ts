import {
  type Inputs,
  type ProposedStep,
  type RunStep,
  type StepContext,
  StepFailure,
  type StepKind,
  type StepOutcome,
} from '../engine/step.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { type CelScope, celSteps } from '../graph/cel.ts'
import type { EachSpec, InputRules } from '../graph/composite.ts'
import { describeFailures, listLost, verdictOn } from './inner.ts'
import { applyInputRules } from './inputs.ts'
import { nameOf } from './place.ts'
import { isJsonObject, readJson } from './read-json.ts'
import { evaluate, expressionScope, readRun, scopeOf } from './scope.ts'

const MAX_ITEMS = 10_000
/** Steps of one event at most. */
const BATCH = 200
/** Characters that all copies of the original input may take up together. */
const MAX_COPIES = 32_000_000

type Spec = EachSpec & { readonly rules?: InputRules }

/**
 * Runs one step per item of a list as `NAME[0]`, `NAME[1]`, … Each gets `{item, chunk_index, total_chunks, base_input}` as its input (an
 * agent reads the item) and sees the dependencies that the list does not come from. The output is `{data, status, items}`: the items'
 * outputs in their order, `null` for one that failed; `success`, `partial` or `failed`; how each one ended. It fails when all failed.
 */
export const eachStep: StepKind = {
  kind: 'each',
  version: 2,
  run: runEach({ deep: true }),
  // Its list knew nothing of the run, nor of what is missing of a step, and what failed inside of an item was not told.
  older: { 1: runEach({ deep: false }) },
}

function runEach({ deep }: { readonly deep: boolean }): RunStep {
  return async (step, inputs, ctx) => {
    const spec = step.spec as unknown as Spec
    const scope = deep ? expressionScope(inputs) : scopeOf(inputs)
    const items = readItems(spec, inputs, { scope, run: deep ? await readRun(ctx, spec.over) : {} })
    // Whoever watches sees them come a few at a time and wants to know of how many.
    if (spec.width !== undefined) ctx.record('note-written', { about: 'items', total: items.length })
    const outcomes = await runItems(ctx, makeItems(ctx, { id: step.id, spec, inputs, items }), spec.width)
    const failures = outcomes.filter(({ status }) => status !== 'succeeded')
    const whole = failures.length === 0 ? 'success' : failures.length < outcomes.length ? 'partial' : 'failed'
    const output = {
      data: outcomes.map((outcome) => (outcome.status === 'succeeded' ? (outcome.output ?? null) : null)),
      status: whole,
      items: outcomes.map(describeItem),
    }
    if (whole === 'failed') {
      const message = `every item failed: ${describeFailures(failures)}`
      throw new StepFailure('inner_failed', message, { output })
    }
    return { output, ...verdictOn(deep ? listMissing(outcomes) : failures.map((failure) => failure.step)) }
  }
}

/** Items that did not succeed, and what failed inside of those that did. */
function listMissing(outcomes: readonly StepOutcome[]): readonly string[] {
  return outcomes.flatMap((outcome) =>
    outcome.status === 'succeeded' || outcome.status === 'failed' ? listLost([outcome]) : [outcome.step],
  )
}

/** What the expression that gives the list sees. */
interface Sight {
  readonly scope: CelScope
  readonly run: CelScope
}

function readItems(spec: Spec, inputs: Inputs, sight: Sight): readonly Json[] {
  const { source, value } = readSource(spec, inputs, sight)
  const items = findList(value)
  if (!items) throw new StepFailure('items_invalid', `${source} is not a list, nor an object with a list under "data"`)
  if (items.length <= MAX_ITEMS) return items
  throw new StepFailure('items_too_many', `${source} has ${items.length} items; a step takes ${MAX_ITEMS} at most`)
}

/** Where the list comes from, in words, and what stands there. */
function readSource(
  { over, rules }: Spec,
  inputs: Inputs,
  { scope, run }: Sight,
): { readonly source: string; readonly value: Json } {
  const [first] = inputs.dependencies
  if (over !== undefined) return { source: over, value: evaluate(['for_each', over], scope, run) }
  if (rules?.input_key !== undefined)
    return { source: `"${rules.input_key}"`, value: applyInputRules(rules, inputs).input ?? null }
  if (!first) return { source: 'the input', value: inputs.input }
  const name = nameOf(first.step)
  if (first.output !== undefined) return { source: `the output of "${name}"`, value: first.output }
  throw new StepFailure('items_invalid', `"${name}", which the list comes from, has no output: it was ${first.status}`)
}

/** A list, the list under `data`, or a text that is one of the two. */
function findList(value: Json): readonly Json[] | undefined {
  const read = typeof value === 'string' ? readJson(value) : value
  const list = isJsonObject(read) ? read['data'] : read
  return Array.isArray(list) ? list : undefined
}

interface Work {
  readonly id: string
  readonly spec: Spec
  readonly inputs: Inputs
  readonly items: readonly Json[]
}

function makeItems(ctx: StepContext, { id, spec, inputs, items }: Work): ProposedStep[] {
  const base_input = chooseBaseInput(ctx, { id, spec, inputs, items })
  const sources = new Set(
    spec.over === undefined ? inputs.dependencies.slice(0, 1).map(({ step }) => nameOf(step)) : celSteps(spec.over),
  )
  const inherit = inputs.dependencies.map(({ step }) => step).filter((step) => !sources.has(nameOf(step)))
  return items.map((item, index) => ({
    ...spec.step,
    id: `${id}[${index}]`,
    input: { item, chunk_index: index, total_chunks: items.length, base_input },
    inherit,
  }))
}

/** Null when the rules leave the original input out, and when it is so long that the copies would fill the journal. */
function chooseBaseInput(ctx: StepContext, { spec, inputs, items }: Work): Json {
  if (spec.rules?.input_scope === 'dependencies') return null
  const characters = JSON.stringify(inputs.input).length
  if (characters * items.length <= MAX_COPIES) return inputs.input
  ctx.record('note-written', { about: 'base_input', left_out: true, characters, items: items.length })
  return null
}

/** Lanes take the next item when they have finished one; without a width all items are proposed at once. */
export async function runItems(
  ctx: StepContext,
  items: readonly ProposedStep[],
  width: number | undefined,
): Promise<readonly StepOutcome[]> {
  if (width === undefined) return proposeAll(ctx, items)
  const outcomes: StepOutcome[] = []
  let next = 0
  const runLane = async () => {
    while (next < items.length) {
      const index = next
      next += 1
      const [outcome] = await ctx.propose(`item[${index}]`, items.slice(index, index + 1))
      if (outcome) outcomes[index] = outcome
    }
  }
  await Promise.all(Array.from({ length: Math.min(Math.max(1, width), items.length) }, runLane))
  return outcomes
}

async function proposeAll(ctx: StepContext, items: readonly ProposedStep[]): Promise<readonly StepOutcome[]> {
  const batches: Promise<readonly StepOutcome[]>[] = []
  for (let from = 0; from < items.length; from += BATCH)
    batches.push(ctx.propose(from === 0 ? 'items' : `items[${from}]`, items.slice(from, from + BATCH)))
  return (await Promise.all(batches)).flat()
}

function describeItem({ status, code, message }: StepOutcome, index: number): JsonObject {
  return {
    index,
    status: status === 'succeeded' ? 'success' : status,
    ...(code === undefined ? {} : { error: { code, message: message ?? '' } }),
  }
}
