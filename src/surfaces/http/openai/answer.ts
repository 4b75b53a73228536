import type { ModelCall } from '../../../app/model-faces.ts'
import type { FaceContext } from '../means.ts'
import { answerStream } from '../sse.ts'
import { AskedRun } from './asked-run.ts'
import type { Reply } from './reply.ts'
import { HOLD_MS, type Telling, tellAnswer } from './told-answer.ts'

export const RUN_HEADER = 'x-llm-orc-run'

/** How a dialect answers: whole, or bit by bit. */
export interface Dialect {
  readonly stream: boolean
  whole(run: AskedRun, reply: Reply): object
  telling(run: AskedRun): Telling
}

/** Asks, and answers in the words of a dialect. Throws OrcError for what has no answer, as long as nothing was told. */
export async function answerCall(c: FaceContext, call: ModelCall, dialect: Dialect): Promise<Response> {
  const means = c.get('means')
  const run = new AskedRun(means, call)
  const leave = () => run.leave()
  if (c.req.raw.signal.aborted) leave()
  c.req.raw.signal.addEventListener('abort', leave, { once: true })
  if (!dialect.stream) {
    const text = means.app.redact(JSON.stringify(dialect.whole(run, await run.reply)))
    return c.body(text, 200, { 'content-type': 'application/json', [RUN_HEADER]: run.id })
  }
  // No id is told that a crash could take back.
  await Promise.all([run.wait(HOLD_MS), run.begun])
  if (run.isOver) await run.reply
  const response = answerStream(c, tellAnswer(means.app, run, dialect.telling(run)), means.streams)
  response.headers.set(RUN_HEADER, run.id)
  return response
}
