/** A JSON-RPC message as it travels; what is in it is not believed. */
export interface WireMessage {
  readonly jsonrpc: '2.0'
  readonly id?: string | number
  readonly method?: string
  readonly params?: { readonly [key: string]: unknown }
  readonly result?: { readonly [key: string]: unknown }
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

/** What carries messages to a server and back. Callbacks are set before `start`; `onclose` is told once. */
export interface Wire {
  start(): Promise<void>
  send(message: WireMessage, options?: object): Promise<void>
  close(): Promise<void>
  onmessage?: ((message: WireMessage, extra?: unknown) => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  onclose?: (() => void) | undefined
  readonly sessionId?: string | undefined
  readonly hasPerRequestStream?: boolean
  setProtocolVersion?(version: string): void
}

/** A connection that broke or was broken off, with the code it is reported under. */
export class WireFailure extends Error {
  readonly code: WireCode
  constructor(code: WireCode, message: string) {
    super(message)
    this.name = 'WireFailure'
    this.code = code
  }
}

export type WireCode = 'mcp_unreachable' | 'mcp_flood' | 'mcp_protocol' | 'mcp_login_needed' | 'mcp_login_refused'

/** Is this a message at all? Batches, other versions and odd ids are not. */
export function isWireMessage(value: unknown): value is WireMessage {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { jsonrpc, id, method, params, result, error } = value as { readonly [key: string]: unknown }
  if (jsonrpc !== '2.0') return false
  if (id !== undefined && typeof id !== 'string' && !Number.isSafeInteger(id)) return false
  if (params !== undefined && !isRecord(params)) return false
  if (typeof method === 'string') return true
  if (id === undefined) return false
  return result === undefined ? isRecord(error) : isRecord(result)
}

export function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
