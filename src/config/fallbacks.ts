import type { Problem } from '../events/errors.ts'
import { findCycles } from '../graph/cycles.ts'
import { suggest } from '../graph/nearest.ts'
import type { ModelProfile } from '../graph/profile.ts'
import type { FoundProfile, Profiles } from './profiles.ts'
import type { Settings } from './schema.ts'

export type FallbackChain = { readonly chain: readonly ModelProfile[] } | { readonly problem: Problem }

/** The profile and those it falls back to, in order. A circle or a gap matters only to those who use it, so it is reported here. */
export function fallbackChain(name: string, profiles: ReadonlyMap<string, FoundProfile>): FallbackChain {
  const chain: FoundProfile[] = []
  for (let next: string | undefined = name; next !== undefined; next = chain.at(-1)?.fallback) {
    const names = chain.map((profile) => profile.name)
    if (names.includes(next)) return { problem: describeCycle([...names.slice(names.indexOf(next)), next], chain) }
    const profile = profiles.get(next)
    if (!profile) return { problem: describeGap(next, chain.at(-1), profiles) }
    chain.push(profile)
  }
  return { chain }
}

/** Everything `profiles validate` reports: what cannot be read, circles, and fallbacks that do not exist. */
export function checkProfiles({ profiles, broken, problems, warnings }: Profiles): readonly Problem[] {
  const edges = new Map(
    [...profiles.values()].map(({ name, fallback }) => [name, fallback === undefined ? [] : [fallback]]),
  )
  const cycles = findCycles(edges).map((cycle) =>
    describeCycle(
      cycle,
      [...profiles.values()].filter((profile) => cycle.includes(profile.name)),
    ),
  )
  const gaps = [...profiles.values()]
    .filter(({ fallback }) => fallback !== undefined && !profiles.has(fallback) && !broken.has(fallback))
    .map((profile) => describeGap(profile.fallback as string, profile, profiles))
  return [...problems, ...cycles, ...gaps, ...warnings]
}

/** What an agent without a profile uses; undefined when nothing is set, or when a profile that does not exist is. */
export function findDefaultProfile(
  settings: Settings,
  profiles: ReadonlyMap<string, FoundProfile>,
): ModelProfile | undefined {
  if (settings.default_profile !== undefined) return profiles.get(settings.default_profile)
  const own = profiles.get('default')
  if (own) return own
  const { main_llm, project } = settings
  if (main_llm) {
    const { provider, model } = main_llm
    const known = profiles.get(model === undefined ? provider : `${provider}/${model}`)
    if (known) return known
    if (model !== undefined) return { name: 'main_llm', provider, model }
  }
  const models = project?.default_models ?? {}
  return profiles.get(models['default'] ?? models['test'] ?? '')
}

function describeCycle(cycle: readonly string[], profiles: readonly FoundProfile[]): Problem {
  const place = profiles.find((profile) => profile.name === cycle.at(-2))?.fallback_place
  return {
    code: 'profile_cycle',
    message: `model profiles fall back to each other in a circle: ${cycle.join(' -> ')}`,
    hint: 'Let one of them fall back to another profile, or to none.',
    ...place,
  }
}

function describeGap(
  name: string,
  from: FoundProfile | undefined,
  profiles: ReadonlyMap<string, FoundProfile>,
): Problem {
  const message = `the model profile "${name}"${from ? ` (fallback of "${from.name}")` : ''} does not exist`
  return {
    code: 'profile_missing',
    message,
    hint: 'Define it under `model_profiles:`, or name another one.',
    ...suggest(name, profiles.keys()),
    ...from?.fallback_place,
  }
}
