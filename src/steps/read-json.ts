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

/** A model's answer that is a JSON object is looked into like one. */
export function readAnswer(output: Json): Json {
  const parsed = typeof output === 'string' ? readJson(output) : undefined
  return isJsonObject(parsed) ? parsed : output
}

/**
 * What a person would call the text of a value: texts as they are, the `text` of a message with files, the item of an item's input,
 * JSON for all else.
 */
export function textOfJson(value: Json): string {
  if (typeof value === 'string') return value
  if (!isJsonObject(value)) return JSON.stringify(value)
  if (isItemInput(value)) return textOfJson(value['item'] ?? null)
  return typeof value['text'] === 'string' ? value['text'] : JSON.stringify(value)
}

function isItemInput(value: JsonObject): boolean {
  const { item, chunk_index, total_chunks, base_input, ...others } = value
  const whole = [item, chunk_index, total_chunks, base_input].every((part) => part !== undefined)
  return whole && Object.keys(others).length === 0
}
