import type { ApiDocument, Described, Parameter, Schema } from './api-document.ts'
import { ANSWER_SCHEMAS, ANSWERS } from './openapi-answers.ts'
import { FIXED_PATHS, FIXED_SCHEMAS, ON_DISCONNECT } from './openapi-fixed.ts'
import { OLDER_PATHS } from './openapi-older.ts'
import { OPENAI_PATHS, OPENAI_SCHEMAS } from './openapi-openai.ts'
import { FIELDS_NOT_HERE, type OperationRoute, routeOperation } from './route-rule.ts'

/** An operation as the generator hands it over. */
export interface OperationSchema {
  readonly name: string
  readonly summary: string
  readonly input: Schema
  readonly output?: Schema
}

const WAIT: Parameter = {
  name: 'wait',
  in: 'query',
  description: 'Answer when the run has ended or rests, instead of at once.',
  schema: { type: 'boolean', default: false },
}

const WAITING: Parameter = { ...ON_DISCONNECT, description: `With \`wait\`. ${ON_DISCONNECT.description}` }

const KEY = 'An access key, or an OAuth access token of the configured issuer.'

const PROBLEM = {
  description: 'What went wrong, as RFC 9457 has it.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

/** The OpenAPI 3.1 document: what the table of operations says by the rule of `route-rule.ts`, and the routes written by hand. */
export function describeApi(operations: readonly OperationSchema[], version: string): ApiDocument {
  const paths: { [path: string]: { [method: string]: Described } } = {}
  const schemas: { [name: string]: Schema } = { ...FIXED_SCHEMAS, ...ANSWER_SCHEMAS, ...OPENAI_SCHEMAS }
  const add = (path: string, method: string, described: Described) => {
    const methods = (paths[path] ??= {})
    if (methods[method]) throw new Error(`${method.toUpperCase()} ${path} stands for two operations`)
    methods[method] = described
  }
  for (const [path, methods] of Object.entries({ ...FIXED_PATHS, ...OLDER_PATHS }))
    for (const [method, described] of Object.entries(methods)) add(path, method, withProblems(described))
  for (const [path, methods] of Object.entries(OPENAI_PATHS))
    for (const [method, described] of Object.entries(methods)) add(path, method, described)
  for (const operation of operations) {
    const required = operation.input.required ?? []
    const fields = Object.keys(operation.input.properties ?? {})
    const route = routeOperation({ name: operation.name, fields, required })
    if (!route) continue
    const { input, output } = operation
    const lift = (schema: Schema, side: string) => liftDefinitions(schema, `${nameId(operation.name)}${side}`, schemas)
    const lifted = { ...operation, input: lift(input, 'Input'), ...(output ? { output: lift(output, 'Output') } : {}) }
    add(route.path, route.method, withProblems(describeOperation(lifted, route)))
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'llm-orchestrator',
      version,
      description:
        'Runs for large language models: begin them, follow them, answer them. Errors are problem documents; /v1/errors lists the codes.',
    },
    servers: [{ url: '/' }],
    paths: Object.fromEntries(Object.entries(paths).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    // On its own machine a server without keys asks for none.
    security: [{}, { key: [] }],
    components: { schemas, securitySchemes: { key: { type: 'http', scheme: 'bearer', description: KEY } } },
  }
}

function nameId(name: string): string {
  return name.replaceAll(/[ -](.)/g, (_, letter: string) => letter.toUpperCase())
}

/** What a schema defines for itself becomes a schema of the document, for its references would lead nowhere here. */
function liftDefinitions(schema: Schema, owner: string, schemas: { [name: string]: Schema }): Schema {
  const { $defs, ...rest } = schema as Schema & { readonly $defs?: { readonly [name: string]: Schema } }
  const rename = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(rename)
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(
      Object.entries(part).map(([key, value]) => [
        key,
        key === '$ref' && typeof value === 'string'
          ? value.replace('#/$defs/', `#/components/schemas/${owner}`)
          : rename(value),
      ]),
    )
  }
  for (const [name, each] of Object.entries($defs ?? {})) schemas[`${owner}${name}`] = rename(each) as Schema
  return rename(rest) as Schema
}

function describeOperation({ name, summary, input, output }: OperationSchema, route: OperationRoute): Described {
  const { keys, method, detaches } = route
  const properties = input.properties ?? {}
  const free = Object.entries(properties).filter(([field]) => !keys.includes(field) && !FIELDS_NOT_HERE.has(field))
  const required = (input.required ?? []).filter((field) => !keys.includes(field) && !FIELDS_NOT_HERE.has(field))
  const inPath = keys.map((key): Parameter => parameter(key, 'path', { schema: properties[key] ?? {}, required: true }))
  const inQuery =
    method === 'post'
      ? []
      : free.map(([field, schema]) => parameter(field, 'query', { schema, required: required.includes(field) }))
  const parameters = [...inPath, ...inQuery, ...(detaches ? [WAIT, WAITING] : [])]
  const body = {
    type: 'object',
    properties: Object.fromEntries(free),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  }
  const schema = output ?? ANSWERS[name] ?? { type: 'object' }
  const content = { 'application/json': { schema } }
  return {
    operationId: nameId(name),
    summary,
    tags: [name.split(' ')[0]],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(method === 'post'
      ? { requestBody: { required: required.length > 0, content: { 'application/json': { schema: body } } } }
      : {}),
    responses: {
      '200': { description: 'What came of it.', content },
      ...(detaches
        ? {
            '202': {
              description: 'The run is under way; `Location` says where to follow it.',
              headers: { Location: { schema: { type: 'string' } } },
              content,
            },
          }
        : {}),
    },
    'x-operation': { name, detaches },
  }
}

function parameter(
  name: string,
  place: 'path' | 'query',
  { schema, required }: { readonly schema: Schema; readonly required: boolean },
): Parameter {
  const { description, ...rest } = schema
  return {
    name,
    in: place,
    ...(required ? { required } : {}),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }
}

function withProblems(described: Described): Described {
  return { ...described, responses: { ...(described['responses'] as object), default: PROBLEM } }
}
