/** Requests made from the OpenAPI document: for every route one that its schema takes. */
import type { ApiDocument, Described, Schema } from './api-document.ts'

export interface Route {
  readonly method: string
  /** As the document has it: `/v1/runs/{run}`. */
  readonly path: string
  readonly described: Described
  /** Of its JSON body; absent where it takes none. */
  readonly body?: Schema
}

/** Every route of the document. */
export function listRoutes(document: ApiDocument): readonly Route[] {
  const schemas = (document['components'] as { readonly schemas: { readonly [name: string]: Schema } }).schemas
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => {
      const { requestBody } = described as { readonly requestBody?: { readonly content?: Content } }
      const schema = requestBody?.content?.['application/json']?.schema
      return { method, path, described, ...(schema ? { body: resolve(schema, schemas) } : {}) }
    }),
  )
}

type Content = { readonly [type: string]: { readonly schema: Schema } }

/** References are followed once: bodies of routes are no trees. */
function resolve(schema: Schema, schemas: { readonly [name: string]: Schema }): Schema {
  const name = typeof schema['$ref'] === 'string' ? schema['$ref'].split('/').at(-1) : undefined
  const whole = name === undefined ? schema : (schemas[name] ?? schema)
  const properties = Object.entries(whole.properties ?? {}).map(([field, each]) => [field, resolve(each, schemas)])
  return { ...whole, ...(whole.properties ? { properties: Object.fromEntries(properties) } : {}) }
}

/** A value that the schema takes. */
export function sampleOf(schema: Schema): unknown {
  const one = ((schema['anyOf'] ?? schema['oneOf']) as readonly Schema[] | undefined)?.[0]
  if (one) return sampleOf(one)
  const [word] = (schema['enum'] as readonly unknown[] | undefined) ?? []
  if (word !== undefined) return word
  if (schema['const'] !== undefined) return schema['const']
  if (schema.type === 'array') return [sampleOf((schema['items'] as Schema | undefined) ?? { type: 'string' })]
  if (schema.type === 'object')
    return Object.fromEntries(
      (schema.required ?? []).map((field) => [field, sampleOf(schema.properties?.[field] ?? {})]),
    )
  if (schema.type === 'boolean') return true
  if (schema.type === 'integer' || schema.type === 'number') return Math.max(1, Number(schema['minimum'] ?? 1))
  return 'x'
}

/** Its path with the names filled in; `x` for those that nobody gives. */
export function fillPath(path: string, names: { readonly [name: string]: string } = {}): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(names[name] ?? 'x'))
}
