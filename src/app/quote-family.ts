import { priceUsage } from '../events/model-card.ts'
import type { Candidate } from '../graph/candidates.ts'
import { type Figures, NO_FIGURES } from './quote-figures.ts'
import { cardOf, type QuoteMeans } from './quote-means.ts'
import { medianOf } from './quote-past.ts'

/** What all steps below one took each time it ran before, at the prices of the models that are known now. */
export function familyOf(means: QuoteMeans, place: string, candidates: readonly Candidate[] = []): Figures | undefined {
  const own = means.past.steps.get(place)
  if (!own || own.started === 0) return undefined
  const sum = { ...NO_FIGURES }
  for (const [below, { models }] of means.past.steps) {
    if (!below.startsWith(`${place}/`)) continue
    for (const [name, { calls, input, output }] of models) {
      const candidate = candidates.find(({ provider, model }) => `${provider}/${model}` === name)
      const times = calls / own.started
      const usage = { input: medianOf(input) ?? 0, output: medianOf(output) ?? 0 }
      sum.cost += (priceUsage(candidate && cardOf(candidate, means)?.prices, usage) ?? Infinity) * times
      sum.tokens += (usage.input + usage.output) * times
      sum.calls += times
    }
  }
  const ms = medianOf(own.ms) ?? 0
  return { ...sum, ms, busy: ms }
}
