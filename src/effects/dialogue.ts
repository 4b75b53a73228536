/** A prompt longer than this is output. */
const PROMPT_LIMIT = 500

/**
 * Reads the standard output of an interactive script, which mixes questions and result: a line
 * `{"type": "user_input_request", "prompt": "..."}` is a question, and so is the beginning of a line that the script leaves
 * open while it waits (what Python's `input()` prints). Questions are shown and left out of the result; the answer goes
 * from the terminal straight to the script.
 */
export class Dialogue {
  readonly #show: (text: string) => void
  readonly #lines: string[] = []
  #open = ''
  #asked = false

  constructor(show: (text: string) => void) {
    this.#show = show
  }

  take(chunk: string): void {
    const lines = (this.#open + chunk).split('\n')
    this.#open = lines.pop() ?? ''
    for (const line of lines) this.#takeLine(`${line}\n`)
    if (this.#open === '' || this.#open.length > PROMPT_LIMIT || [...this.#lines, this.#open].some(looksLikeJson))
      return
    this.#show(this.#open)
    this.#open = ''
  }

  /** What is left without the questions. After a question in a line of its own, the last line that is JSON. */
  result(): string {
    if (this.#open !== '') this.#takeLine(this.#open)
    this.#open = ''
    const all = this.#lines.join('')
    if (!this.#asked || parseJson(all) !== undefined) return all
    return this.#lines.findLast((line) => parseJson(line) !== undefined) ?? all
  }

  #takeLine(line: string): void {
    const parsed = parseJson(line)
    if (!isRequest(parsed)) {
      this.#lines.push(line)
      return
    }
    this.#asked = true
    this.#show(typeof parsed.prompt === 'string' ? `${parsed.prompt} ` : '> ')
  }
}

/** Once a document has begun, an open line is a part of it. */
function looksLikeJson(line: string): boolean {
  return /^\s*[{["]/.test(line)
}

function isRequest(value: unknown): value is { readonly prompt?: unknown } {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'user_input_request'
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
