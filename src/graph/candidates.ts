import type { ModelCard } from '../events/model-card.ts'
import type { RoutePlan } from '../events/routing.ts'
import type { JsonObject } from '../events/values.ts'
import { listAmong } from './among.ts'
import { suggest } from './nearest.ts'
import type { ModelProfile } from './profile.ts'
import type { Report } from './report.ts'
import { isRouted, makeChooser, type RoutedChoice, readRoutePlan } from './routed-choice.ts'
import type { Path } from './yaml.ts'

/** What an agent, or whoever asks a model like one, says of the model it wants. */
export interface ModelChoice extends RoutedChoice {
  readonly name: string
  readonly model_profile?: string
  readonly model?: string
  readonly provider?: string
  readonly base_url?: string
  readonly temperature?: number
  readonly max_tokens?: number
  readonly options?: JsonObject
  /** The profile to take when this one fails; replaces the fallback of the profile. */
  readonly fallback?: string
}

/** One model that may answer for an agent. */
export type Candidate = {
  readonly profile?: string
  readonly provider: string
  readonly model: string
  readonly base_url?: string
  readonly temperature?: number
  readonly max_tokens?: number
  readonly options?: JsonObject
  readonly timeout_ms?: number
  readonly cost_per_token?: number
  /** The profile's own prompt; present only when the agent has none. */
  readonly system?: string
  /** It is asked only when a budget does not pay for those before it. */
  readonly only_for?: 'budget'
  /** What is known of the model, as it was when the definition was made. */
  readonly card?: ModelCard
  /** On the first of several: which of them is asked is chosen for each call. */
  readonly route?: RoutePlan
}

export interface ProfileLookup {
  profile(name: string): ModelProfile | undefined
  /** What is used when nothing is named, and for the name `default` where no profile has it. */
  defaultProfile(): ModelProfile
  /** What is known of a model; `options` are those it is called with. */
  card?(provider: string, model: string, options?: JsonObject): ModelCard | undefined
  /** All names, for suggestions. */
  profileNames?(): readonly string[]
}

interface Wanted {
  readonly agent: ModelChoice
  readonly path: Path
  readonly lookup: ProfileLookup
  /** Whether the profiles' prompts are used. */
  readonly keepPrompts: boolean
}

/** The agent's own model, then its chain of fallbacks. Undefined when a profile is missing or the chain comes back to itself. */
export function findCandidates(report: Report, wanted: Wanted): Candidate[] | undefined {
  const { agent, path, lookup } = wanted
  const find = (name: string) => lookup.profile(name) ?? (name === 'default' ? lookup.defaultProfile() : undefined)
  const chain: ModelProfile[] = []
  let fallback = agent.fallback
  const own = findOwn(agent, lookup, find)
  if (!own) {
    const key = agent.model_profile === undefined ? 'model' : 'model_profile'
    reportMissing(report, { name: agent[key] ?? '', path: [...path, key], wanted })
    return undefined
  }
  chain.push(own)
  fallback ??= own.fallback
  for (let name = fallback; name !== undefined; ) {
    const at = [...path, agent.fallback === undefined ? 'model_profile' : 'fallback']
    if (chain.some((profile) => profile.name === name)) {
      const names = chain.map((profile) => profile.name)
      report.add(at, {
        code: 'profile_cycle',
        message: `the fallbacks of "${agent.name}" go in a circle: ${[...names.slice(names.indexOf(name)), name].join(' -> ')}`,
      })
      return undefined
    }
    const profile = find(name)
    if (!profile) {
      reportMissing(report, { name, path: at, wanted, after: chain.at(-1)?.name ?? '' })
      return undefined
    }
    chain.push(profile)
    name = profile.fallback
  }
  const candidates: Candidate[] = []
  for (const profile of chain) {
    const found = profile.choice
      ? findRouted(report, profile, wanted)
      : [makeCandidate(profile, chain[0]?.provider, wanted)]
    if (!found) return undefined
    candidates.push(...found)
  }
  return candidates
}

function findRouted(report: Report, profile: ModelProfile, wanted: Wanted): Candidate[] | undefined {
  const { agent, lookup } = wanted
  const among = listAmong(profile, lookup, agent.name)
  if ('models' in among) {
    const [first, ...others] = among.models.map((model) => makeCandidate(model, undefined, wanted))
    return first && [{ ...first, route: readRoutePlan(profile.choice ?? {}, among.models.length) }, ...others]
  }
  const own = agent.candidates ? 'candidates' : agent.requirements ? 'requirements' : 'model_profile'
  const path = [...wanted.path, own]
  if ('problem' in among) report.add(path, among.problem)
  else reportMissing(report, { name: among.missing, path, wanted, ...(profile.name ? { after: profile.name } : {}) })
  return undefined
}

// Two provider names stood as models in the oldest files; which model they meant was decided elsewhere.
const PROVIDERS_AS_MODELS = new Set(['anthropic-api', 'anthropic-claude-pro-max'])

/** A profile, a model with its provider, or (oldest files) a bare model: a profile's name, else a local Ollama model. */
function findOwn(
  agent: ModelChoice,
  lookup: ProfileLookup,
  find: (name: string) => ModelProfile | undefined,
): ModelProfile | undefined {
  if (isRouted(agent)) return makeChooser('', agent)
  const { model_profile, model, provider } = agent
  if (model_profile !== undefined) return find(model_profile)
  if (model === undefined) return lookup.defaultProfile()
  if (provider !== undefined) return { name: '', provider, model }
  return lookup.profile(model) ?? (PROVIDERS_AS_MODELS.has(model) ? undefined : { name: '', provider: 'ollama', model })
}

function makeCandidate(
  profile: ModelProfile,
  ownProvider: string | undefined,
  { agent, keepPrompts, lookup }: Wanted,
): Candidate {
  const {
    name,
    provider,
    model,
    system_prompt,
    timeout_seconds,
    options: given,
    fallback: _fallback,
    ...others
  } = profile
  // options mean something to one provider only
  const options = { ...given, ...(provider === ownProvider ? agent.options : {}) }
  const card = lookup.card?.(provider, model, options)
  return {
    ...(name === '' ? {} : { profile: name }),
    provider,
    model,
    ...others,
    ...(agent.base_url !== undefined && provider === ownProvider ? { base_url: agent.base_url } : {}),
    ...(agent.temperature === undefined ? {} : { temperature: agent.temperature }),
    ...(agent.max_tokens === undefined ? {} : { max_tokens: agent.max_tokens }),
    ...(Object.keys(options).length > 0 ? { options } : {}),
    ...(timeout_seconds === undefined ? {} : { timeout_ms: Math.max(1, Math.round(timeout_seconds * 1000)) }),
    ...(keepPrompts && system_prompt ? { system: system_prompt } : {}),
    ...(card ? { card } : {}),
  }
}

function reportMissing(
  report: Report,
  { name, path, wanted, after }: { name: string; path: Path; wanted: Wanted; after?: string },
): void {
  const names = wanted.lookup.profileNames?.() ?? []
  const nearest = report.wantsHints ? suggest(name, names) : {}
  const known = names.length > 0 && names.length <= 12 ? { hint: `Known profiles: ${names.join(', ')}.` } : {}
  report.add(path, {
    code: 'profile_missing',
    message: `"${wanted.agent.name}" uses the model profile "${name}"${after ? ` (fallback of "${after}")` : ''}, which does not exist`,
    ...known,
    ...nearest,
  })
}
