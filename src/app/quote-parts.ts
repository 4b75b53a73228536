import type { Json } from '../events/values.ts'
import { celSteps, evaluateCel } from '../graph/cel.ts'
import type { DispatchSpec, EachSpec, InputRules, LoopSpec, NestedSpec } from '../graph/composite.ts'
import type { QueriesSpec } from '../graph/workflow.ts'
import { isJsonObject, readAnswer, readJson } from '../steps/read-json.ts'
import { familyOf } from './quote-family.ts'
import {
  addReadings,
  type Bounds,
  ENDLESS_BOUNDS,
  joinReasons,
  mapCases,
  multiply,
  type Reading,
  scaleBounds,
  scaleReading,
  sumBounds,
  type Unbounded,
} from './quote-figures.ts'
import { quoteGraph } from './quote-graph.ts'
import { composedInput, readInput, readText, type StepQuote, type StepWork } from './quote-means.ts'

/** Items of a list nobody knows anything of. */
const USUAL_ITEMS = 3

/** One step per item of a list, so many at once. */
export function quoteEach(work: StepWork): StepQuote {
  const { step, place, means } = work
  const spec = step.spec as unknown as EachSpec & { readonly rules?: InputRules }
  const items = findItems(spec, work)
  const sources = new Set(
    spec.over === undefined ? work.dependencies.slice(0, 1).map(({ name }) => name) : celSteps(spec.over),
  )
  const source = work.dependencies.filter(({ name }) => sources.has(name)).map(({ reading }) => reading)
  const item = items
    ? readItems(items)
    : addReadings(source).worst === 0
      ? work.input
      : { ...addReadings(source), least: 0 }
  const own = spec.step.kind === 'agent' || spec.step.kind === 'verified'
  const child = means.step({
    step: spec.step,
    place: `${place}[]`,
    // An agent reads the item alone.
    input: own ? item : { ...addReadings([item, work.input]), least: 0 },
    dependencies: work.dependencies.filter(({ name }) => !sources.has(name)),
    means,
  })
  const before = means.past.steps.get(place)
  const seen =
    before && before.started > 0 ? (means.past.steps.get(`${place}[]`)?.started ?? 0) / before.started : undefined
  const expected = items?.length ?? seen ?? USUAL_ITEMS
  const times = { least: items?.length ?? 0, expected, worst: items?.length ?? Infinity }
  const endless: Unbounded[] = items ? [] : [{ step: place, what: 'cost', why: describeList(spec, work) }]
  // A list of unknown length costs nothing without limit when an item costs nothing.
  const unbounded = [...(child.bounds.worst.cost === 0 ? [] : endless), ...child.unbounded]
  return {
    id: place,
    kind: step.kind,
    ...(child.model === undefined ? {} : { model: child.model }),
    bounds: spread(child.bounds, times, spec.width),
    output: { ...scaleReading(child.output, times), ...(items ? {} : { why: describeList(spec, work) }) },
    unbounded: items ? child.unbounded : unbounded,
    basis: items === undefined && seen === undefined ? 'guess' : child.basis,
    inside: [child],
  }
}

/** So many of the same, `width` at once: money and tokens of all, the time of those that have to wait for each other. */
function spread(one: Bounds, times: Readonly<Record<keyof Bounds, number>>, width: number | undefined): Bounds {
  const all = scaleBounds(one, times)
  return mapCases((which) => {
    const rows = width === undefined ? Math.min(1, times[which]) : Math.ceil(times[which] / width)
    return { ...all[which], ms: multiply(one[which].ms, rows) }
  })
}

/** The list, when it hangs on nothing but what is known before the run. */
function findItems(
  spec: EachSpec & { readonly rules?: InputRules },
  { given, dependencies }: StepWork,
): readonly Json[] | undefined {
  if (spec.over === undefined) {
    if (dependencies.length > 0 || spec.rules?.input_key !== undefined || given === undefined) return undefined
    return listIn(given)
  }
  if (celSteps(spec.over).length > 0 || (given === undefined && /\binput\b/.test(spec.over))) return undefined
  const found = evaluateCel(spec.over, { input: readAnswer(given ?? null), steps: {} })
  return found.ok ? listIn(found.value) : undefined
}

function listIn(value: Json): readonly Json[] | undefined {
  const read = typeof value === 'string' ? readJson(value) : value
  const list = isJsonObject(read) ? read['data'] : read
  return Array.isArray(list) ? list : undefined
}

function readItems(items: readonly Json[]): Reading {
  const readings = items.map(readInput)
  const of = (which: 'least' | 'expected' | 'worst') => readings.map((reading) => reading[which])
  const sum = of('expected').reduce((total, one) => total + one, 0)
  return {
    least: of('least').reduce((least, one) => Math.min(least, one), Infinity) || 0,
    expected: sum / Math.max(1, items.length),
    worst: of('worst').reduce((most, one) => Math.max(most, one), 0),
  }
}

function describeList({ over }: EachSpec, { dependencies }: StepWork): string {
  const [first] = dependencies
  if (over !== undefined) return `how many items ${over} has is known only when it runs`
  return `how many items ${first ? `${first.name} answers` : 'the input has'} is known only when it runs`
}

/** Other models side by side. */
export function quoteQueries(work: StepWork): StepQuote {
  const { step, place, means, input, dependencies, given } = work
  const { queries, width } = step.spec as unknown as QueriesSpec
  const quotes = queries.map(({ step: query }) =>
    means.step({
      step: query,
      place: `${place}[]`,
      input,
      dependencies,
      means,
      ...(given === undefined ? {} : { given }),
    }),
  )
  const all = sumBounds(quotes.map(({ bounds }) => bounds))
  const slowest = (which: keyof Bounds) => quotes.reduce((most, { bounds }) => Math.max(most, bounds[which].ms), 0)
  const rows = Math.ceil(queries.length / Math.max(1, width))
  return {
    id: place,
    kind: step.kind,
    bounds: mapCases((which) => ({ ...all[which], ms: multiply(slowest(which), rows) })),
    output: addReadings(quotes.map(({ output }) => output)),
    unbounded: joinReasons(quotes.flatMap(({ unbounded }) => unbounded)),
    basis: quotes.every(({ basis }) => basis === 'history') ? 'history' : 'guess',
    inside: quotes,
  }
}

/** The longest input a round can have counts for every round. */
export function quoteLoop(work: StepWork): StepQuote {
  const { step, place, means } = work
  const { body, until, max_iterations, carry } = step.spec as unknown as LoopSpec
  const start = composedInput(work)
  const inside = { prefix: `${place}#/`, parent: place, means }
  const first = quoteGraph(body, { ...inside, ...start })
  const longest =
    carry === undefined ? start.input : carryOn(carry, { first: start.input, answer: first, rounds: max_iterations })
  const worst = carry === undefined ? first : quoteGraph(body, { ...inside, input: longest })
  const before = means.past.steps.get(place)
  const known = before !== undefined && before.started > 0
  // Frequencies of the steps inside count their rounds.
  const rounds = { least: until === undefined ? max_iterations : 1, worst: max_iterations }
  const usual = until === undefined ? max_iterations : Math.ceil(max_iterations / 2)
  const expected = known ? 1 : usual
  return {
    id: place,
    kind: step.kind,
    bounds: {
      least: scaleBounds(first.bounds, { least: rounds.least, expected: 0, worst: 0 }).least,
      expected: scaleBounds(first.bounds, { least: 0, expected, worst: 0 }).expected,
      worst: scaleBounds(worst.bounds, { least: 0, expected: 0, worst: rounds.worst }).worst,
    },
    output: worst.output,
    unbounded: worst.unbounded,
    basis: known ? 'history' : 'guess',
    inside: first.steps,
  }
}

/** What the last round may be given, when each hands the next one what the expression makes of it. */
function carryOn(
  carry: string,
  {
    first,
    answer,
    rounds,
  }: {
    readonly first: Reading
    readonly answer: { readonly output: Reading; readonly steps: readonly StepQuote[] }
    readonly rounds: number
  },
): Reading {
  const count = (pattern: RegExp) => carry.match(pattern)?.length ?? 0
  const own = count(/\binput\b/g)
  const others = count(/\bsteps\b/g) + count(/\boutput\b/g)
  const said = addReadings(answer.steps.map(({ output }) => output))
  const text = readText(carry).worst
  const why = said.why === undefined ? {} : { why: said.why }
  // A macro may say what it sees once for each of many things.
  if (/\.(?:map|filter|join|split)\(/.test(carry))
    return { least: 0, expected: said.expected, worst: Infinity, why: 'what its rounds hand on may grow' }
  let most = first.worst
  for (let round = 1; round < rounds && most < Infinity; round += 1)
    most = Math.max(most, multiply(most, own) + multiply(said.worst, others) + text)
  return { least: 0, expected: first.expected + said.expected, worst: most, ...why }
}

/** Another ensemble, inside. */
export function quoteNested(work: StepWork): StepQuote {
  const { step, place, means } = work
  const { graph } = step.spec as unknown as NestedSpec
  const inner = quoteGraph(graph, { prefix: `${place}/`, parent: place, means, ...composedInput(work) })
  const known = inner.steps.every(({ basis }) => basis !== 'guess')
  const { bounds, output, unbounded, steps } = inner
  return { id: place, kind: step.kind, bounds, output, unbounded, basis: known ? 'history' : 'guess', inside: steps }
}

/** Nobody knows which ensemble it will be; only what it was before. */
export function quoteDispatch({ step, place, means }: StepWork): StepQuote {
  const { ensemble } = step.spec as unknown as DispatchSpec
  const before = familyOf(means, place)
  const why = `which ensemble ${ensemble} names is known only when it runs`
  return {
    id: place,
    kind: step.kind,
    bounds: { ...ENDLESS_BOUNDS, ...(before ? { expected: before } : {}) },
    output: { least: 0, expected: 400, worst: Infinity, why },
    unbounded: [{ step: place, what: 'cost', why }],
    basis: before ? 'history' : 'guess',
  }
}
