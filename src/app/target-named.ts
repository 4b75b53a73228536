import { readChains, readWorkflows } from '../config/chains.ts'
import { findEnsemble } from '../config/find-ensemble.ts'
import { OrcError, type Problem } from '../events/errors.ts'
import { suggest } from '../graph/nearest.ts'
import type { Params } from '../graph/workflow-params.ts'
import type { App } from './app.ts'
import { findTarget, type Target } from './target.ts'
import { findChainTarget, findWorkflowTarget } from './target-chain.ts'

/** Something that was named to be run, and its input where the name alone settles it. */
export interface NamedTarget {
  readonly target: Target
  readonly params?: Params
}

/**
 * What `run NAME` means: an ensemble by name or path, a chain, or a workflow. Throws OrcError `name_ambiguous` when several have
 * exactly this name.
 */
export async function findNamedTarget(
  app: App,
  name: string,
  given: { readonly params: Params; readonly prompt?: string | undefined },
): Promise<NamedTarget> {
  const kinds: ('ensemble' | 'chain' | 'workflow')[] = []
  if (readChains(app.config).has(name)) kinds.push('chain')
  if (readWorkflows(app.config).has(name)) kinds.push('workflow')
  if (kinds.length > 0) {
    const looked = await findEnsemble(name, app.paths)
    if ('found' in looked && looked.found.name === name) kinds.unshift('ensemble')
  }
  if (kinds.length > 1) {
    const ways = {
      ensemble: 'the path of its file',
      chain: `llm-orc chain run ${name}`,
      workflow: `llm-orc workflow run ${name}`,
    }
    throw new OrcError({
      code: 'name_ambiguous',
      message: `"${name}" is ${kinds.map((kind) => (kind === 'ensemble' ? 'an ensemble' : `a ${kind}`)).join(' and ')}`,
      hint: `Say which one: ${kinds.map((kind) => ways[kind]).join(', or ')}.`,
    })
  }
  if (kinds[0] === 'workflow') return findWorkflowTarget(app, name, given)
  if (Object.keys(given.params).length > 0) {
    const message = `only workflows take parameters, and ${JSON.stringify(name)} is none`
    throw new OrcError({ code: 'param_invalid', message, hint: 'Give the input as text instead.' })
  }
  return { target: kinds[0] === 'chain' ? await findChainTarget(app, name) : await findEnsembleTarget(app, name) }
}

/** Where chains or workflows exist, a name that means nothing may be meant for one of them. */
async function findEnsembleTarget(app: App, name: string): Promise<Target> {
  try {
    return await findTarget(app, name)
  } catch (error) {
    const others = [...readChains(app.config).keys(), ...readWorkflows(app.config).keys()]
    if (!(error instanceof OrcError) || error.code !== 'not_found' || others.length === 0) throw error
    const [problem] = error.problems
    const message = `there is no ensemble, chain or workflow ${JSON.stringify(name)}`
    throw new OrcError({ ...(problem as Problem), message, ...suggest(name, others) })
  }
}

/** `topic=tea` as `{topic: 'tea'}`; a value may hold `=` itself. Throws OrcError `bad_input`. */
export function readParamWords(words: readonly string[]): Params {
  const params: { [name: string]: string } = {}
  for (const word of words) {
    const at = word.indexOf('=')
    const name = word.slice(0, at).trim()
    if (at < 1 || name === '') {
      const hint = 'Write it as: --param NAME=VALUE'
      throw new OrcError({ code: 'bad_input', message: `--param ${JSON.stringify(word)} has no name`, hint })
    }
    params[name] = word.slice(at + 1)
  }
  return params
}
