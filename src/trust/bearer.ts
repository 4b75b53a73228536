import type { createRemoteJWKSet, JWTPayload, jwtVerify } from 'jose'

/** Whose tokens are taken. */
export interface Issuer {
  readonly issuer: string
  readonly audience: string
  /** Where its keys are; default: as its own document says. */
  readonly jwks_url?: string | undefined
  /** Ways of signing that are taken; default: all that are safe. */
  readonly algorithms?: readonly string[] | undefined
  /** Seconds that clocks may differ; default 30. */
  readonly clock_skew_seconds?: number | undefined
}

/** `refused`: the token is no good. `unreachable`: nobody can say, because the issuer does not answer; nobody is let in. */
export type Verified =
  | { readonly ok: true; readonly subject: string; readonly scopes: readonly string[]; readonly expires: number }
  | { readonly ok: false; readonly why: 'refused' | 'unreachable'; readonly message: string }

/** Only signatures that the issuer alone can make: a shared secret (HS) or none at all is no signature here. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const

const USUAL_SKEW_S = 30
const FETCH_MS = 5_000
const LARGEST_DOCUMENT = 512 * 1024
/** ms between two looks at the issuer's keys, however many tokens name keys that nobody knows. */
const LOOK_AGAIN_MS = 60_000
const LONGEST_TOKEN = 16 * 1024
/** What an issuer calls tokens that are no access tokens. */
const OTHER_TYPES = new Set(['ID', 'Refresh', 'Logout', 'Offline'])

interface Keys {
  readonly verify: typeof jwtVerify
  readonly set: ReturnType<typeof createRemoteJWKSet>
}

/** Verifies bearer tokens of one issuer: OAuth 2.1 access tokens as JWT (RFC 9068 and the older form without `typ`). */
export class BearerTokens {
  readonly #issuer: Issuer
  readonly #look_again_ms: number
  #keys: Promise<Keys> | undefined
  #failed = -Infinity

  constructor(issuer: Issuer, { look_again_ms = LOOK_AGAIN_MS } = {}) {
    this.#issuer = issuer
    this.#look_again_ms = look_again_ms
  }

  async verify(token: string): Promise<Verified> {
    if (token.length > LONGEST_TOKEN || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return refuse('it is no token')
    const keys = await this.#open()
    if (!keys) return { ok: false, why: 'unreachable', message: 'the issuer does not answer' }
    const { issuer, audience, algorithms = ALGORITHMS, clock_skew_seconds = USUAL_SKEW_S } = this.#issuer
    try {
      const { payload, protectedHeader } = await keys.verify(token, keys.set, {
        issuer,
        audience,
        algorithms: algorithms.filter((each) => (ALGORITHMS as readonly string[]).includes(each)),
        clockTolerance: clock_skew_seconds,
        requiredClaims: ['exp', 'sub'],
      })
      return judge(payload, protectedHeader.typ)
    } catch (error) {
      const { code } = error as { readonly code?: unknown }
      if (typeof code === 'string' && /^ERR_(JWT|JWS|JWKS_NO_MATCHING|JWKS_MULTIPLE|JOSE_ALG|JOSE_NOT)/.test(code))
        return refuse(WORDS[code] ?? 'it is not valid here')
      return { ok: false, why: 'unreachable', message: 'the keys of the issuer cannot be read' }
    }
  }

  async #open(): Promise<Keys | undefined> {
    this.#keys ??= this.#ask(() => this.#find())
    return this.#keys.catch(() => {
      this.#keys = undefined
      return undefined
    })
  }

  /** After a failure the issuer is left alone for a while. */
  async #ask<T>(question: () => Promise<T>): Promise<T> {
    if (performance.now() - this.#failed < this.#look_again_ms) throw new Error('the issuer did not answer')
    try {
      return await question()
    } catch (error) {
      this.#failed = performance.now()
      throw error
    }
  }

  async #find(): Promise<Keys> {
    const { issuer, jwks_url } = this.#issuer
    const url = requireSafe(jwks_url ?? (await readDiscovery(issuer)), issuer)
    const { createRemoteJWKSet, customFetch, jwtVerify } = await import('jose')
    const set = createRemoteJWKSet(url, {
      cooldownDuration: this.#look_again_ms,
      timeoutDuration: FETCH_MS,
      [customFetch]: (address: string, options: RequestInit) =>
        this.#ask(async () => {
          const response = await fetch(address, { ...options, redirect: 'error' })
          const text = await readBounded(response)
          if (response.ok) return new Response(text)
          throw new Error(`the keys are answered with ${response.status}`)
        }),
    })
    return { verify: jwtVerify, set }
  }
}

const WORDS: { readonly [code: string]: string } = {
  ERR_JWT_EXPIRED: 'it has expired',
  ERR_JWKS_NO_MATCHING_KEY: 'its issuer has no such key',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'its signature is wrong',
}

/** Signed is not enough: it has to be an access token, and one that whoever holds it may use. */
function judge(payload: JWTPayload, type: string | undefined): Verified {
  const { sub, exp, cnf, nonce, typ, at_hash, c_hash, events } = payload
  const kind = type?.toLowerCase().replace(/^application\//, '')
  if (kind !== undefined && kind !== 'at+jwt' && kind !== 'jwt') return refuse('it is no access token')
  const asserts = [nonce, at_hash, c_hash, events].some((claim) => claim !== undefined)
  if (asserts || (typeof typ === 'string' && OTHER_TYPES.has(typ))) return refuse('it is no access token')
  // Bound to a key of its holder, who would have to prove it: that proof is not checked here.
  if (cnf !== undefined) return refuse('it is bound to its holder, which is not supported')
  if (typeof sub !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(sub)) return refuse('it names nobody')
  return { ok: true, subject: sub, scopes: readScopes(payload), expires: (exp as number) * 1000 }
}

/** `scope` as RFC 8693 has it, or `scp` as others write it. */
function readScopes({ scope, scp }: JWTPayload): readonly string[] {
  const given = scope ?? scp
  if (typeof given === 'string') return given.split(' ').filter((word) => word !== '')
  return Array.isArray(given) ? given.filter((word) => typeof word === 'string') : []
}

/** By RFC 8414, else by OpenID Connect Discovery. The document has to be about this issuer. */
async function readDiscovery(issuer: string): Promise<string> {
  requireSafe(issuer, issuer)
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const places = [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ]
  for (const place of places) {
    const response = await fetch(place, { redirect: 'error', signal: AbortSignal.timeout(FETCH_MS) })
    const text = await readBounded(response)
    if (!response.ok) continue
    const found = JSON.parse(text) as { readonly issuer?: unknown; readonly jwks_uri?: unknown }
    if (found.issuer !== issuer || typeof found.jwks_uri !== 'string')
      throw new Error('the document is of another issuer')
    return found.jwks_uri
  }
  throw new Error('the issuer says nothing about itself')
}

/** https; without it only on this machine, for an issuer that is itself on this machine. */
function requireSafe(address: string, issuer: string): URL {
  const url = new URL(address)
  if (url.username !== '' || url.password !== '') throw new Error('an address with a password')
  if (url.protocol === 'https:') return url
  const here = (name: string) => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(name)
  if (url.protocol === 'http:' && here(url.hostname) && here(new URL(issuer).hostname)) return url
  throw new Error('an address without https')
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > LARGEST_DOCUMENT) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function refuse(message: string): Verified {
  return { ok: false, why: 'refused', message }
}
