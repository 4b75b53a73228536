import { OrcError } from '../../events/errors.ts'
import type { Json, JsonObject } from '../../events/values.ts'
import { rewordResult } from '../hint.ts'
import type { ApiDocument, Described, Parameter } from './api-document.ts'
import { readBody } from './body.ts'
import type { FaceContext, FaceRoutes, Means } from './means.ts'
import { type OnDisconnect, readOnDisconnect, signalOf } from './on-disconnect.ts'
import { perform } from './perform.ts'
import { readStrictJson } from './strict-json.ts'
import { HTTP_WORDING } from './wording.ts'

/** A route for every operation that the document describes. */
export function addOperations(routes: FaceRoutes, means: Means, document: ApiDocument): void {
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, each]) => ({ path, method, each })),
  )
  // `/v1/runs/compare` before `/v1/runs/{run}`.
  const named = described.toSorted((a, b) => a.path.split('{').length - b.path.split('{').length)
  for (const { path, method, each } of named) {
    const operation = each['x-operation']
    if (!operation || !means.operations.has(operation.name)) continue
    routes.on(method.toUpperCase(), path.replaceAll(/\{(\w+)\}/g, ':$1'), async (c) => {
      const wait = operation.detaches && readWait(c)
      const signal = signalOf(c, operation.detaches ? readLeaving(c, wait) : 'detach')
      const input = await readInput(c, each, method)
      const result = await perform(
        c.get('means'),
        { name: operation.name, input },
        { detached: operation.detaches && !wait, signal },
      )
      return answer(c, means, result)
    })
  }
}

/** 202 for what is still under way: `Location` is where to look, and beside it are the events. */
function answer(c: FaceContext, { app }: Means, result: unknown): Response {
  const { run, batch, status } = (result ?? {}) as { readonly [field: string]: unknown }
  const place =
    typeof run === 'string' ? `/v1/runs/${run}` : typeof batch === 'string' ? `/v1/batches/${batch}` : undefined
  const text = app.redact(JSON.stringify(rewordResult(result ?? {}, HTTP_WORDING)))
  const headers = { 'content-type': 'application/json' }
  if (place === undefined || status !== 'running' || c.req.method !== 'POST') return c.body(text, 200, headers)
  return c.body(text, 202, { ...headers, location: place })
}

function readWait(c: FaceContext): boolean {
  const wait = readTyped({ name: 'wait', in: 'query', schema: { type: 'boolean' } }, c.req.queries('wait') ?? ['false'])
  if (typeof wait === 'boolean') return wait
  throw new OrcError({ code: 'bad_input', message: 'the parameter wait is true or false' })
}

function readLeaving(c: FaceContext, wait: boolean): OnDisconnect {
  const wish = readOnDisconnect(c)
  if (wish === 'detach' || wait) return wish
  const hint = 'Add wait=true, or read its events with on_disconnect=cancel.'
  throw new OrcError({ code: 'bad_input', message: 'on_disconnect=cancel is for those who wait', hint })
}

async function readInput(c: FaceContext, { parameters = [] }: Described, method: string): Promise<JsonObject> {
  const query = readQuery(c, parameters)
  const given = method === 'post' ? await readBody(c.req.raw) : query
  const keys = parameters
    .filter((parameter) => parameter.in === 'path')
    .map(({ name }) => [name, c.req.param(name) ?? ''])
  return { ...given, ...Object.fromEntries(keys) }
}

function readQuery(c: FaceContext, parameters: readonly Parameter[]): JsonObject {
  const known = new Map(
    parameters.filter((parameter) => parameter.in === 'query').map((parameter) => [parameter.name, parameter]),
  )
  const input: { [field: string]: Json } = {}
  for (const [name, values] of Object.entries(c.req.queries())) {
    const parameter = known.get(name)
    if (!parameter) {
      const names = [...known.keys()].join(', ')
      const message = `there is no parameter ${JSON.stringify(name.slice(0, 100))}`
      throw new OrcError({ code: 'bad_input', message, ...(names === '' ? {} : { hint: `There are: ${names}` }) })
    }
    if (name !== 'wait' && name !== 'on_disconnect') input[name] = readTyped(parameter, values)
  }
  return input
}

/** Text from a query as the type its schema wants; what does not fit stays text, and is refused by the schema itself. */
function readTyped({ name, schema }: Parameter, values: readonly string[]): Json {
  if (schema.type === 'array') return [...values]
  const [value = ''] = values
  if (values.length > 1) throw new OrcError({ code: 'bad_input', message: `the parameter ${name} stands there twice` })
  if (schema.type === 'string') return value
  if (schema.type === 'boolean') return value === 'true' || value === '' ? true : value === 'false' ? false : value
  if (schema.type === 'integer' || schema.type === 'number')
    return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value
  return readStrictJson(value)
}
