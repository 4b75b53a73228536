import type { AssembleSpec } from '../graph/assemble.ts'
import type { Candidate } from '../graph/candidates.ts'
import { agentStep } from './quote-agent.ts'
import { addReadings, joinReasons, mapCases, NO_BOUNDS, NO_READING, type Reading, sumBounds } from './quote-figures.ts'
import { oftenAs } from './quote-graph.ts'
import type { StepQuote, StepWork } from './quote-means.ts'

/** Answers of many become one: by hand for nothing, by a model, or by voters who read them all. */
export function quoteAssembly(work: StepWork): StepQuote {
  const { step, place, dependencies } = work
  const spec = step.spec as unknown as AssembleSpec
  const answers = dependencies.map(({ reading }) => reading)
  const asked = spec.method === 'synthesize' ? [askWriter(work, spec)] : (spec.voters ?? []).map(askVoter(work, spec))
  const all = sumBounds(asked.map(({ bounds }) => bounds))
  const side = mapCases((which) => ({
    ...all[which],
    ms: asked.reduce((most, { bounds }) => Math.max(most, bounds[which].ms), 0),
  }))
  const longest = answers.reduce<Reading>((most, one) => (one.worst > most.worst ? one : most), NO_READING)
  const chosen = ['concatenate', 'merge'].includes(spec.method) ? addReadings(answers) : longest
  return {
    id: place,
    kind: step.kind,
    ...(asked[0]?.model === undefined ? {} : { model: asked[0].model }),
    bounds: asked.length === 0 ? NO_BOUNDS : side,
    output: asked[0] && spec.method === 'synthesize' ? asked[0].output : chosen,
    unbounded: joinReasons(asked.flatMap(({ unbounded }) => unbounded)),
    basis: asked.length === 0 ? 'certain' : (asked[0]?.basis ?? 'guess'),
    ...(asked.length === 0 ? {} : { inside: asked }),
  }
}

function askWriter({ place, input, dependencies, means }: StepWork, spec: AssembleSpec): StepQuote {
  const { candidates = [], blocks, system, instruct } = spec
  const step = agentStep('synthesis', {
    candidates,
    blocks,
    system: system ?? USUAL_SYSTEM,
    instruct: instruct ?? USUAL_TASK,
  })
  const quote = means.step({ step, place: `${place}/synthesis`, input, dependencies, means })
  return oftenAs(quote, { parent: place, skippable: false, means })
}

/** As long as what the step itself says, with fewer words. */
const USUAL_SYSTEM = `Make one answer out of several. ${'-'.repeat(200)}`
const USUAL_TASK = `Write one answer to the input. ${'-'.repeat(200)}`

/** A voter sees every answer under a letter. */
function askVoter({ place, input, dependencies, means }: StepWork, spec: AssembleSpec) {
  return (candidates: readonly Candidate[], index: number): StepQuote => {
    const letters = Array.from({ length: Math.min(200, Math.max(2, dependencies.length)) }, (_, at) => `L${at}`)
    const step = agentStep('voter', {
      candidates,
      system: `You vote. ${'-'.repeat(240)}`,
      instruct: `${spec.instruct ?? ''}\n\nChoose the best. ${'-'.repeat(60)}`,
      output_schema: {
        type: 'object',
        properties: {
          reasons: { type: 'string', description: 'In a few sentences, why.' },
          ranking: { type: 'array', items: { type: 'string', enum: letters }, uniqueItems: true },
        },
        required: ['ranking'],
      },
    })
    const quote = means.step({ step, place: `${place}/voter-${index + 1}`, input, dependencies, means })
    return oftenAs(quote, { parent: place, skippable: false, means })
  }
}
