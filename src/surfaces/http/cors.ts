import type { Guarded } from './guards.ts'
import type { FaceRoutes } from './means.ts'

const METHODS = 'GET, POST, PUT, DELETE, OPTIONS'
const HEADERS =
  'Authorization, Content-Type, Accept, Last-Event-ID, X-Request-Id, X-Api-Key, Mcp-Session-Id, Mcp-Protocol-Version, Mcp-Method, Mcp-Name'
const EXPOSED = 'Location, Retry-After, WWW-Authenticate, X-Request-Id, X-Llm-Orc-Run, Mcp-Session-Id'
/** Seconds a browser may remember the answer. */
const REMEMBER_S = 600

/** Lets pages of the origins in the settings read what they ask; cookies are never part of it. Behind the guards, which refuse others. */
export function addCors(routes: FaceRoutes, guarded: () => Guarded): void {
  routes.use(async (c, next) => {
    const origin = c.req.header('origin')
    const allowed = origin !== undefined && guarded().origins.includes(origin)
    if (!allowed) return next()
    const common = { 'access-control-allow-origin': origin, vary: 'Origin' }
    if (c.req.method === 'OPTIONS' && c.req.header('access-control-request-method') !== undefined)
      return c.body(null, 204, {
        ...common,
        'access-control-allow-methods': METHODS,
        'access-control-allow-headers': HEADERS,
        'access-control-max-age': String(REMEMBER_S),
      })
    await next()
    c.header('access-control-allow-origin', origin)
    c.header('access-control-expose-headers', EXPOSED)
    c.header('vary', 'Origin', { append: true })
    return
  })
}
