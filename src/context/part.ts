import type { Message, MessagePart } from '../events/messages.ts'

/** What a part is for. Each group has a share of the room; what one does not need flows to the others. */
export type ContextGroup = 'directives' | 'retrieved' | 'recent'

/** One piece of what a model is to read: usually a message, or a piece of one. */
export interface ContextPart {
  /** What the manifest calls it. */
  readonly name: string
  readonly role: Message['role']
  readonly content: readonly MessagePart[]
  /** Without it, system messages are directives and all others recent. */
  readonly group?: ContextGroup
  /** Parts with a higher one are cut later; 0 when absent. */
  readonly priority?: number
  /** Never cut. Directives, the last message of the user and calls without a result are pinned anyhow. */
  readonly pin?: boolean
  /** Continues the message of the part before it. When that is pinned, this piece may be shortened but stays, as a mark at least. */
  readonly joined?: boolean
}

export interface ContextBudget {
  /** Tokens in all, what stands beside the messages included. */
  readonly limit: number
  /** Tokens that stand beside the messages: tools, the form of the answer. */
  readonly beside?: number
  readonly shares?: { readonly [group in ContextGroup]?: number }
  /** Tokens to leave free when something has to be cut, so that what follows leaves the rest as it is. */
  readonly headroom?: number
  /** `fail`: nothing is cut. Default `truncate`. */
  readonly overflow?: 'truncate' | 'fail'
  /** Leaves out what is there already, to the letter. Default true. */
  readonly dedupe?: boolean
  /** Tokens of texts as a tokenizer has counted them; all others are bounded. */
  readonly exact?: ReadonlyMap<string, number>
}

/** What became of one part. */
export type ManifestEntry = {
  readonly name: string
  readonly role: Message['role']
  readonly group: ContextGroup
  readonly tokens: number
  readonly fate: 'kept' | 'cut' | 'dropped' | 'summarised'
  readonly tokens_after: number
  /** Why it was kept whatever it took, or why it was not kept. */
  readonly why?: 'pinned' | 'duplicate' | 'no_room' | 'too_long'
}

/** What a request is made of. */
export type Manifest = {
  readonly limit: number
  /** Tokens of everything given, and of what is sent; both with what stands beside the messages. */
  readonly tokens: number
  readonly tokens_after: number
  readonly beside: number
  /** `exact` when a tokenizer has counted every text that is sent as it was given. */
  readonly method: 'exact' | 'bounded'
  readonly parts: readonly ManifestEntry[]
}

export type BuiltContext =
  | {
      readonly ok: true
      readonly messages: readonly Message[]
      readonly manifest: Manifest
      /** The parts as they are sent, to build on. */
      readonly parts: readonly ContextPart[]
    }
  | { readonly ok: false; readonly code: 'context_overflow'; readonly message: string; readonly manifest: Manifest }

export const USUAL_SHARES: { readonly [group in ContextGroup]: number } = {
  directives: 0.2,
  retrieved: 0.45,
  recent: 0.35,
}

export function groupOf({ group, role }: Pick<ContextPart, 'group' | 'role'>): ContextGroup {
  return group ?? (role === 'system' ? 'directives' : 'recent')
}

/** The messages that parts make up. A text that continues another is written straight after it. */
export function toMessages(parts: readonly ContextPart[]): readonly Message[] {
  const messages: { role: Message['role']; content: readonly MessagePart[] }[] = []
  for (const { role, content, joined } of parts) {
    const open = messages.at(-1)
    if (joined && open) open.content = joinContent(open.content, content)
    else messages.push({ role, content })
  }
  return messages
}

function joinContent(before: readonly MessagePart[], after: readonly MessagePart[]): readonly MessagePart[] {
  const [first, ...rest] = after
  const last = before.at(-1)
  if (first?.type !== 'text' || last?.type !== 'text') return [...before, ...after]
  return [...before.slice(0, -1), { type: 'text', text: last.text + first.text }, ...rest]
}
