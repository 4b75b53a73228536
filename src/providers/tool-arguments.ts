import type { ModelRequest } from '../events/messages.ts'
import type { Json } from '../events/values.ts'

/**
 * The arguments of an earlier call as an object a vendor accepts. What the model wrote badly goes back under a name that says
 * so: servers refuse a history with broken JSON, and `{}` would be a lie.
 */
export function toSendableArguments(text: string): { readonly [key: string]: unknown } {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed }
  } catch {
    // Not JSON: falls through to the quoted form.
  }
  return { invalid_arguments: text }
}

/** Text of a tool's output for vendors that take only text. */
export function toOutputText(output: Json): string {
  return typeof output === 'string' ? output : JSON.stringify(output)
}

/**
 * Gives every tool call of an answer an id that no other call of the conversation has: ids become effect keys, and a repeated one
 * would return another call's result.
 */
export class CallIds {
  #taken = new Set<string>()

  constructor(request: ModelRequest) {
    for (const { content } of request.messages) {
      for (const part of content) if (part.type === 'tool-call') this.#taken.add(part.id)
    }
  }

  claim(given: string | undefined): string {
    let id = given || `call_${this.#taken.size + 1}`
    for (let n = 2; this.#taken.has(id); n++) id = given ? `${given}_${n}` : `call_${this.#taken.size + n}`
    this.#taken.add(id)
    return id
  }
}
