import type { Json, JsonObject } from '../events/values.ts'
import type { AgentSpec } from '../graph/agent-spec.ts'
import type { Candidate } from '../graph/candidates.ts'
import type { VerifiedSpec } from '../graph/verify.ts'
import { makeJudge } from '../steps/judge.ts'
import { addFigures, addReadings, joinReasons, NO_FIGURES, type Reading, scaleBounds } from './quote-figures.ts'
import { oftenAs } from './quote-graph.ts'
import type { StepQuote, StepWork } from './quote-means.ts'

/** The rest of the lines that name what is wrong with an answer. */
const REPAIR = 1_000

/** Each model's answer with its checks; the first model's repairs besides. */
export function quoteVerified(work: StepWork): StepQuote {
  const { step, place, input, dependencies, means, given } = work
  const spec = step.spec as unknown as VerifiedSpec
  const { step: inner, judge, repair_limit } = spec
  const candidates = inner.kind === 'agent' ? (inner.spec as unknown as AgentSpec).candidates : [undefined]
  const seen = { input, dependencies, means, ...(given === undefined ? {} : { given }) }
  const rules = step.spec['rules'] ?? inner.spec['rules']
  const answers = candidates.map((candidate) => {
    const narrowed = narrow(inner.spec, { candidate, rules })
    return means.step({ ...seen, step: { ...inner, spec: narrowed }, place: `${place}/answer` })
  })
  const [first] = answers
  const answer = addReadings(answers.map(({ output }) => output))
  const longest = answers.reduce((most, { output }) => (output.worst > most.worst ? output : most), answer)
  const judged =
    judge &&
    means.step({
      ...seen,
      dependencies: [{ name: 'answer', reading: longest }],
      step: makeJudge(judge, { id: 'judge', answer: '' }),
      place: `${place}/judge`,
    })
  const verdict: Reading = { least: 0, expected: REPAIR / 4, worst: REPAIR + (judged?.output.worst ?? 0) }
  const more = [...dependencies, { name: 'answer', reading: longest }, { name: 'failures', reading: verdict }]
  const repairs =
    candidates[0] && repair_limit > 0
      ? [
          means.step({
            ...seen,
            dependencies: more,
            step: { ...inner, spec: narrow(inner.spec, { candidate: candidates[0], rules }) },
            place: `${place}/answer`,
          }),
        ]
      : []
  const checks = judged ? [judged] : []
  const tries = answers.length + repairs.length * repair_limit
  const worst = [
    ...answers.map(({ bounds }) => bounds.worst),
    ...repairs.map(({ bounds }) => scaleBounds(bounds, { least: 0, expected: 0, worst: repair_limit }).worst),
    ...checks.map(({ bounds }) => scaleBounds(bounds, { least: 0, expected: 0, worst: tries }).worst),
  ]
  const least = answers.map(({ bounds }) => bounds.least).reduce((a, b) => (b.cost < a.cost ? b : a))
  const fewest = { ...least, tokens: Math.min(...answers.map(({ bounds }) => bounds.least.tokens)) }
  const often = [...(first ? [first] : []), ...checks].map((quote) =>
    oftenAs(quote, { parent: place, skippable: false, means }),
  )
  const scripted = spec.checks.some(({ kind }) => kind === 'script')
  const total = worst.reduce(addFigures, NO_FIGURES)
  return {
    id: place,
    kind: step.kind,
    ...(first?.model === undefined ? {} : { model: first.model }),
    bounds: {
      least: [fewest, ...checks.map(({ bounds }) => bounds.least)].reduce(addFigures, NO_FIGURES),
      expected: often.map(({ bounds }) => bounds.expected).reduce(addFigures, NO_FIGURES),
      worst: scripted ? { ...total, ms: Infinity, busy: Infinity } : total,
    },
    output: longest,
    unbounded: joinReasons([...answers, ...repairs, ...checks].flatMap(({ unbounded }) => unbounded)),
    basis: first?.basis ?? 'guess',
    inside: [...answers, ...checks],
  }
}

/** The step inside as it is asked: one model of its own, and what the step around it lets it see. */
function narrow(
  spec: JsonObject,
  { candidate, rules }: { readonly candidate: Candidate | undefined; readonly rules: Json | undefined },
): JsonObject {
  return {
    ...spec,
    ...(candidate ? { candidates: [candidate as unknown as Json] } : {}),
    ...(rules === undefined ? {} : { rules }),
  }
}
