import { describe, expect, it } from 'vitest'
import type { ModelCard } from '../events/model-card.ts'
import { findCandidates, type ModelChoice } from './candidates.ts'
import type { ModelProfile } from './profile.ts'
import { Report } from './report.ts'

const PROFILES: readonly ModelProfile[] = [
  { name: 'small', provider: 'local', model: 's', temperature: 0.1 },
  { name: 'large', provider: 'cloud', model: 'l' },
  { name: 'large too', provider: 'cloud', model: 'l' },
  {
    name: 'chooser',
    provider: 'router',
    model: 'chooser',
    temperature: 0.7,
    choice: { candidates: ['small', 'cloud/x'] },
    fallback: 'large',
  },
  { name: 'other', provider: 'router', model: 'other', choice: { candidates: ['chooser'] } },
]
const CARDS: { readonly [name: string]: Partial<ModelCard> } = {
  'local/s': { context_window: 8000, tools: true, skills: { coding: 0.4 } },
  'cloud/l': { context_window: 200_000, tools: true, vision: true, skills: { coding: 0.9 } },
}

function find(choice: Omit<ModelChoice, 'name'>) {
  const report = new Report(() => ({}))
  const candidates = findCandidates(report, {
    agent: { name: 'a', ...choice },
    path: [],
    keepPrompts: false,
    lookup: {
      profile: (name) => PROFILES.find((profile) => profile.name === name),
      defaultProfile: () => PROFILES[0] as ModelProfile,
      profileNames: () => PROFILES.map(({ name }) => name),
      card: (provider, model) => {
        const card = CARDS[`${provider}/${model}`]
        return card && { provider, model, sources: ['test'], ...card }
      },
    },
  })
  return { candidates, problems: report.problems }
}

describe('several models instead of one', () => {
  it('a profile that chooses: its candidates with its own settings, then its fallback', () => {
    const { candidates } = find({ model_profile: 'chooser' })
    expect(candidates).toMatchObject([
      { profile: 'small', provider: 'local', model: 's', temperature: 0.7, route: { among: 2 } },
      { provider: 'cloud', model: 'x', temperature: 0.7 },
      { profile: 'large', provider: 'cloud', model: 'l' },
    ])
    expect(candidates?.slice(1).some(({ route }) => route)).toBe(false)
  })

  it('an agent may say so itself, in its own units', () => {
    const requirements = { max_cost_per_call: 0.002, capability: 'coding' }
    const { candidates } = find({ candidates: ['small', 'large'], requirements, routing: { method: 'ai3' } })
    expect(candidates?.[0]?.route).toEqual({
      among: 2,
      requirements: { capability: 'coding', max_cost_per_call: 2_000_000 },
      method: 'ai3',
    })
  })

  it('requirements alone: every profile that is known to fit, each model once', () => {
    expect(find({ requirements: { tools: true } }).candidates?.map(({ profile }) => profile)).toEqual([
      'small',
      'large',
    ])
    expect(find({ requirements: { vision: true } }).candidates?.map(({ profile }) => profile)).toEqual(['large'])
    expect(find({ requirements: { capability: 'coding', min_quality: 0.5 } }).candidates).toHaveLength(1)
    // The older formula gives points for quality instead.
    expect(
      find({ requirements: { capability: 'coding', min_quality: 0.5 }, routing: { method: 'ai3' } }).candidates,
    ).toHaveLength(2)
  })

  it('what is not known of a model that was named is no obstacle', () => {
    expect(find({ candidates: ['cloud/x'], requirements: { tools: true } }).candidates).toHaveLength(1)
    expect(find({ requirements: { tools: true, providers: ['nobody'] } }).problems).toMatchObject([
      { code: 'no_model_fits', message: expect.stringContaining('small (is of local); large (is of cloud)') },
    ])
  })

  it('choices do not choose between choices, and names have to exist', () => {
    expect(find({ model_profile: 'other' }).problems).toMatchObject([{ code: 'profile_cycle' }])
    expect(find({ candidates: ['small', 'gone'] }).problems).toMatchObject([{ code: 'profile_missing' }])
  })
})
