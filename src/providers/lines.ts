/** A line longer than this is no answer of a model; nothing above it is kept in memory. */
export const LINE_LIMIT = 8 * 1024 * 1024

const LF = 10
const CR = 13

/**
 * Splits bytes into lines ended by LF, CR or CRLF, wherever the chunks are cut. Bytes become text only as whole lines, so a
 * character is never decoded in halves; invalid UTF-8 becomes U+FFFD; a leading byte order mark is dropped.
 */
export class LineReader {
  #rest: Uint8Array[] = []
  #held = 0
  #first = true
  #after_cr = false
  /** Set when a line passed the limit; the reader takes nothing more. */
  overflowed = false

  /** The lines these bytes completed. */
  push(bytes: Uint8Array): string[] {
    if (this.overflowed || bytes.byteLength === 0) return []
    if (this.#after_cr && bytes[0] === LF) bytes = bytes.subarray(1)
    this.#after_cr = false
    const end = Math.max(bytes.lastIndexOf(LF), bytes.lastIndexOf(CR))
    if (end === -1) {
      this.#keep(bytes)
      return []
    }
    this.#after_cr = end === bytes.byteLength - 1 && bytes[end] === CR
    const crlf = bytes[end] === LF && bytes[end - 1] === CR
    const text = this.#decode(bytes.subarray(0, crlf ? end - 1 : end))
    this.#keep(bytes.subarray(end + 1))
    return text.includes('\r') ? text.split(/\r\n|\n|\r/) : text.split('\n')
  }

  /** What stands after the last line end. */
  end(): string | undefined {
    return this.#held > 0 ? this.#decode(new Uint8Array(0)) : undefined
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return
    this.#held += bytes.byteLength
    if (this.#held > LINE_LIMIT) {
      this.overflowed = true
      this.#rest = []
    } else this.#rest.push(bytes)
  }

  #decode(bytes: Uint8Array): string {
    const whole = this.#rest.length > 0 ? Buffer.concat([...this.#rest, bytes]) : bytes
    this.#rest = []
    this.#held = 0
    const text = Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength).toString('utf8')
    if (!this.#first) return text
    this.#first = false
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  }
}
