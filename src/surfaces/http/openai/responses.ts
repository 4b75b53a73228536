import { readBody } from '../body.ts'
import type { FaceRoutes } from '../means.ts'
import { answerCall } from './answer.ts'
import { readResponsesRequest } from './responses-request.ts'
import { tellResponse, writeResponse } from './responses-words.ts'

/** `POST /v1/responses` */
export function addResponses(routes: FaceRoutes): void {
  routes.post('/v1/responses', async (c) => {
    const { call, stream, echoed } = readResponsesRequest(await readBody(c.req.raw))
    const { model } = call
    return answerCall(c, call, {
      stream,
      whole: (run, reply) => writeResponse({ model, run, echoed }, reply),
      telling: (run) => tellResponse({ model, run, echoed }),
    })
  })
}
