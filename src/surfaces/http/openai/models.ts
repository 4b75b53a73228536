import { findModelFace, listModelFaces, type ModelFace } from '../../../app/model-faces.ts'
import { requireCaller } from '../callers.ts'
import type { FaceRoutes } from '../means.ts'

/** `GET /v1/models` and `GET /v1/models/ID`, where an id may hold slashes. */
export function addModels(routes: FaceRoutes): void {
  const since = Math.floor(Date.now() / 1000)
  const show = ({ id, kind, description, reasons }: ModelFace) => ({
    id,
    object: 'model',
    created: since,
    owned_by: 'llm-orchestrator',
    kind,
    ...(description === undefined ? {} : { description }),
    ...(reasons === undefined ? {} : { runnable: false, reasons }),
  })
  const headers = { 'content-type': 'application/json' }
  routes.get('/v1/models', async (c) => {
    const { app } = requireCaller(c, 'read')
    const faces = await listModelFaces(app)
    return c.body(app.redact(JSON.stringify({ object: 'list', data: faces.map(show) })), 200, headers)
  })
  routes.get('/v1/models/:model{.+}', async (c) => {
    const { app } = requireCaller(c, 'read')
    const face = await findModelFace(app, c.req.param('model'))
    return c.body(app.redact(JSON.stringify(show(face))), 200, headers)
  })
}
