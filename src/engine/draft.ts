import type { Actor, EventData, EventType } from '../events/event.ts'

/** An event before it has its place: everything that `decide` and `admit` decide. */
export type Draft = {
  readonly [T in EventType]: {
    readonly type: T
    readonly actor: Actor
    readonly data: EventData[T]
    readonly causes: readonly (number | string)[]
  }
}[EventType]
