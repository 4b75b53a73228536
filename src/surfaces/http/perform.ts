import { describeMisfits } from '../../app/misfit.ts'
import { OrcError, type Problem } from '../../events/errors.ts'
import type { JsonObject } from '../../events/values.ts'
import type { CallerMeans } from './means.ts'
import { FIELDS_NOT_HERE } from './route-rule.ts'

export interface Performing {
  /** Answers as soon as a run is under way. */
  readonly detached?: boolean
  /** Ends the operation, and cancels what it drives. Default: nothing does. */
  readonly signal?: AbortSignal
}

/** Fields that are refused by name. */
const MOST_UNKNOWN = 20

/** Performs an operation for a caller from outside. Fields it does not know are refused. Throws OrcError. */
export async function perform(
  means: CallerMeans,
  { name, input }: { readonly name: string; readonly input: JsonObject },
  { detached = false, signal = new AbortController().signal }: Performing = {},
): Promise<unknown> {
  const operation = means.operations.get(name)
  if (!operation) throw new Error(`the table of operations has no ${name}`)
  const known = Object.keys(operation.input.shape).filter((field) => !FIELDS_NOT_HERE.has(field))
  const unknown = Object.keys(input).filter((field) => !known.includes(field))
  // Whoever sends a hundred thousand of them needs not be told of each.
  if (unknown.length > 0)
    throw new OrcError(unknown.slice(0, MOST_UNKNOWN).map((field) => describeUnknown(field, known)))
  const checked = operation.input.safeParse(input)
  if (!checked.success) throw new OrcError(describeMisfits(checked.error, input))
  return operation.run(checked.data, {
    app: means.app,
    principal: means.principal,
    signal,
    keeper: means.host,
    detached,
  })
}

function describeUnknown(field: string, known: readonly string[]): Problem {
  const message = FIELDS_NOT_HERE.has(field)
    ? `the field ${field} is not taken here`
    : `there is no field ${JSON.stringify(field.slice(0, 100))}`
  return { code: 'bad_input', message, hint: known.length > 0 ? `There are: ${known.join(', ')}` : 'It takes none.' }
}
