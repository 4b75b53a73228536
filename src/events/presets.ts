import type { PresetAnswer, RunState } from './state.ts'

interface Asked {
  readonly step: string
  readonly key: string
  readonly kind: string
}

/** The name of an effect, without the step and attempt its key begins with. */
export function effectName(step: string, key: string): string {
  const rest = key.slice(step.length)
  return rest.slice(rest.indexOf('/') + 1)
}

/** Does this answer of a fork belong to the effect? By its name, else by its kind; without either, to any of the step. */
export function answerFits(
  answer: { readonly effect?: string | undefined; readonly kind?: string | undefined },
  asked: Asked,
): boolean {
  if (answer.effect !== undefined) return answer.effect === effectName(asked.step, asked.key)
  return answer.kind === undefined || answer.kind === asked.kind
}

/** The answer a fork holds ready for this effect. */
export function presetFor(state: RunState, asked: Asked): PresetAnswer | undefined {
  return state.presets.get(asked.step)?.find((preset) => answerFits(preset, asked))
}

/** Uses up the answer that the fork at `seq` held ready; false when there is none. */
export function takePreset(state: RunState, asked: Asked, seq: number): boolean {
  const presets = state.presets.get(asked.step) ?? []
  const index = presets.findIndex((preset) => preset.seq === seq && answerFits(preset, asked))
  if (index < 0) return false
  presets.splice(index, 1)
  if (presets.length === 0) state.presets.delete(asked.step)
  return true
}
