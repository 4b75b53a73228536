import type { App } from '../../../app/app.ts'
import { OrcError } from '../../../events/errors.ts'
import type { Closing } from '../open-streams.ts'
import { asOrcError } from '../problem.ts'
import { HEARTBEAT_MS, type SseSource } from '../sse.ts'
import type { AskedRun } from './asked-run.ts'
import { describeOpenAiError, type OpenAiError } from './error.ts'
import type { Reply } from './reply.ts'

/** How a dialect tells an answer bit by bit, in messages of a stream. */
export interface Telling {
  begin(): string
  text(text: string): string
  /** What is left to say when the run has ended; `rest` is text that was not told yet. */
  end(reply: Reply, rest: string): string
  fail(error: OpenAiError): string
}

/** ms for which a stream is held back before anything is said: what fails at once is answered with its own status. */
export const HOLD_MS = 1_000

/** Why it was ended from this side. */
const CODES = { overflow: 'timeout', revoked: 'credentials_refused', shutdown: 'shutting_down' } as const

/** The stream of one answer. Who leaves it cancels the run; a server that shuts down does not. */
export function tellAnswer(app: App, run: AskedRun, telling: Telling): SseSource {
  let begun = false
  let over = false
  const say = (text: string) => app.redact(text)
  const fail = (thrown: unknown) => say(telling.fail(describeOpenAiError(asOrcError(thrown)).error))
  const end = async () => {
    over = true
    try {
      const reply = await run.reply
      return say(telling.end(reply, run.rest(reply.text)))
    } catch (error) {
      return fail(error)
    }
  }
  return {
    next: async () => {
      if (over) return undefined
      if (!begun) {
        begun = true
        return say(telling.begin())
      }
      if (!(await run.wait(HEARTBEAT_MS))) return ': still here\n\n'
      const text = run.take()
      return text === '' ? end() : say(telling.text(text))
    },
    close: (why: Closing | 'left') => {
      if (why === 'left' || why === 'overflow') run.leave()
    },
    farewell: (why, reason) => {
      return fail(new OrcError({ code: CODES[why], message: `${reason}; the run is ${run.id}` }))
    },
  }
}
