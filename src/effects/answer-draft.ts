import type { FinishReason, MessagePart, ModelAnswer, ModelRequest, Usage } from '../events/messages.ts'
import type { Json } from '../events/values.ts'
import type { ModelPart } from '../providers/provider.ts'
import { toPlainJson } from './plain-json.ts'

type Mutable<Part> = { -readonly [Key in keyof Part]: Part[Key] }

/** Gathers the parts of one answer as they arrive. */
export class AnswerDraft {
  #content: Mutable<MessagePart>[] = []
  #model: string | undefined
  #request_id: string | undefined
  #first_part_ms: number | undefined

  /** Something of the answer itself has arrived. */
  get begun(): boolean {
    return this.#first_part_ms !== undefined
  }

  /** `after_ms`: since the request. */
  add(part: Exclude<ModelPart, { type: 'finish' | 'failed' }>, after_ms: number): void {
    if (part.type === 'meta') {
      this.#model = part.model ?? this.#model
      this.#request_id = part.request_id ?? this.#request_id
      return
    }
    this.#first_part_ms ??= Math.max(0, Math.round(after_ms))
    const last = this.#content.at(-1)
    if (part.type === 'text' && last?.type === 'text') last.text += part.text
    else if (part.type === 'reasoning' && last?.type === 'reasoning' && !last.signature) {
      last.text += part.text
      if (part.signature) last.signature = part.signature
    } else this.#content.push({ ...part })
  }

  finish(reason: FinishReason, usage: Usage, request: ModelRequest): ModelAnswer {
    const answer = { ...this.#parts(), finish: isCut(this.#content, usage, request) ? 'length' : reason, usage }
    return toPlainJson(answer) as unknown as ModelAnswer
  }

  /** What had arrived before a failure, if anything. */
  partial(): Json | undefined {
    return this.#content.length > 0 ? toPlainJson(this.#parts()) : undefined
  }

  #parts(): Omit<ModelAnswer, 'finish' | 'usage'> {
    return {
      content: this.#content,
      ...(this.#model !== undefined && { model: this.#model }),
      ...(this.#request_id !== undefined && { request_id: this.#request_id }),
      ...(this.#first_part_ms !== undefined && { first_part_ms: this.#first_part_ms }),
    }
  }
}

/** Some routers say "tool calls" although the token limit cut the arguments. */
function isCut(content: readonly MessagePart[], usage: Usage, request: ModelRequest): boolean {
  const { max_tokens } = request
  if (max_tokens === undefined || usage.output === undefined || usage.output < max_tokens) return false
  return content.some((part) => part.type === 'tool-call' && !isJson(part.arguments))
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
