import type { Tool } from '@modelcontextprotocol/server'
import type { Json, JsonObject } from '../../events/values.ts'

/** The schema of a tool's arguments; names that end in `?` may be left out. Others than these are refused. */
export function fields(given: { readonly [name: string]: JsonObject }): Tool['inputSchema'] {
  const names = Object.keys(given)
  const properties = Object.fromEntries(
    Object.entries(given).map(([name, schema]) => [name.replace(/\?$/, ''), schema]),
  )
  const required = names.filter((name) => !name.endsWith('?'))
  return {
    type: 'object',
    properties,
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  } as Tool['inputSchema']
}

export function text(description: string, more: { readonly [keyword: string]: Json } = {}): JsonObject {
  return { type: 'string', description, ...more }
}

export function flag(description: string, fallback: boolean): JsonObject {
  return { type: 'boolean', description, default: fallback }
}

export function choice(description: string, values: readonly string[], fallback: string): JsonObject {
  return { type: 'string', enum: values, description, default: fallback }
}

export function object(description: string): JsonObject {
  return { type: 'object', description, additionalProperties: true }
}

export function list(description: string): JsonObject {
  return { type: 'array', items: { type: 'object', additionalProperties: true }, description }
}

/** Number or text, as either is usual. */
export const SEED: JsonObject = { type: ['string', 'integer'], description: 'Makes every choice by chance repeatable.' }
