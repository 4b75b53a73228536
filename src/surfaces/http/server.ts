import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import type { Access } from '../../app/access.ts'
import type { App } from '../../app/app.ts'
import type { Operation } from '../../app/operation.ts'
import type { RunHost } from '../../app/run-host.ts'
import { OrcError } from '../../events/errors.ts'
import type { ApiDocument } from './api-document.ts'
import { addApiPages } from './api-page.ts'
import { addBatchEvents } from './batch-events.ts'
import { addCallers } from './callers.ts'
import { addCors } from './cors.ts'
import { addErrorPages } from './errors-pages.ts'
import { addRunEvents } from './events-sse.ts'
import { addRunSocket } from './events-ws.ts'
import { RunFrames } from './frames.ts'
import { type Guarded, guardHeaders, guardRequest } from './guards.ts'
import { addHealth } from './health.ts'
import { addMcp } from './mcp.ts'
import type { FaceContext, FaceEnv, FaceRoutes, Means } from './means.ts'
import { Metrics } from './metrics.ts'
import { addMetrics } from './metrics-page.ts'
import { addOlderApi, answerOlderError, isOlderPath } from './older-api.ts'
import { addOlderPlan } from './older-plan.ts'
import { addOlderSocket } from './older-ws.ts'
import { OpenStreams } from './open-streams.ts'
import { answerOpenAiError, isOpenAiPath } from './openai/error.ts'
import { addOpenAiRoutes } from './openai/routes.ts'
import generated from './openapi.generated.json' with { type: 'json' }
import { addOperations } from './operations.ts'
import { asOrcError, describeProblem, PROBLEM_TYPE } from './problem.ts'
import { addProtectedResource, challenge } from './protected-resource.ts'
import { addRunValues } from './values.ts'

export const API = generated as unknown as ApiDocument

/** ms a reader may take nothing of what is ready for it. */
const STALLED_MS = 5_000

export interface HttpFaceOptions {
  /** By name. */
  readonly operations: ReadonlyMap<string, Operation>
  /** As it is now: the settings may change. */
  guarded(): Guarded
  readonly access: Access
  readonly stalled_ms?: number
  /** Told in one line of what is nobody's fault but the program's. */
  log(line: string): void
}

/** The HTTP face as a function of requests. */
export interface HttpFace {
  fetch(request: Request, env?: FaceEnv['Bindings']): Response | Promise<Response>
  readonly means: Means
  /** Ends all streams with a word. */
  close(): void
}

export function createHttpFace(app: App, host: RunHost, options: HttpFaceOptions): HttpFace {
  const metrics = new Metrics()
  const means: Means = {
    app,
    host,
    operations: options.operations,
    frames: new RunFrames(host, () => app.redact),
    streams: new OpenStreams(metrics, options.stalled_ms ?? STALLED_MS),
    metrics,
    version: API.info.version,
  }
  const routes: FaceRoutes = new Hono<FaceEnv>({ strict: true })
  const leave = metrics.attend(host)
  const depart = addFrame(routes, app, { means, ...options })
  addProtectedResource(routes)
  addHealth(routes, means)
  addMetrics(routes, means)
  addErrorPages(routes)
  addApiPages(routes, API)
  addRunEvents(routes)
  addRunSocket(routes)
  addRunValues(routes)
  addBatchEvents(routes)
  addOlderPlan(routes)
  addOlderApi(routes)
  addOlderSocket(routes)
  addOpenAiRoutes(routes)
  const closeMcp = addMcp(routes, means, { app, log: options.log })
  addOperations(routes, means, API)
  routes.notFound((c) => answerProblem(c, app, findMissing(c)))
  return {
    fetch: (request, env) => routes.fetch(request, env ?? {}),
    means,
    close: () => {
      means.streams.endAll()
      closeMcp()
      leave()
      depart()
      metrics.close()
    },
  }
}

/** What surrounds every request: its id, the guards, the user's files as they are now, who asks, and what becomes of failures. */
function addFrame(
  routes: FaceRoutes,
  app: App,
  { means, guarded, access, log }: HttpFaceOptions & { readonly means: Means },
): () => void {
  routes.use(async (c, next) => {
    const given = c.req.header('x-request-id')
    c.set('requestId', given !== undefined && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID())
    guardHeaders(c.env?.incoming?.rawHeaders)
    await app.refresh()
    guardRequest(c.req.raw, guarded())
    await next()
  })
  routes.use(async (c, next) => {
    await next()
    c.header('x-request-id', c.get('requestId'))
    c.header('x-content-type-options', 'nosniff')
    means.metrics.countRequest(c.req.method, c.res.status)
  })
  addCors(routes, guarded)
  routes.onError((error, c) => {
    const known = asOrcError(error)
    if (known !== error) log(`${c.get('requestId')} ${app.redact(error.stack ?? error.message)}`)
    return answerProblem(c, app, known)
  })
  return addCallers(routes, means, { access, app })
}

function answerProblem(c: FaceContext, app: App, error: OrcError): Response {
  c.header('x-request-id', c.get('requestId'))
  const asked = challenge(c, app, error.code)
  if (asked !== undefined) c.header('www-authenticate', asked)
  const wait = c.get('retryAfter') ?? (error.code === 'access_limited' ? 5 : undefined)
  if (wait !== undefined) c.header('retry-after', String(wait))
  const allow = error.code === 'method_refused' ? allowedAt(c.req.path) : []
  if (allow.length > 0) c.header('allow', allow.join(', '))
  if (isOpenAiPath(c.req.path)) return answerOpenAiError(c, app, error)
  if (isOlderPath(c.req.path)) return answerOlderError(c, app, error)
  const details = describeProblem(error, c.get('requestId'))
  const text = app.redact(JSON.stringify(details))
  return c.body(text, details.status as 400, { 'content-type': PROBLEM_TYPE })
}

function findMissing(c: FaceContext): OrcError {
  const allow = allowedAt(c.req.path)
  if (allow.length === 0)
    return new OrcError({
      code: 'not_found',
      message: `there is nothing at ${c.req.path.slice(0, 200)}`,
      hint: 'See what there is at /docs',
    })
  return new OrcError({
    code: 'method_refused',
    message: `${c.req.method} is not taken here`,
    hint: `Taken: ${allow.join(', ')}`,
  })
}

/** The methods that the document has for an address. */
function allowedAt(path: string): readonly string[] {
  const words = path.split('/')
  const fits = (pattern: string) => {
    const parts = pattern.split('/')
    return parts.length === words.length && parts.every((part, index) => part.startsWith('{') || part === words[index])
  }
  const methods = Object.entries(API.paths).flatMap(([pattern, each]) => (fits(pattern) ? Object.keys(each) : []))
  return [...new Set(methods.map((method) => method.toUpperCase()))]
}
