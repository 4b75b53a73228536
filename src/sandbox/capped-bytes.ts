/**
 * Bytes as they come, at most `limit` of them: beyond it the first and the last half are kept and the middle is left out.
 * One buffer, so a program that prints without end costs no more memory than the limit.
 */
export class CappedBytes {
  readonly #limit: number
  readonly #half: number
  #buffer: Buffer
  #total = 0

  constructor(limit: number) {
    this.#limit = Math.max(2, limit)
    this.#half = this.#limit >> 1
    this.#buffer = Buffer.allocUnsafe(Math.min(this.#limit, 4096))
  }

  get truncated(): boolean {
    return this.#total > this.#limit
  }

  add(chunk: Buffer): void {
    const fits = Math.max(0, Math.min(chunk.length, this.#limit - this.#total))
    if (fits > 0) {
      this.#grow(this.#total + fits)
      chunk.copy(this.#buffer, this.#total, 0, fits)
      this.#total += fits
    }
    if (fits < chunk.length) this.#wrap(chunk.subarray(fits))
  }

  /** Well-formed text: what is not UTF-8 becomes U+FFFD. A line says how much is missing. */
  text(): string {
    const decoder = new TextDecoder()
    if (!this.truncated) return decoder.decode(this.#buffer.subarray(0, this.#total))
    const end = this.#position
    const tail = Buffer.concat([this.#buffer.subarray(end), this.#buffer.subarray(this.#half, end)])
    const head = decoder.decode(this.#buffer.subarray(0, this.#half))
    return `${head}\n[... ${this.#total - this.#limit} bytes left out ...]\n${decoder.decode(tail)}`
  }

  /** Where the next byte of the ring goes; the ring is everything behind the first half. */
  get #position(): number {
    return this.#half + ((this.#total - this.#half) % (this.#limit - this.#half))
  }

  #wrap(chunk: Buffer): void {
    const ring = this.#limit - this.#half
    const skipped = Math.max(0, chunk.length - ring)
    this.#total += skipped
    for (let at = skipped; at < chunk.length; ) {
      const to = this.#position
      const count = Math.min(chunk.length - at, this.#limit - to)
      chunk.copy(this.#buffer, to, at, at + count)
      this.#total += count
      at += count
    }
  }

  #grow(needed: number): void {
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.min(this.#limit, Math.max(needed, this.#buffer.length * 2)))
    this.#buffer.copy(larger, 0, 0, this.#total)
    this.#buffer = larger
  }
}
