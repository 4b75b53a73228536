import type { ContextPart } from '../context/part.ts'
import type { PromptPiece } from '../context/prompt.ts'
import type { Message, MessagePart, ModelRequest } from '../events/messages.ts'
import type { ModelCard } from '../events/model-card.ts'
import type { ContextRules } from '../graph/agent-spec.ts'

/** What a step keeps of the requests it has made. */
export interface Fitting {
  readonly rules: ContextRules
  /** Summaries made so far. */
  compactions: number
  /** Tokens as a tokenizer has counted them. */
  readonly exact: Map<string, number>
  /** Bounds, by content. */
  readonly sizes: Map<readonly MessagePart[], number>
  sent?: Sent
}

/** The request before. */
export interface Sent {
  readonly model: string
  readonly tools: string
  /** A list that grows; so many of it were sent. */
  readonly messages: readonly Message[]
  readonly count: number
}

/** One conversation of a step, from its first prompt on. */
export interface Course {
  /** The message that is the prompt, and its pieces; made only when something has to be cut. */
  readonly prompt: Message
  pieces(): readonly PromptPiece[]
  /** Once something has been cut: what is sent of the first so many messages. */
  cut?: { readonly parts: readonly ContextPart[]; readonly messages: number }
  /** Tokens that a server has shown to be too many are not sent again. */
  ceiling?: number
}

export interface FitTask {
  readonly fitting: Fitting
  readonly course: Course
  readonly request: ModelRequest
  readonly card?: ModelCard | undefined
  /** The name of the model effect that the request is for. */
  readonly effect: string
  readonly pool: string
}

export function openFitting(rules: ContextRules = {}): Fitting {
  return { rules, compactions: 0, exact: new Map(), sizes: new Map() }
}
