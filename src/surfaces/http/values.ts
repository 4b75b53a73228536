import { findRunId } from '../../app/run-id.ts'
import { OrcError } from '../../events/errors.ts'
import { requireCaller } from './callers.ts'
import type { FaceRoutes } from './means.ts'

/** Contents too large for their event. A run sees only its own. */
export function addRunValues(routes: FaceRoutes): void {
  routes.get('/v1/runs/:run/values/:sha256', async (c) => {
    const { app } = requireCaller(c, 'read')
    const run = await findRunId(app, c.req.param('run'))
    const sha256 = c.req.param('sha256')
    const { blobs } = await app.openJournal()
    const blob = /^[\da-f]{64}$/.test(sha256) ? await blobs.get(run, sha256) : undefined
    if (!blob) throw new OrcError({ code: 'not_found', message: `the run ${run} has no such content here` })
    // Never as a page: what a model wrote must not run in a browser.
    return c.body(app.redact(blob.text), 200, {
      'content-type': 'text/plain; charset=utf-8',
      'content-security-policy': "default-src 'none'; sandbox",
    })
  })
}
