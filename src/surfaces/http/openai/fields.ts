import { OrcError } from '../../../events/errors.ts'
import type { Json, JsonObject } from '../../../events/values.ts'

/** Throws OrcError `bad_input` that begins with the field it is about; the answer names it as `param`. */
export function refuseField(field: string, why: string, hint?: string): never {
  throw new OrcError({ code: 'bad_input', message: `${field}: ${why}`, ...(hint === undefined ? {} : { hint }) })
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function readObject(value: Json | undefined, field: string): JsonObject {
  return isObject(value) ? value : refuseField(field, 'an object is expected')
}

export function readText(value: Json | undefined, field: string): string {
  return typeof value === 'string' ? value : refuseField(field, 'a text is expected')
}

export function readList(value: Json | undefined, field: string): readonly Json[] {
  return Array.isArray(value) ? value : refuseField(field, 'a list is expected')
}

/** A field that is not known would be lost in silence. One that is `null` or false asks for nothing. */
export function refuseUnknown(body: JsonObject, known: ReadonlySet<string>): void {
  const other = Object.entries(body).find(([field, value]) => value !== null && value !== false && !known.has(field))
  if (other) refuseField(other[0], 'this field is not known here')
}

/** `null` and what is absent are the same to these programs. */
export function readNumber(value: Json | undefined, field: string): number | undefined {
  if (value === undefined || value === null) return undefined
  return typeof value === 'number' ? value : refuseField(field, 'a number is expected')
}

/** The positive whole number of the first of the fields that has one. */
export function readLimit(body: JsonObject, fields: readonly string[]): number | undefined {
  for (const field of fields) {
    const value = readNumber(body[field], field)
    if (value === undefined) continue
    return Number.isInteger(value) && value > 0 ? value : refuseField(field, 'a positive whole number is expected')
  }
  return undefined
}

export function readFlag(value: Json | undefined, field: string): boolean {
  if (value === undefined || value === null) return false
  return typeof value === 'boolean' ? value : refuseField(field, 'true or false is expected')
}
