import { requireCaller } from './callers.ts'
import type { FaceRoutes, Means } from './means.ts'

export function addMetrics(routes: FaceRoutes, { metrics, host, streams }: Means): void {
  routes.get('/metrics', (c) => {
    requireCaller(c, 'read')
    return c.body(metrics.print({ running: host.running().length, streams: streams.count }), 200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    })
  })
}
