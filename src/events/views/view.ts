import type { Event } from '../event.ts'
import type { Json, Value } from '../values.ts'

/**
 * A pure fold of a journal. `evolve` may change the state it is given and hand the same object back, so one event
 * costs the same in a run of any size; who needs an old state folds again.
 */
export interface View<S> {
  initial(): S
  evolve(state: S, event: Event): S
}

export function foldEvents<S>(view: View<S>, events: Iterable<Event>): S {
  let state = view.initial()
  for (const event of events) state = view.evolve(state, event)
  return state
}

/** How a view sees content. `undefined`: not at hand (not loaded, or removed from the journal). */
export type ReadValue = (value: Value) => Json | undefined

/** Reads what stands inline in the event; larger content needs a reader that has loaded its blob. */
export function readInline(value: Value): Json | undefined {
  return value.inline ? parseContent(value.type, value.inline.text) : undefined
}

/** The content of a value from its stored text. */
export function parseContent(type: string, text: string): Json {
  if (type !== 'application/json') return text
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}

/**
 * The step an effect key belongs to, for outcomes that had no intent (an answer from the cache).
 * Step ids may hold slashes themselves, so the longest known id wins.
 */
export function findOwner(key: string, isStep: (id: string) => boolean): string | undefined {
  let id = key
  for (let cut = id.lastIndexOf('/'); cut > 0; cut = id.lastIndexOf('/')) {
    id = id.slice(0, cut)
    if (isStep(id)) return id
    const bare = id.replace(/@\d+$/, '')
    if (bare !== id && isStep(bare)) return bare
  }
  return undefined
}
