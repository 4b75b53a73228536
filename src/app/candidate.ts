import { OrcError } from '../events/errors.ts'
import { type Candidate, findCandidates } from '../graph/candidates.ts'
import type { ModelProfile } from '../graph/profile.ts'
import { Report } from '../graph/report.ts'
import type { App } from './app.ts'
import type { FindCard } from './model-cards.ts'

/** A profile as the only one that may answer, without its prompt and its fallback. Throws OrcError for one that chooses between models. */
export function makeCandidate(profile: ModelProfile, findCard: FindCard): Candidate {
  const { name, fallback: _, system_prompt: __, choice, timeout_seconds, ...model } = profile
  if (choice) {
    const message = `the profile "${name}" chooses between models, and one model is needed here`
    throw new OrcError({ code: 'bad_input', message, hint: 'Name one of its models instead.' })
  }
  const card = findCard(profile.provider, profile.model, profile.options)
  return {
    ...(name === '' ? {} : { profile: name }),
    ...model,
    ...(timeout_seconds === undefined ? {} : { timeout_ms: Math.max(1, Math.round(timeout_seconds * 1000)) }),
    ...(card ? { card } : {}),
  }
}

/** The models a profile stands for: itself, or those it chooses from. Throws OrcError when none of these fits. */
export async function listCandidates(app: App, profile: ModelProfile): Promise<readonly Candidate[]> {
  const { cards } = app.models
  if (!profile.choice) return [await cards.compile((card) => makeCandidate(profile, card))]
  const { profiles } = app.profiles
  const { fallback: _, ...chooser } = profile
  const { candidates, report } = await cards.compile((card) => {
    const said = new Report(() => ({}))
    const found = findCandidates(said, {
      agent: { name: profile.name, model_profile: profile.name },
      path: [],
      lookup: {
        card,
        profile: (name) => (name === profile.name ? chooser : profiles.get(name)),
        defaultProfile: () => chooser,
        profileNames: () => [...profiles.keys()],
      },
      keepPrompts: false,
    })
    return { candidates: found, report: said }
  })
  if (!candidates) throw new OrcError(report.problems)
  return candidates
}
