import { Bucket } from './bucket.ts'
import { isTooDeep, type McpTool, readTool } from './definition.ts'
import { isRecord, isWireMessage, type Wire, WireFailure, type WireMessage } from './wire.ts'

/** Most tools that are taken of one server, and pages of its list. */
export const TOOLS_LIMIT = 1000
const PAGES_LIMIT = 100
/** Notifications beyond this are dropped; a server that goes on is left. */
const NOTES = { burst: 2000, per_second: 100 }
const ASKS = { burst: 20, per_second: 1 }
const DROPPED_LIMIT = 100_000
/** Deeper messages would break whoever reads them level by level. */
const DEPTH_LIMIT = 200
/** The code of an answer that could not be read, as the protocol has it. */
export const UNREADABLE = -32_700

/** What else a page of tools may say. */
const KEPT = ['resultType', 'ttlMs', 'cacheScope'] as const

/** A tool that is not offered, and why. Its name may be anything. */
export interface RefusedTool {
  readonly name: string
  readonly reason: string
}

/** The newest whole list of a server's tools. */
export interface Listing {
  readonly tools: ReadonlyMap<string, McpTool>
  readonly refused: readonly RefusedTool[]
}

/**
 * Stands between the protocol library and a server: lets through only messages, few enough of those nobody asked for, and of tool
 * lists only what is safe to read. So the library, and everything behind it, never sees the rest.
 */
export class GuardedWire implements Wire {
  onmessage?: ((message: WireMessage, extra?: unknown) => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  onclose?: (() => void) | undefined
  /** Why it was broken off. */
  failure: WireFailure | undefined
  readonly #inner: Wire
  readonly #notes = new Bucket(NOTES)
  readonly #asks = new Bucket(ASKS)
  #dropped = 0
  /** Something was told since the last answer. */
  #noted = false
  /** Our requests for tools that are not answered. */
  readonly #lists = new Map<string | number, { readonly first: boolean }>()
  #draft: Draft = newDraft()

  constructor(inner: Wire) {
    this.#inner = inner
    inner.onmessage = (message, extra) => this.#take(message, extra)
    inner.onerror = (error) => this.onerror?.(error)
    inner.onclose = () => this.onclose?.()
    // The library tells local pipes from the rest by these two.
    if ('stderr' in inner && 'pid' in inner) Object.assign(this, { stderr: null, pid: null })
  }

  /** What the last listing brought, once it is complete. */
  get listing(): Listing {
    const { tools, refused } = this.#draft
    return { tools, refused }
  }

  get sessionId(): string | undefined {
    return this.#inner.sessionId
  }

  get hasPerRequestStream(): boolean {
    return this.#inner.hasPerRequestStream ?? false
  }

  setProtocolVersion(version: string): void {
    this.#inner.setProtocolVersion?.(version)
  }

  start(): Promise<void> {
    return this.#inner.start()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  send(message: WireMessage, options?: object): Promise<void> {
    if (message.method === 'tools/list' && message.id !== undefined)
      this.#lists.set(message.id, { first: message.params?.['cursor'] === undefined })
    return this.#inner.send(message, options)
  }

  #take(message: WireMessage, extra: unknown): void {
    if (!isWireMessage(message)) return
    if (message.method !== undefined) {
      if (isTooDeep(message, DEPTH_LIMIT) || !this.#admit(message)) return
      this.#noted = true
      this.onmessage?.(message, extra)
      return
    }
    const id = message.id as string | number
    const list = this.#lists.get(id)
    this.#lists.delete(id)
    // Of a list each tool is measured by itself.
    const deep = !(list && message.result) && isTooDeep(message, DEPTH_LIMIT)
    const answer = deep ? { jsonrpc: message.jsonrpc, id, error: { code: UNREADABLE, message: 'too deep' } } : message
    const sifted = list && answer.result ? { ...answer, result: this.#sift(answer.result, list.first) } : answer
    // The library takes answers at once and notifications a little later: progress must not come after what it leads to.
    if (this.#noted) setImmediate(() => this.onmessage?.(sifted, extra))
    else this.onmessage?.(sifted, extra)
    this.#noted = false
  }

  /** What nobody asked for comes only so often. */
  #admit(message: WireMessage): boolean {
    const bucket = message.id === undefined ? this.#notes : this.#asks
    if (bucket.take()) return true
    this.#dropped += 1
    if (this.#dropped === DROPPED_LIMIT)
      this.breakOff(new WireFailure('mcp_flood', `the server sent ${DROPPED_LIMIT} messages too many`))
    return false
  }

  /** Ends the connection for a reason that those who wait are told. */
  breakOff(failure: WireFailure): void {
    this.failure ??= failure
    this.onerror?.(failure)
    void this.#inner.close()
  }

  /** One page of tools: what is fit to be used, and no further page once there are enough. */
  #sift(result: { readonly [key: string]: unknown }, first: boolean): { readonly [key: string]: unknown } {
    if (first) this.#draft = newDraft()
    const draft = this.#draft
    draft.pages += 1
    const { tools, nextCursor } = result
    const kept = (Array.isArray(tools) ? tools : []).flatMap((given) => keepTool(draft, given))
    const over = draft.offered > TOOLS_LIMIT || draft.pages >= PAGES_LIMIT
    const again = typeof nextCursor !== 'string' || draft.cursors.has(nextCursor)
    if (typeof nextCursor === 'string') draft.cursors.add(nextCursor)
    if (over && draft.offered > TOOLS_LIMIT && !draft.cut) {
      draft.cut = true
      draft.refused.push({ name: '*', reason: `it offers more than ${TOOLS_LIMIT} tools; the rest is left out` })
    }
    const rest = KEPT.flatMap((key) => (typeof result[key] === 'object' ? [] : [[key, result[key]] as const]))
    return { ...Object.fromEntries(rest), tools: kept, ...(over || again ? {} : { nextCursor }) }
  }
}

interface Draft {
  readonly tools: Map<string, McpTool>
  readonly refused: RefusedTool[]
  readonly names: Set<string>
  readonly cursors: Set<string>
  offered: number
  pages: number
  cut: boolean
}

function newDraft(): Draft {
  return { tools: new Map(), refused: [], names: new Set(), cursors: new Set(), offered: 0, pages: 0, cut: false }
}

/** What the library has to know of it: the schema, which may ask for headers, as it is. */
function keepTool(draft: Draft, given: unknown): readonly object[] {
  draft.offered += 1
  if (draft.offered > TOOLS_LIMIT) return []
  const read = readTool(given)
  const said = isRecord(given) && typeof given['name'] === 'string' ? given['name'].slice(0, 64) : 'a tool'
  if ('refused' in read) {
    draft.refused.push({ name: said, reason: read.refused })
    return []
  }
  const { name } = read.tool
  if (draft.names.has(name)) {
    // Which of the two was meant cannot be known.
    if (draft.tools.delete(name)) draft.refused.push({ name: said, reason: 'two tools have this name' })
    return []
  }
  draft.names.add(name)
  draft.tools.set(name, read.tool)
  return [{ name, inputSchema: (given as { readonly inputSchema: object }).inputSchema }]
}
