import type { EnsembleFile } from '../config/definitions.ts'
import { findEnsemble } from '../config/find-ensemble.ts'
import { OrcError } from '../events/errors.ts'
import type { App } from './app.ts'

/** An ensemble by its name alone. What comes from elsewhere is never a path of this machine. Throws OrcError. */
export async function findNamedEnsemble({ paths }: Pick<App, 'paths'>, name: string): Promise<EnsembleFile> {
  const looked = await findEnsemble(name, paths)
  if ('found' in looked) return looked.found
  throw new OrcError(looked.problem)
}
