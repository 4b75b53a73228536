import type { GracefulSpec } from '../graph/graceful.ts'
import { agentStep } from './quote-agent.ts'
import { addReadings, capBounds, joinReasons, type Reading, sumBounds } from './quote-figures.ts'
import { oftenAs, quoteGraph } from './quote-graph.ts'
import { composedInput, type StepQuote, type StepWork } from './quote-means.ts'

/** An ensemble inside that finishes with what is there: its graph on a part of its budget, and at worst one more answer. */
export function quoteGraceful(work: StepWork): StepQuote {
  const { step, place, means } = work
  const { graph, limits, candidates, material_tokens, output_schema } = step.spec as unknown as GracefulSpec
  const composed = composedInput(work)
  const inner = quoteGraph(graph, { prefix: `${place}/work/`, parent: `${place}/work`, means, ...composed })
  const material: Reading = { least: 0, expected: material_tokens / 2, worst: material_tokens }
  const last = means.step({
    step: agentStep('wrap-up', {
      candidates,
      system: WORDS,
      instruct: WORDS,
      ...(output_schema ? { output_schema, output_attempts: 1 } : {}),
    }),
    place: `${place}/wrap-up`,
    input: addReadings([composed.input, material]),
    dependencies: [],
    means,
  })
  const wrapUp = oftenAs(last, { parent: place, skippable: true, means, usual: 0 })
  const known = inner.steps.every(({ basis }) => basis !== 'guess')
  return {
    id: place,
    kind: step.kind,
    bounds: sumBounds([limits.unpriced === 'allow' ? inner.bounds : capBounds(inner.bounds, limits), wrapUp.bounds]),
    output: inner.output.worst > last.output.worst ? inner.output : last.output,
    unbounded: joinReasons([...inner.unbounded, ...wrapUp.unbounded]),
    basis: known ? 'history' : 'guess',
    inside: [...inner.steps, wrapUp],
  }
}

/** As long as what the step itself says, and more than what it lists as missing. */
const WORDS = `Bring it to an end. ${'-'.repeat(2_000)}`
