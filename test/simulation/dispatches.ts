import type { EffectOrder } from '../../src/engine/effect.ts'
import type { Event, EventOf } from '../../src/events/event.ts'

/** An effect as far as executors and people are concerned. */
interface Dispatch {
  readonly key: string
  readonly kind: string
  readonly safety: string
  /** The event of the newest intent. */
  intent: number
  /** Intents on disk, and executors begun. */
  intents: number
  begun: number
  /** Repetitions that a person or the step's own rule allowed although it may have happened. */
  allowed: number
  /** What was said last of the newest intent. */
  said: 'nothing' | 'by the world' | 'by a person' | 'nobody knows'
}

/** Joins what the record says of effects with what only the simulation sees: executors that begin, and what people meant. */
export class Dispatches {
  /** In the order of their first intents. */
  readonly known = new Map<string, Dispatch>()
  /** What a person's command speaks about: key, and the intent the person had seen. */
  readonly spoken = new Map<number, { readonly key: string; readonly about: number }>()
  readonly #fail: (invariant: string, message: string) => void

  constructor(fail: (invariant: string, message: string) => void) {
    this.#fail = fail
  }

  take(event: Event): void {
    if (event.type === 'effect-intended' && event.data.answered_by === undefined) this.#intend(event)
    if (event.type === 'effect-done' || event.type === 'effect-failed') this.#end(event)
    const lost = event.type === 'effect-unknown' && this.known.get(event.data.key)
    if (lost) lost.said = 'nobody knows'
  }

  /** An executor begins; `isOver`: its process holds the run and knows that the attempt has ended. */
  begin(order: EffectOrder, isOver: boolean): void {
    const known = this.known.get(order.key)
    if (!known || known.intents <= known.begun)
      return this.#fail('I9', `${order.key} begins without an intent of its own on disk`)
    known.begun += 1
    if (isOver) this.#fail('I14', `${order.key} begins although its attempt is over`)
  }

  #intend({ data: { key, kind, safety }, seq }: EventOf<'effect-intended'>): void {
    const known = this.known.get(key)
    const said = 'nothing'
    if (!known) {
      this.known.set(key, { key, kind, safety, intent: seq, intents: 1, begun: 0, allowed: 0, said })
      return
    }
    if (known.said === 'by a person' || known.said === 'nobody knows') known.allowed += 1
    Object.assign(known, { intent: seq, intents: known.intents + 1, said })
  }

  #end({ data, seq, actor }: EventOf<'effect-done'> | EventOf<'effect-failed'>): void {
    const known = this.known.get(data.key)
    if (!known) return
    known.said = actor === 'person' ? 'by a person' : 'by the world'
    const spoken = actor === 'person' ? this.spoken.get(data.command ?? 0) : undefined
    if (spoken && spoken.about !== known.intent)
      this.#fail(
        'I8',
        `event ${seq} resolves ${data.key} of event ${known.intent} by words about event ${spoken.about}`,
      )
  }
}
