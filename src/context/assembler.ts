import { OrcError } from '../events/errors.ts'
import type { Message, MessagePart } from '../events/messages.ts'
import { buildContext } from './build.ts'
import type { ContextGroup, ContextPart, Manifest } from './part.ts'

/** A message of any role; a text alone stands for one part. */
export interface ContextMessage {
  readonly role: Message['role']
  readonly content: string | readonly MessagePart[]
}

/** What a model can take, in tokens; what is absent is no limit. */
export interface ProviderCaps {
  /** Input and output together. */
  readonly max_tokens?: number
  readonly max_input_tokens?: number
  /** Kept free of `max_tokens` for the answer. */
  readonly max_output_tokens?: number
}

/** Tokens of input, and the part of it each bucket has first claim on. What a bucket does not need flows to the others. */
export class ContextBudget {
  readonly max_tokens_in: number
  readonly bucket_pct: { readonly recent: number; readonly retrieved: number; readonly directives: number }

  constructor(given: Partial<Pick<ContextBudget, 'max_tokens_in' | 'bucket_pct'>> = {}) {
    this.max_tokens_in = given.max_tokens_in ?? 8000
    this.bucket_pct = given.bucket_pct ?? { recent: 0.35, retrieved: 0.45, directives: 0.2 }
  }
}

export interface AssembleRequest {
  readonly messages: readonly ContextMessage[]
  readonly provider_caps?: ProviderCaps
  readonly budget?: Partial<Pick<ContextBudget, 'max_tokens_in' | 'bucket_pct'>>
  /** Takes the place of `messages` where only some of them are to be told. */
  readonly recent_messages?: readonly ContextMessage[]
  /** What was looked up, the best first. */
  readonly retrieved_context?: readonly ContextMessage[]
  /** What has to be obeyed; never cut. */
  readonly directives?: readonly ContextMessage[]
}

export interface AssembledContext {
  /** Directives, what was looked up, what was said: those that fit, in this order. */
  readonly messages: readonly ContextMessage[]
  /** What became of each, and why. */
  readonly manifest: Manifest
}

/**
 * Puts together what a model reads, within what it can take:
 *
 *     const assembler = new ContextAssembler()
 *     const { messages, manifest } = assembler.build({
 *       messages: [{ role: 'user', content: 'Hello, how are you?' }],
 *       provider_caps: { max_tokens: 4000, max_output_tokens: 1000 },
 *       budget: new ContextBudget({ max_tokens_in: 1000 }),
 *     })
 *
 * Keeps nothing between two calls. Throws an OrcError `context_overflow`, which names the largest parts, when what may not be cut
 * (directives, the last message of the user, calls without a result) is too long by itself.
 */
export class ContextAssembler {
  build(request: AssembleRequest): AssembledContext {
    const { messages, recent_messages = messages, retrieved_context = [], directives = [] } = request
    const { max_tokens_in, bucket_pct } = new ContextBudget(request.budget)
    const isSystem = ({ role }: ContextMessage) => role === 'system'
    const said = recent_messages.filter((message) => !isSystem(message))
    const ruling = [...directives, ...recent_messages.filter(isSystem)]
    const parts = [
      ...toParts(ruling, 'directives'),
      ...toParts(retrieved_context, 'retrieved'),
      ...toParts(said, 'recent'),
    ]
    const limit = Math.min(max_tokens_in, ceilingOf(request.provider_caps ?? {}))
    const built = buildContext(parts, { limit, shares: bucket_pct })
    if (!built.ok)
      throw new OrcError({
        code: built.code,
        message: `The context does not fit: ${built.message}.`,
        hint: 'Give it a larger budget, a model with a larger window, or less that may not be cut.',
      })
    const isPlain = parts.every(({ plain }) => plain)
    return {
      messages: built.messages.map(({ role, content }) => ({ role, content: isPlain ? textOf(content) : content })),
      manifest: built.manifest,
    }
  }
}

function toParts(
  messages: readonly ContextMessage[],
  group: ContextGroup,
): readonly (ContextPart & { readonly plain: boolean })[] {
  return messages.map(({ role, content }, index) => ({
    name: `${group} ${index + 1}`,
    role,
    group,
    plain: typeof content === 'string',
    content: typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content,
  }))
}

function textOf(content: readonly MessagePart[]): string {
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

function ceilingOf({
  max_tokens = Infinity,
  max_input_tokens = Infinity,
  max_output_tokens = 0,
}: ProviderCaps): number {
  return Math.min(max_input_tokens, max_tokens - max_output_tokens)
}
