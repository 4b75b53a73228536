import { OrcError } from '../../events/errors.ts'
import { requireCaller } from './callers.ts'
import type { CallerMeans, FaceContext } from './means.ts'
import type { Closing } from './open-streams.ts'
import { perform } from './perform.ts'

/** What becomes of a run when the line of whoever waits for it, or reads it, breaks. */
const WISHES = ['detach', 'cancel'] as const
export type OnDisconnect = (typeof WISHES)[number]

/** From the query, where an `EventSource` and a page's WebSocket can say it, too. Throws OrcError. */
export function readOnDisconnect(c: FaceContext): OnDisconnect {
  const given = c.req.query('on_disconnect') ?? 'detach'
  const wish = WISHES.find((each) => each === given)
  if (wish === undefined)
    throw new OrcError({
      code: 'bad_input',
      message: `on_disconnect may not be ${JSON.stringify(given.slice(0, 100))}`,
      hint: `It may be: ${WISHES.join(', ')}`,
    })
  // Whoever only reads may end nothing, by leaving neither.
  if (wish === 'cancel') requireCaller(c, 'run')
  return wish
}

/** Fires when the client leaves before its answer; never, unless it wished so. */
export function signalOf(c: FaceContext, wish: OnDisconnect): AbortSignal {
  return wish === 'cancel' ? c.req.raw.signal : new AbortController().signal
}

/** To be told why a line is over: the run is cancelled when that was neither its own end nor the server's, which leaves its runs to the next one. */
export function cancelAfter(
  means: CallerMeans,
  { run, wish }: { readonly run: string; readonly wish: OnDisconnect },
): (why: Closing | 'left') => void {
  return (why) => {
    if (wish === 'detach' || why === 'ended' || why === 'shutdown') return
    const input = { run, reason: 'the client has left' }
    // It may have ended meanwhile.
    perform(means, { name: 'runs cancel', input }, { detached: true }).catch(() => {})
  }
}
