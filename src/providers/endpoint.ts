import { isLoopback } from '../events/loopback.ts'
import type { ModelRequest } from '../events/messages.ts'
import type { Speaker } from './failures.ts'

/** What every vendor's `create` takes. */
export interface ProviderOptions {
  /** Asked at each call; `undefined` when there is none. The only place a key comes from. */
  readonly key?: () => string | undefined
  readonly base_url?: string
  /** The provider's id and the name in messages. */
  readonly name?: string
  /** The most connections one server gets; default 64. */
  readonly connections?: number
  /** The variable a message about a missing key names. */
  readonly key_name?: string
  /** There is a key, which is not for this address. */
  readonly withheld?: boolean
  /** Extra headers of each request. */
  readonly headers?: Readonly<Record<string, string>>
  /** False: answers are asked for whole, for servers and gateways that cannot stream. */
  readonly stream?: boolean
}

/** Where one call goes, with which key. */
export interface Endpoint {
  /** Without a slash at the end. */
  readonly base_url: string
  readonly key: string | undefined
  readonly speaker: Speaker
}

/**
 * Finds the address and key of a call. A key belongs to the address it was configured for: a request that names another server
 * does not get it, so a foreign ensemble file cannot send it elsewhere.
 */
export function findEndpoint(
  options: ProviderOptions & { readonly fallback_url: string; readonly vendor: string },
  request?: Pick<ModelRequest, 'base_url'>,
): Endpoint {
  const own = trimUrl(options.base_url ?? options.fallback_url)
  const base_url = request?.base_url ? trimUrl(request.base_url) : own
  const known = options.key?.() || undefined
  const key = sameOrigin(own, base_url) ? known : undefined
  return {
    base_url,
    key,
    speaker: {
      name: options.name ?? options.vendor,
      secrets: key ? [key] : [],
      local: isLoopback(base_url),
      ...((options.withheld || (known && !key)) && { withheld: true }),
      ...(options.key_name && { key_name: options.key_name }),
    },
  }
}

/** People paste whole endpoints, or a host and port alone: the operation is taken off, `http://` put on. */
function trimUrl(text: string): string {
  const url = text.trim().replace(/\/+$/, '')
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `http://${url}`
  return whole.replace(/\/(chat\/completions|completions|responses|messages|api\/chat)$/, '')
}

function sameOrigin(one: string, other: string): boolean {
  return URL.parse(one)?.origin === URL.parse(other)?.origin
}
