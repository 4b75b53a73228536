import { isKnown } from './callers.ts'
import type { FaceRoutes, Means } from './means.ts'

/** `degraded`: the server works, but something in the user's files is wrong; it says what. */
export function addHealth(routes: FaceRoutes, { app, version }: Means): void {
  routes.get('/health', (c) => {
    const all = app.warnings.filter(({ severity }) => severity !== 'warning')
    // Whoever is nobody learns that something is wrong, not what.
    const problems = isKnown(c.get('means')) ? all : []
    const health = {
      status: all.length > 0 ? 'degraded' : 'ok',
      version,
      ...(problems.length > 0 ? { problems } : {}),
    }
    return c.body(app.redact(JSON.stringify(health)), 200, { 'content-type': 'application/json' })
  })
}
