/** What was made of the texts that were read last: files are asked for much more often than they change. The oldest are forgotten first. */
export class Recent<T> {
  readonly #most_chars: number
  readonly #kept = new Map<string, T>()
  #chars = 0

  /** Characters of all texts together; a longer one is not kept. */
  constructor(most_chars: number) {
    this.#most_chars = most_chars
  }

  /** `make` is pure: the same text makes the same. */
  take(text: string, make: (text: string) => T): T {
    const known = this.#kept.get(text)
    if (known !== undefined) {
      this.#kept.delete(text)
      this.#kept.set(text, known)
      return known
    }
    const made = make(text)
    if (text.length > this.#most_chars) return made
    this.#kept.set(text, made)
    this.#chars += text.length
    for (const [oldest] of this.#kept) {
      if (this.#chars <= this.#most_chars) break
      this.#kept.delete(oldest)
      this.#chars -= oldest.length
    }
    return made
  }
}
