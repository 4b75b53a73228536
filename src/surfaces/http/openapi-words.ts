import type { Schema } from './api-document.ts'

/** The words of which schemas are made here. */

export const object: Schema = { type: 'object' }
export const string: Schema = { type: 'string' }
export const integer: Schema = { type: 'integer' }
export const number: Schema = { type: 'number' }
export const boolean: Schema = { type: 'boolean' }
export const nullable: Schema = { type: ['string', 'null'] }

export function list(items: Schema): Schema {
  return { type: 'array', items }
}

/** What is always there; more may stand beside it. */
export function having(properties: { readonly [field: string]: Schema }, others: typeof properties = {}): Schema {
  return { type: 'object', properties: { ...properties, ...others }, required: Object.keys(properties) }
}

export function named(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` }
}
