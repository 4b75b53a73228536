import type { Problem } from '../events/errors.ts'
import type { Ensemble } from './ensemble.ts'

/** A problem that names the key it is about. */
export interface UnsupportedKey extends Problem {
  readonly code: 'not_yet_supported'
  readonly key: string
}

/** What an ensemble asks for that this version cannot do: one problem per key. Keys that only describe are warnings. */
export function checkRunnable(ensemble: Ensemble): UnsupportedKey[] {
  return ensemble.later.map(({ key, path, harmless }) => {
    const agent = path[0] === 'agents' && typeof path[1] === 'number' ? ensemble.agents[path[1]] : undefined
    const whose = agent ? ` of "${agent.name}"` : ''
    return {
      code: 'not_yet_supported',
      key,
      message: harmless ? `${key} is not used by this version` : `this version cannot run ${key}${whose} yet`,
      ...(harmless ? { severity: 'warning' as const } : { hint: `Remove ${key} to run the ensemble without it.` }),
      ...ensemble.place(path, 'key'),
    }
  })
}
