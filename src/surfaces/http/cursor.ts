import { OrcError } from '../../events/errors.ts'

/** From a header or a query: after which event to go on; 0 from the beginning. Throws OrcError `cursor_invalid`. */
export function readCursor(given: string | undefined, last: number): number {
  if (given === undefined || given === '') return 0
  const after = /^\d{1,15}$/.test(given) ? Number(given) : undefined
  if (after !== undefined && after <= last) return after
  const what =
    after === undefined
      ? `${JSON.stringify(given.slice(0, 40))} is no number of an event`
      : `there is no event ${after} yet`
  throw new OrcError({
    code: 'cursor_invalid',
    message: what,
    hint: `The last event is ${last}; leave the cursor out to begin at the start.`,
  })
}

/** Events a reader who comes back may be behind before it is told to take the run anew. */
const FARTHEST_BEHIND = 200_000

/** Where a reader that comes back after `after` really goes on. */
export function limitBacklog(after: number, last: number): number {
  return after > 0 && last - after > FARTHEST_BEHIND ? last - FARTHEST_BEHIND : after
}
