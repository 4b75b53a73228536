import { readBody } from '../body.ts'
import type { FaceRoutes } from '../means.ts'
import { answerCall } from './answer.ts'
import { readChatRequest } from './chat-request.ts'
import { tellCompletion, writeCompletion } from './chat-words.ts'

/** `POST /v1/chat/completions` */
export function addChat(routes: FaceRoutes): void {
  routes.post('/v1/chat/completions', async (c) => {
    const { call, stream, include_usage } = readChatRequest(await readBody(c.req.raw))
    const { model } = call
    return answerCall(c, call, {
      stream,
      whole: (run, reply) => writeCompletion({ model, run }, reply),
      telling: (run) => tellCompletion({ model, run }, { include_usage }),
    })
  })
}
