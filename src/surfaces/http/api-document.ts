/** The part of JSON Schema that is looked at here; the rest is passed on. */
export interface Schema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: { readonly [field: string]: Schema }
  readonly required?: readonly string[]
  readonly [keyword: string]: unknown
}

/** One method of one path. `x-operation` says what is behind it: the routes are made from it. */
export interface Described {
  readonly operationId: string
  readonly summary: string
  readonly parameters?: readonly Parameter[]
  readonly 'x-operation'?: { readonly name: string; readonly detaches: boolean }
  readonly [field: string]: unknown
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly schema: Schema
  readonly [field: string]: unknown
}

export interface ApiDocument {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly paths: { readonly [path: string]: { readonly [method: string]: Described } }
  readonly [field: string]: unknown
}
