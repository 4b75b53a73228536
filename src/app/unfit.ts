import type { Json, JsonObject } from '../events/values.ts'
import { findMismatches } from '../graph/json-schema.ts'

/** What keeps the arguments of a call from following their schema, for a face that has no schema library. */
export function findUnfit(schema: JsonObject, value: Json): readonly string[] {
  return findMismatches(schema, value)
}
