import type { AgentNeed, ListedEnsemble } from '../config/definitions.ts'
import { resolveScript } from '../config/scripts.ts'
import type { ModelProfile } from '../graph/profile.ts'
import type { App } from './app.ts'
import type { AgentState } from './runnable.ts'

/** Why an agent of a listed ensemble could not run. The words are those of `ensembles runnable`. */
export interface Obstacle {
  readonly agent: string
  readonly status: Exclude<AgentState['status'], 'available' | 'model_unavailable'>
  readonly reason: string
}

/** What stands in the way of those that are listed: only what files and settings say, no server is asked. */
export type FindObstacles = (ensemble: ListedEnsemble) => Promise<readonly Obstacle[]>

export async function createObstacles(app: App, ensembles: readonly ListedEnsemble[]): Promise<FindObstacles> {
  const names = new Set(ensembles.map(({ name }) => name))
  const missing = await findMissingModels(app)
  // Many agents are the same script.
  const scripts = new Map<string, Promise<boolean>>()
  const hasScript = (script: string): Promise<boolean> => {
    const known =
      scripts.get(script) ??
      resolveScript(script, app.paths, { node: process.execPath }).then(({ type }) => type !== 'missing')
    scripts.set(script, known)
    return known
  }
  const judge = async (need: AgentNeed): Promise<Obstacle | undefined> => {
    const { agent, script, ensemble } = need
    if (script !== undefined) {
      if (await hasScript(script)) return undefined
      return { agent, status: 'missing_script', reason: `there is no script ${script}` }
    }
    if (ensemble !== undefined) {
      // One that stands beside the file is found by its path.
      if (names.has(ensemble) || /[/\\.]/.test(ensemble)) return undefined
      return { agent, status: 'missing_ensemble', reason: `there is no ensemble "${ensemble}"` }
    }
    const lack = missing(need)
    return lack ? { agent, ...lack } : undefined
  }
  return async ({ needs = [] }) => {
    const found = await Promise.all(needs.map(judge))
    return found.filter((each) => each !== undefined)
  }
}

type Lack = Omit<Obstacle, 'agent'>

/** Says of an agent, or of a profile alone, that its model cannot be asked. */
export async function findMissingModels(
  app: App,
): Promise<(need: Pick<AgentNeed, 'profile' | 'provider' | 'fallback'>) => Lack | undefined> {
  const states = new Map(
    (await app.models.describeProviders({ offline: true })).map((state) => [state.provider, state] as const),
  )
  const { profiles, broken } = app.profiles
  const judgeProvider = (name: string): Lack | undefined => {
    const state = states.get(name) ?? states.get(name.toLowerCase())
    const reason = state ? state.reason : `there is no provider ${name}`
    return state?.available ? undefined : { status: 'provider_unavailable', reason }
  }
  // One that chooses, has a server of its own or somebody to take its place is only known when it is asked.
  const isOpen = ({ choice, base_url, fallback }: ModelProfile) =>
    choice !== undefined || base_url !== undefined || fallback !== undefined
  return ({ profile: name, provider, fallback }) => {
    if (name === undefined || name === 'default')
      return provider === undefined || fallback ? undefined : judgeProvider(provider)
    const profile = profiles.get(name)
    if (profile) return fallback || isOpen(profile) ? undefined : judgeProvider(provider ?? profile.provider)
    const reason = broken.get(name)?.[0]?.message ?? `there is no model profile "${name}"`
    return { status: 'missing_profile', reason }
  }
}

/** For a line of a list. */
export function describeObstacles(obstacles: readonly Pick<Obstacle, 'reason'>[]): string {
  return [...new Set(obstacles.map(({ reason }) => reason))].slice(0, 3).join('; ')
}
