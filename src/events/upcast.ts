import { OrcError } from './errors.ts'
import { type Event, FORMAT } from './event.ts'

/** An event as it was written, in any format: the envelope and the types are the same in all of them, `data` is not. */
export interface StoredEvent extends Omit<Event, 'data'> {
  readonly data: object
}

/** Answers with the `data` that the next format would have had. Pure; what it is given is not changed. */
export type Upcast = (event: StoredEvent) => object

/**
 * What leads from one format to the next, by the older number. Every event passes here when it is read, so the rest of the program
 * knows the newest form only. A new format is made so:
 *
 * 1. raise FORMAT in event.ts, and file here, under the old number, how an event of it looks in the new one;
 * 2. types, and the places of values in EVENT_TYPES, are only added: an event is hashed as it was written, and its values are
 *    found by these places;
 * 3. keep the golden journals of every release: they have to verify without being touched.
 */
const UPCASTS: { readonly [format: number]: Upcast } = {}

const originals = new WeakMap<object, StoredEvent>()

/**
 * The event in the form of this version; `v` still says in which it was written. Events of this format are handed back as they are.
 * Throws OrcError: `journal_newer`, or `journal_damaged` for a format that never was.
 */
export function upcast(stored: unknown, upcasts: { readonly [format: number]: Upcast } = UPCASTS): Event {
  const event = stored as StoredEvent
  // What has no number is no event at all; the check of the chain says so.
  if (event?.v === FORMAT || typeof event?.v !== 'number') return stored as Event
  if (event.v > FORMAT) throw newer(event)
  let { data } = event
  for (let format = event.v; format < FORMAT; format++) {
    const lift = upcasts[format]
    if (!lift) throw unknown(event)
    data = lift({ ...event, data })
  }
  const lifted = { ...event, data } as Event
  originals.set(lifted, event)
  return lifted
}

/** The event as it was written: this is what is hashed, exported and copied. */
export function storedForm(event: Event): Event {
  return event.v === FORMAT ? event : ((originals.get(event) as Event | undefined) ?? event)
}

function newer({ seq, run, v }: StoredEvent): OrcError {
  const message = `event ${seq} of the run ${run} has format ${v}; this version knows formats up to ${FORMAT}`
  return new OrcError({ code: 'journal_newer', message, hint: 'Update this program.' })
}

function unknown({ seq, run, v }: StoredEvent): OrcError {
  const message = `event ${seq} of the run ${run} has format ${v}, which never was`
  return new OrcError({ code: 'journal_damaged', message, hint: 'Look at it with: llm-orc runs doctor' })
}
