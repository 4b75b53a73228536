import type { Executor } from '../engine/effect.ts'
import { isError, OrcError } from '../events/errors.ts'
import type { Json } from '../events/values.ts'

/** Finds an ensemble by its name and compiles it; throws an OrcError with everything that is wrong with it. */
export type FindDefinition = (ensemble: string) => Promise<{ readonly name: string; readonly graph: Json }>

/**
 * The effect `definition`: `{ensemble: NAME}` is answered with `{name, graph}`. The name may come from a model, so it stands only in
 * the detail of a failure, which is content.
 */
export function createDefinitionExecutor(find: FindDefinition): Executor {
  return {
    kind: 'definition',
    async run({ request }) {
      const { ensemble } = request as { readonly ensemble: string }
      try {
        const { name, graph } = await find(ensemble)
        return { ok: true, answer: { name, graph } }
      } catch (error) {
        if (!(error instanceof OrcError)) throw error
        const errors = error.problems.filter(isError)
        const detail = errors.map(({ message, hint }) => [message, hint].filter(Boolean).join(' ')).join('\n')
        return { ok: false, ...describe(error), detail, touched: 'no', retry: false }
      }
    },
  }
}

function describe({ code }: OrcError): { readonly code: string; readonly message: string } {
  if (code === 'not_found' || code === 'name_refused')
    return { code: 'ensemble_missing', message: 'there is no ensemble of the name that was asked for' }
  return { code, message: 'the ensemble that was asked for cannot be run as it is' }
}
