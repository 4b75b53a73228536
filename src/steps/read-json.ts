import { toJson } from '../events/canonical.ts'
import type { Json, JsonObject } from '../events/values.ts'

/** The JSON a text consists of; undefined when it is none, or holds what a journal cannot (too large a number, too deep a nesting). */
export function readJson(text: string): Json | undefined {
  try {
    const checked = toJson(JSON.parse(text))
    return checked.ok ? checked.json : undefined
  } catch {
    return undefined
  }
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a person would call the text of a value: texts as they are, the `text` of a message with files, JSON for all else. */
export function textOfJson(value: Json): string {
  if (typeof value === 'string') return value
  if (isJsonObject(value) && typeof value['text'] === 'string') return value['text']
  return JSON.stringify(value)
}
