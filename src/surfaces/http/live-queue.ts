import type { LiveText } from '../../app/run-host.ts'

/** Bytes of live text that may wait for a slow reader; what is more is lost, for the finished message comes in any case. */
const MOST_BYTES = 1024 * 1024
/** Bytes that every piece costs beside its text. */
const PIECE_BYTES = 128

/** Live text on its way to one reader, in the place where it was said: after the events that were on disk by then. */
export class LiveQueue {
  #texts: LiveText[] = []
  #bytes = 0

  hear(text: LiveText): void {
    const last = this.#texts.at(-1)
    const joins = last !== undefined && goesOn(last, text)
    const bytes = Buffer.byteLength(text.delta.text) + (joins ? 0 : PIECE_BYTES)
    if (this.#bytes + bytes > MOST_BYTES) return
    this.#bytes += bytes
    if (joins) this.#texts[this.#texts.length - 1] = join(last, text)
    else this.#texts.push(text)
  }

  /** The number of the event that the first of it follows. */
  get due(): number | undefined {
    return this.#texts[0]?.after
  }

  /** What follows events up to `sent`. */
  take(sent: number): readonly LiveText[] {
    const end = this.#texts.findIndex(({ after }) => after > sent)
    const taken = this.#texts.splice(0, end < 0 ? this.#texts.length : end)
    // A character that came in halves counts less once it is whole, so nothing is left to count when nothing is left.
    for (const { delta } of taken) this.#bytes -= Buffer.byteLength(delta.text) + PIECE_BYTES
    if (this.#texts.length === 0) this.#bytes = 0
    return taken
  }
}

function goesOn(last: LiveText, next: LiveText): boolean {
  return (
    last.step === next.step &&
    last.attempt === next.attempt &&
    last.after === next.after &&
    last.delta.type === next.delta.type
  )
}

function join(last: LiveText, next: LiveText): LiveText {
  return { ...last, delta: { type: last.delta.type, text: last.delta.text + next.delta.text } }
}
