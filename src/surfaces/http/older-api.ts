import type { App } from '../../app/app.ts'
import { OrcError } from '../../events/errors.ts'
import type { JsonObject } from '../../events/values.ts'
import { toExecution } from '../../events/views/execution.ts'
import type { RunReport } from '../../events/views/run-report.ts'
import { readSeed } from '../seed.ts'
import { readBody } from './body.ts'
import type { FaceContext, FaceRoutes } from './means.ts'
import { readOnDisconnect, signalOf } from './on-disconnect.ts'
import { perform } from './perform.ts'
import { asOrcError, statusOf } from './problem.ts'

/** One address of LLM Orchestra's later versions, and the operation that does the same. */
interface Alias {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly operation: string
  /** The fields of its body; absent where the body itself is what is written. */
  readonly fields?: readonly string[]
  input(c: FaceContext, body: JsonObject): JsonObject
  /** The answer in the older form; default: as the operation gives it. */
  readonly shape?: (result: unknown) => unknown
}

const named = (c: FaceContext, field: string): string => c.req.param(field) ?? ''
const script = (c: FaceContext): string => `${named(c, 'category')}/${named(c, 'name')}`

/** Those programs send nothing beside the method: it is their yes. */
const CONFIRMED = true

const ALIASES: readonly Alias[] = [
  { method: 'GET', path: '/api/ensembles', operation: 'ensembles list', input: () => ({}) },
  {
    method: 'GET',
    path: '/api/ensembles/:name',
    operation: 'ensembles show',
    input: (c) => ({ name: named(c, 'name') }),
  },
  {
    method: 'POST',
    path: '/api/ensembles/:name/execute',
    operation: 'run',
    fields: ['input', 'input_data', 'seed'],
    input: (c, { input, input_data = input, seed }) => ({
      target: named(c, 'name'),
      ...(input_data === undefined ? {} : { input: input_data }),
      ...readSeed(seed),
    }),
    shape: shapeExecution,
  },
  {
    method: 'POST',
    path: '/api/ensembles/:name/validate',
    operation: 'ensembles check',
    fields: [],
    input: (c) => ({ name: named(c, 'name') }),
  },
  {
    method: 'GET',
    path: '/api/ensembles/:name/runnable',
    operation: 'ensembles runnable',
    input: (c) => ({ name: named(c, 'name') }),
  },
  { method: 'GET', path: '/api/profiles', operation: 'profiles list', input: () => ({}) },
  { method: 'POST', path: '/api/profiles', operation: 'profiles create', input: (_, body) => body },
  {
    method: 'PUT',
    path: '/api/profiles/:name',
    operation: 'profiles update',
    input: (c, body) => ({ name: named(c, 'name'), changes: body }),
  },
  {
    method: 'DELETE',
    path: '/api/profiles/:name',
    operation: 'profiles delete',
    input: (c) => ({ name: named(c, 'name'), confirm: CONFIRMED }),
  },
  { method: 'GET', path: '/api/scripts', operation: 'scripts list', input: () => ({}) },
  {
    method: 'GET',
    path: '/api/scripts/:category/:name',
    operation: 'scripts show',
    input: (c) => ({ name: script(c) }),
  },
  {
    method: 'POST',
    path: '/api/scripts/:category/:name/test',
    operation: 'scripts test',
    fields: ['input'],
    input: (c, { input }) => ({ name: script(c), ...(input === undefined ? {} : { input }) }),
  },
  { method: 'GET', path: '/api/artifacts', operation: 'artifacts list', input: () => ({}) },
  {
    method: 'GET',
    path: '/api/artifacts/:ensemble',
    operation: 'artifacts list',
    input: (c) => ({ ensemble: named(c, 'ensemble') }),
  },
  {
    method: 'GET',
    path: '/api/artifacts/:ensemble/:id',
    operation: 'artifacts show',
    input: (c) => ({ ensemble: named(c, 'ensemble'), execution: named(c, 'id') }),
  },
  {
    method: 'POST',
    path: '/api/artifacts/:ensemble/:id/analyze',
    operation: 'artifacts analyze',
    fields: [],
    input: (c) => ({ ensemble: named(c, 'ensemble'), execution: named(c, 'id') }),
  },
  {
    method: 'DELETE',
    path: '/api/artifacts/:ensemble/:id',
    operation: 'artifacts delete',
    input: (c) => ({
      ensemble: named(c, 'ensemble'),
      execution: named(c, 'id'),
      confirm: CONFIRMED,
    }),
  },
]

/** Failures are `{error}` here, as those programs expect. */
export function addOlderApi(routes: FaceRoutes): void {
  for (const { method, path, operation, fields, input, shape } of ALIASES) {
    routes.on(method, path, async (c) => {
      const means = c.get('means')
      const headers = { 'content-type': 'application/json' }
      try {
        const body = method === 'POST' || method === 'PUT' ? await readBody(c.req.raw) : {}
        if (fields) refuseOthers(body, fields)
        const signal = signalOf(c, readOnDisconnect(c))
        const result = await perform(means, { name: operation, input: input(c, body) }, { signal })
        return c.body(means.app.redact(JSON.stringify(shape ? shape(result) : (result ?? {}))), 200, headers)
      } catch (error) {
        const known = asOrcError(error)
        if (known !== error) throw error
        return answerOlderError(c, means.app, known)
      }
    })
  }
}

function refuseOthers(body: JsonObject, fields: readonly string[]): void {
  const other = Object.keys(body).find((field) => !fields.includes(field))
  if (other === undefined) return
  const message = `there is no field ${JSON.stringify(other.slice(0, 100))}`
  const hint = fields.length > 0 ? `There are: ${fields.join(', ')}` : 'It takes none.'
  throw new OrcError({ code: 'bad_input', message, hint })
}

/** The addresses whose errors have this form, whoever found them. */
export function isOlderPath(path: string): boolean {
  return path.startsWith('/api/')
}

export function answerOlderError(c: FaceContext, app: Pick<App, 'redact'>, error: OrcError): Response {
  const text = app.redact(JSON.stringify({ error: describe(error), code: error.code }))
  return c.body(text, statusOf(error.code) as 400, { 'content-type': 'application/json' })
}

/** Without the places of files on this machine. */
function describe({ problems }: OrcError): string {
  return problems.map(({ message }) => message).join('; ')
}

function shapeExecution(result: unknown): unknown {
  const { run, report } = result as { readonly run: string; readonly report: RunReport }
  const execution = toExecution(report)
  return { run_id: run, ...execution, status: execution.status === 'completed' ? 'success' : 'error' }
}
