import type { Event, PlannedStep } from '../events/event.ts'
import type { Json, Value } from '../events/values.ts'
import type { Offer } from './admit.ts'
import type { RawOffer } from './attempt.ts'
import type { ProposedStep } from './step.ts'

/** Makes the value that stands at a path of the event. */
export type MakeValue = (content: Json, path: string) => Value

/** A raw offer with values made of its content. */
export function prepareOffer(raw: RawOffer, make: MakeValue): Offer {
  switch (raw.what) {
    case 'effect':
      return { ...raw, request: make(raw.request, 'request') }
    case 'propose':
      return {
        ...raw,
        steps: raw.steps.map((step, index) => planStep(step, (content, key) => make(content, `steps.${index}.${key}`))),
      }
    case 'record': {
      const { content, ...rest } = raw
      return content === undefined ? rest : { ...rest, content: make(content, 'content') }
    }
    case 'finish':
      return { ...raw, output: make(raw.output, 'output') }
    case 'fail': {
      const { output, foreign: _, ...rest } = raw
      return output === undefined ? rest : { ...rest, output: make(output, 'output') }
    }
  }
}

/** A step as the journal keeps it. */
export function planStep(step: ProposedStep, make: (content: Json, key: 'spec' | 'input') => Value): PlannedStep {
  const { id, kind, spec, after, timeout_ms, retry, on_unknown, rights, budget, input, inherit } = step
  return {
    id,
    kind,
    after: after ?? [],
    spec: make(spec, 'spec'),
    ...(timeout_ms === undefined ? {} : { timeout_ms }),
    ...(retry === undefined ? {} : { retry }),
    ...(on_unknown === undefined ? {} : { on_unknown }),
    ...(rights === undefined ? {} : { rights }),
    ...(budget === undefined ? {} : { budget }),
    ...(input === undefined ? {} : { input: make(input, 'input') }),
    ...(inherit === undefined ? {} : { inherit }),
  }
}

/** The id of the offer that an output event answered, and the step that made it. */
export function answeredOffer(event: Event): { readonly step: string; readonly attempt: number; readonly id: string } {
  const { data } = event
  if (!('step' in data) || !('attempt' in data)) throw new Error(`${event.type} is not an answer to a step`)
  const { step, attempt } = data
  switch (event.type) {
    case 'effect-intended':
    case 'budget-refused':
      return { step, attempt, id: event.data.key }
    case 'steps-added':
      return { step, attempt, id: `propose:${(event.data as { proposal: string }).proposal}` }
    case 'step-finished':
      return { step, attempt, id: 'end' }
    case 'step-failed':
      return { step, attempt, id: event.data.offer ?? 'end' }
    default:
      return { step, attempt, id: `${event.type}#${(data as { n: number }).n}` }
  }
}
