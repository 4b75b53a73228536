import { findEnsemble } from '../config/find-ensemble.ts'
import { resolveScript } from '../config/scripts.ts'
import { OrcError } from '../events/errors.ts'
import type { Agent } from '../graph/ensemble.ts'
import type { ModelProfile } from '../graph/profile.ts'
import type { App } from './app.ts'
import { readEnsembles } from './ensemble-files.ts'
import type { ProviderState } from './models.ts'

/** Can this agent run here and now? */
export interface AgentState {
  readonly name: string
  readonly profile: string
  readonly provider: string
  readonly status:
    | 'available'
    | 'missing_profile'
    | 'provider_unavailable'
    | 'model_unavailable'
    | 'missing_script'
    | 'missing_ensemble'
  /** Why not. */
  readonly reason?: string
  /** Profiles that could be used instead, at most five. */
  readonly alternatives: readonly string[]
}

const MOST_ALTERNATIVES = 5

/** Of every agent of an ensemble. Throws OrcError when there is no such ensemble. */
export async function checkAgents(app: App, name: string): Promise<readonly AgentState[]> {
  const looked = await findEnsemble(name, app.paths, { files: true })
  if ('problem' in looked) throw new OrcError(looked.problem)
  const [{ ensemble, uses }] = await readEnsembles(app.paths, looked.found)
  const states = new Map((await app.models.describeProviders()).map((state) => [state.provider, state]))
  const usable = [...app.profiles.profiles.values()].filter((each) => judge(each, states).status === 'available')
  const alternatives = usable.slice(0, MOST_ALTERNATIVES).map((each) => each.name)
  const { profile: usual } = await app.models.chooseDefault()
  return Promise.all(
    (ensemble?.agents ?? []).map(async (agent): Promise<AgentState> => {
      const inner =
        agent.ensemble ?? agent.dispatch ?? (typeof agent.loop?.body === 'string' ? agent.loop.body : undefined)
      const { model_profile } = agent
      const about = { name: agent.name, profile: model_profile ?? '', provider: '', alternatives: [] }
      if (agent.script !== undefined) return { ...about, ...(await judgeScript(app, agent.script)) }
      if (inner !== undefined) {
        const other = uses.get(inner)
        const gone = other !== undefined && 'code' in other
        return { ...about, ...(gone ? { status: 'missing_ensemble', reason: other.message } : { status: 'available' }) }
      }
      if (agent.type !== 'llm') return { ...about, status: 'available' }
      const known = model_profile === undefined ? undefined : app.profiles.profiles.get(model_profile)
      if (model_profile !== undefined && !known && model_profile !== 'default') {
        const broken = app.profiles.broken.get(model_profile)?.[0]
        const reason = broken?.message ?? `there is no model profile "${model_profile}"`
        return { ...about, status: 'missing_profile', reason, alternatives }
      }
      const profile = known ?? profileOf(agent, usual)
      const judged = judge(profile, states)
      const instead = judged.status === 'available' ? [] : alternatives.filter((each) => each !== profile.name)
      return { ...about, provider: profile.provider, ...judged, alternatives: instead }
    }),
  )
}

type Judged = Pick<AgentState, 'status' | 'reason'>

/** An agent may name its model itself. */
function profileOf(agent: Agent, usual: ModelProfile): ModelProfile {
  return { ...usual, provider: agent.provider ?? usual.provider, model: agent.model ?? usual.model }
}

function judge(profile: ModelProfile, states: ReadonlyMap<string, ProviderState>): Judged {
  // One that chooses, or has a server of its own, is only known when it is asked.
  if (profile.choice || profile.base_url !== undefined) return { status: 'available' }
  const state = states.get(profile.provider) ?? states.get(profile.provider.toLowerCase())
  if (!state) return { status: 'provider_unavailable', reason: `there is no provider ${profile.provider}` }
  if (!state.available) return { status: 'provider_unavailable', reason: state.reason }
  const { models } = state
  const { model } = profile
  if (!models || models.length === 0 || models.some((each) => each === model || each === `${model}:latest`))
    return { status: 'available' }
  return {
    status: 'model_unavailable',
    reason: `${profile.provider} has ${models.slice(0, 5).join(', ')}, not ${model}`,
  }
}

async function judgeScript(app: App, reference: string): Promise<Judged> {
  const script = await resolveScript(reference, app.paths, { node: process.execPath })
  if (script.type !== 'missing') return { status: 'available' }
  return { status: 'missing_script', reason: `there is no script ${reference}` }
}
