import type { App } from '../../app/app.ts'
import { OrcError } from '../../events/errors.ts'
import type { JsonObject } from '../../events/values.ts'
import { toExecution } from '../../events/views/execution.ts'
import type { RunReport } from '../../events/views/run-report.ts'
import { readSeed } from '../seed.ts'
import { readBody } from './body.ts'
import type { FaceContext, FaceRoutes } from './means.ts'
import { callTool, readWords } from './older-tools.ts'
import { readOnDisconnect, signalOf } from './on-disconnect.ts'
import { perform } from './perform.ts'
import { asOrcError, statusOf } from './problem.ts'

/** What an address is answered with: our operations, or the tools and resources of MCP, whose forms those programs know. */
interface OlderDesk {
  readonly body: JsonObject
  /** A word of the path. */
  word(name: string): string
  perform(operation: string, input: JsonObject): Promise<unknown>
  call(tool: string, given: JsonObject): Promise<unknown>
  read(...words: readonly string[]): Promise<unknown>
}

/** One address of LLM Orchestra's later versions. */
interface Alias {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  /** The fields of its body; absent where the body itself is what is written. */
  readonly fields?: readonly string[]
  /** A text is JSON already. */
  answer(desk: OlderDesk): Promise<unknown>
}

/** Those programs send nothing beside the method: it is their yes. */
const CONFIRMED = true

const script = ({ word }: OlderDesk) => ({ name: word('name'), category: word('category') })
const artifact = ({ word }: OlderDesk) => ({ artifact_id: `${word('ensemble')}/${word('id')}` })

const ALIASES: readonly Alias[] = [
  { method: 'GET', path: '/api/ensembles', answer: ({ read }) => read('ensembles') },
  { method: 'GET', path: '/api/ensembles/:name', answer: ({ read, word }) => read('ensemble', word('name')) },
  {
    method: 'POST',
    path: '/api/ensembles/:name/execute',
    fields: ['input', 'input_data', 'seed'],
    answer: async ({ perform: ask, word, body: { input, input_data = input, seed } }) =>
      shapeExecution(
        await ask('run', {
          target: word('name'),
          ...(input_data === undefined ? {} : { input: input_data }),
          ...readSeed(seed),
        }),
      ),
  },
  {
    method: 'POST',
    path: '/api/ensembles/:name/validate',
    fields: [],
    answer: ({ call, word }) => call('validate_ensemble', { ensemble_name: word('name') }),
  },
  {
    method: 'GET',
    path: '/api/ensembles/:name/runnable',
    answer: ({ call, word }) => call('check_ensemble_runnable', { ensemble_name: word('name') }),
  },
  { method: 'GET', path: '/api/profiles', answer: ({ read }) => read('profiles') },
  { method: 'POST', path: '/api/profiles', answer: ({ perform: ask, body }) => ask('profiles create', body) },
  {
    method: 'PUT',
    path: '/api/profiles/:name',
    answer: ({ perform: ask, word, body }) => ask('profiles update', { name: word('name'), changes: body }),
  },
  {
    method: 'DELETE',
    path: '/api/profiles/:name',
    answer: ({ perform: ask, word }) => ask('profiles delete', { name: word('name'), confirm: CONFIRMED }),
  },
  { method: 'GET', path: '/api/scripts', answer: ({ call }) => call('list_scripts', {}) },
  { method: 'GET', path: '/api/scripts/:category/:name', answer: (desk) => desk.call('get_script', script(desk)) },
  {
    method: 'POST',
    path: '/api/scripts/:category/:name/test',
    fields: ['input'],
    answer: (desk) => desk.call('test_script', { ...script(desk), ...readInput(desk.body) }),
  },
  {
    method: 'GET',
    path: '/api/artifacts',
    answer: async ({ perform: ask }) => shapeArtifacts(await ask('artifacts list', {})),
  },
  { method: 'GET', path: '/api/artifacts/:ensemble', answer: ({ read, word }) => read('artifacts', word('ensemble')) },
  {
    method: 'GET',
    path: '/api/artifacts/:ensemble/:id',
    answer: ({ read, word }) => read('artifact', word('ensemble'), word('id')),
  },
  {
    method: 'POST',
    path: '/api/artifacts/:ensemble/:id/analyze',
    fields: [],
    answer: (desk) => desk.call('analyze_execution', artifact(desk)),
  },
  {
    method: 'DELETE',
    path: '/api/artifacts/:ensemble/:id',
    answer: (desk) => desk.call('delete_artifact', { ...artifact(desk), confirm: CONFIRMED }),
  },
]

/** Failures are `{error}` here, as those programs expect. */
export function addOlderApi(routes: FaceRoutes): void {
  for (const { method, path, fields, answer } of ALIASES) {
    routes.on(method, path, async (c) => {
      const means = c.get('means')
      const headers = { 'content-type': 'application/json' }
      try {
        const body = method === 'POST' || method === 'PUT' ? await readBody(c.req.raw) : {}
        if (fields) refuseOthers(body, fields)
        const signal = signalOf(c, readOnDisconnect(c))
        const result = await answer({
          body,
          word: (name) => c.req.param(name) ?? '',
          perform: (name, input) => perform(means, { name, input }, { signal }),
          call: (tool, given) => callTool(means, { tool, given, signal }),
          read: (...words) => readWords(means, words),
        })
        const text = typeof result === 'string' ? result : JSON.stringify(result ?? {})
        return c.body(means.app.redact(text), 200, headers)
      } catch (error) {
        const known = asOrcError(error)
        if (known !== error) throw error
        return answerOlderError(c, means.app, known)
      }
    })
  }
}

/** A script is looked up before its input is: what cannot be one is refused first. */
function readInput({ input }: JsonObject): JsonObject {
  if (input === undefined) return {}
  if (typeof input !== 'string') throw new OrcError({ code: 'bad_input', message: 'input: a text is expected' })
  return { input }
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

function shapeArtifacts(result: unknown): unknown {
  const { artifacts } = result as { readonly artifacts: readonly { readonly ensemble: string; readonly id: string }[] }
  const byName = Map.groupBy(artifacts, ({ ensemble }) => ensemble)
  return [...byName].map(([name, places]) => ({
    name,
    executions_count: places.length,
    latest_execution: places[0]?.id ?? null,
  }))
}
