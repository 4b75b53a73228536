import type { Problem } from '../events/errors.ts'
import type { ModelCard } from '../events/model-card.ts'
import type { JsonObject } from '../events/values.ts'
import type { ModelProfile } from './profile.ts'
import { listObstacles } from './routed-choice.ts'

interface Known {
  profile(name: string): ModelProfile | undefined
  profileNames?(): readonly string[]
  card?(provider: string, model: string, options?: JsonObject): ModelCard | undefined
}

/** The models that a choice is between; or the name that means nothing, or why none of the models fits. */
export type Among =
  | { readonly models: readonly ModelProfile[] }
  | { readonly missing: string }
  | { readonly problem: Pick<Problem, 'code' | 'message' | 'hint'> }

/** What the choosing profile says of temperature, prompt and the like wins over the words of those it chooses from. */
export function listAmong({ choice = {}, ...own }: ModelProfile, known: Known, whose: string): Among {
  const { name: _, provider: __, model: ___, fallback: ____, ...settings } = own
  const models: ModelProfile[] = []
  const misfits: string[] = []
  const seen = new Set<string>()
  for (const name of choice.candidates ?? known.profileNames?.() ?? []) {
    const profile = known.profile(name) ?? readModelName(name)
    if (!profile) return { missing: name }
    if (profile.choice) {
      if (!choice.candidates) continue
      const message = `"${whose}" chooses between models, and "${name}" is none: it chooses itself`
      return { problem: { code: 'profile_cycle', message, hint: 'Name its candidates here.' } }
    }
    const { provider, model, fallback: _____, ...others } = profile
    // Of profiles that are the same model the first one speaks for it, unless they were named.
    const key = choice.candidates ? name : `${provider}/${model}`
    if (seen.has(key)) continue
    seen.add(key)
    const card = known.card?.(provider, model, profile.options)
    const obstacles = listObstacles({ provider, card }, choice, choice.candidates !== undefined)
    if (obstacles.length === 0) models.push({ ...others, ...settings, provider, model })
    else misfits.push(`${name} (${obstacles.join(', ')})`)
  }
  return models.length > 0 ? { models } : { problem: describeMisfits(whose, misfits) }
}

function describeMisfits(whose: string, misfits: readonly string[]): Pick<Problem, 'code' | 'message' | 'hint'> {
  const more = misfits.length > 8 ? `, and ${misfits.length - 8} more` : ''
  const why = misfits.length === 0 ? 'there are no model profiles' : `${misfits.slice(0, 8).join('; ')}${more}`
  const hint = 'Ask for less, or write in models.yaml what the models can do; see: llm-orc models show MODEL'
  return { code: 'no_model_fits', message: `no model fits what "${whose}" requires: ${why}`, hint }
}

/** `PROVIDER/MODEL` */
function readModelName(name: string): ModelProfile | undefined {
  const slash = name.indexOf('/')
  return slash > 0 ? { name: '', provider: name.slice(0, slash), model: name.slice(slash + 1) } : undefined
}
