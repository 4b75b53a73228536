import type { Json, JsonObject } from '../events/values.ts'
import { repairJson } from '../graph/json-repair.ts'
import { findMismatches } from '../graph/json-schema.ts'

/** An answer read as JSON that follows a schema, or what a model has to be told to do better. */
export type TypedAnswer =
  | { readonly ok: true; readonly value: Json; readonly repaired: boolean }
  | { readonly ok: false; readonly message: string }

/** As many faults as a model can be expected to mend at once. */
const NAMED_FAULTS = 10

/** The JSON in a text, cut out of its prose and mended where it is broken; the first that follows the schema, if one does. */
export function readTyped(text: string, schema: JsonObject): TypedAnswer {
  const read = repairJson(text, (value) => findMismatches(schema, value).length === 0)
  if (!read.ok) return read
  const faults = findMismatches(schema, read.value)
  if (faults.length === 0) return read
  const more = faults.length - NAMED_FAULTS
  const named = faults.slice(0, NAMED_FAULTS).join('; ')
  return { ok: false, message: `its JSON does not follow the schema: ${named}${more > 0 ? `; and ${more} more` : ''}` }
}
