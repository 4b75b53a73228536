import { join } from 'node:path'
import { inTurn } from '../config/turns.ts'
import { OrcError } from '../events/errors.ts'
import { BearerTokens, type Issuer } from '../trust/bearer.ts'
import { isKey, type KeyRecord, KeyRing, statusOfKey } from '../trust/keys.ts'
import type { Redaction } from '../trust/redaction.ts'
import { Allowance } from './allowance.ts'
import type { App } from './app.ts'
import { type CallerLimits, LOCAL, type Principal, RIGHTS, type Right } from './principal.ts'

/** Wrong credentials that one address may try a minute before it is told to wait. */
const WRONG_TRIES_PER_MINUTE = 10

/** What a request shows of who sends it. */
export interface Shown {
  /** The key or token itself, from wherever the face takes it. */
  readonly credential: string | undefined
  /** The address of the other end of the connection; headers of proxies do not count. */
  readonly remote: string | undefined
  /** Whether it was asked under a name of this machine itself. */
  readonly local_name: boolean
}

export type Admission =
  | {
      readonly ok: true
      readonly principal: Principal
      /** Whether it would be admitted still: for what stays open. */
      isLive(): Promise<boolean>
    }
  | { readonly ok: false; readonly problem: OrcError; readonly retry_after_s?: number }

/** Who may come in, by which right. */
export interface Access {
  /** Whether credentials are needed: a key that is not revoked, or an issuer. */
  isConfigured(): Promise<boolean>
  /** Never throws: what cannot be decided is a refusal. */
  authenticate(shown: Shown): Promise<Admission>
  /** Counts one request of the caller. Throws OrcError `access_limited`. */
  spend(principal: Principal): void
}

export function openKeyRing({ paths }: Pick<App, 'paths'>): KeyRing {
  return new KeyRing(join(paths.data, 'keys.json'), inTurn)
}

/** Whose name stands in a record, with the limits of today; undefined for the local user, and for who is not known any more. */
export async function findPrincipal(app: App, name: string | undefined): Promise<Principal | undefined> {
  if (name === undefined) return undefined
  const { oidc } = app.config.settings.serve ?? {}
  if (name.startsWith('oidc:')) return oidc && { name, kind: 'oidc', scopes: [], limits: limitsOfIssuer(oidc) }
  const records = (await openKeyRing(app).list()).filter((each) => each.name === name)
  const record = records.find(({ revoked }) => revoked === undefined) ?? records.at(-1)
  return record && principalOf(record)
}

export function createAccess(app: App, { look_again_ms }: { readonly look_again_ms?: number } = {}): Access {
  const ring = openKeyRing(app)
  const requests = new Allowance()
  const wrongTries = new Allowance()
  const learnt = new WeakMap<Redaction, Set<string>>()
  let tokens: { readonly key: string; readonly of: BearerTokens } | undefined

  const openTokens = (issuer: Issuer): BearerTokens => {
    const key = JSON.stringify(issuer)
    if (tokens?.key !== key)
      tokens = { key, of: new BearerTokens(issuer, look_again_ms === undefined ? {} : { look_again_ms }) }
    return tokens.of
  }
  const isConfigured = async () => {
    if (app.config.settings.serve?.oidc) return true
    // One that has expired still says that not everybody may come in.
    return (await ring.list()).some(({ revoked }) => revoked === undefined)
  }
  /** Nobody may find their own key in an answer, a log or a journal. */
  const hide = (record: KeyRecord, key: string) => {
    const known = learnt.get(app.redaction) ?? new Set()
    if (known.has(record.id)) return
    learnt.set(app.redaction, known.add(record.id))
    app.redaction.learn(new Map([[`access key ${record.name}`, key]]))
  }
  const admitKey = async (credential: string): Promise<Admission> => {
    const record = await ring.find(credential)
    if (!record) return refuse('the key is not known here')
    const status = statusOfKey(record, Date.now())
    if (status !== 'live') return refuse(`the key has ${status === 'revoked' ? 'been revoked' : 'expired'}`)
    hide(record, credential)
    const isLive = async () => {
      const now = (await ring.list()).find(({ id }) => id === record.id)
      return now !== undefined && statusOfKey(now, Date.now()) === 'live'
    }
    return { ok: true, principal: principalOf(record), isLive: () => isLive().catch(() => false) }
  }
  const admitToken = async (credential: string): Promise<Admission> => {
    const { oidc } = app.config.settings.serve ?? {}
    if (!oidc) return refuse('the key is not known here')
    if (app.config.untrusted?.issuer) return refuse('the project names the issuer of tokens, and nobody trusts it here')
    const verified = await openTokens(oidc).verify(credential)
    if (!verified.ok)
      return verified.why === 'refused'
        ? refuse(`the token is refused: ${verified.message}`)
        : refuse(`no token can be checked: ${verified.message}`, 'identity_unreachable')
    const { subject, scopes, expires } = verified
    const principal: Principal = {
      name: `oidc:${subject}`,
      kind: 'oidc',
      scopes: mapScopes(scopes, oidc.scopes),
      limits: limitsOfIssuer(oidc),
    }
    const skew = (oidc.clock_skew_seconds ?? 30) * 1000
    return { ok: true, principal, isLive: async () => Date.now() < expires + skew }
  }
  const decide = async ({ credential, remote, local_name }: Shown): Promise<Admission> => {
    if (!(await isConfigured())) {
      // Programs that are made for servers elsewhere always send some key.
      if (local_name && isLoopbackAddress(remote)) return { ok: true, principal: LOCAL, isLive: async () => true }
      return refuse('this server has no keys yet, and you are not on its machine', 'credentials_missing')
    }
    if (credential === undefined) return refuse('a key or a token is needed', 'credentials_missing')
    const admission = await (isKey(credential) ? admitKey(credential) : admitToken(credential))
    if (admission.ok || admission.problem.code !== 'credentials_refused') return admission
    // Right ones are let in all the same: else whoever guesses could lock out those behind the same address.
    const wait = wrongTries.take(remote ?? '', WRONG_TRIES_PER_MINUTE)
    if (wait === undefined) return admission
    return { ...refuse('too many wrong keys came from this address', 'access_limited'), retry_after_s: wait }
  }
  return {
    isConfigured,
    authenticate: async (shown) => {
      try {
        return await decide(shown)
      } catch (error) {
        if (error instanceof OrcError) return { ok: false, problem: error }
        return refuse('who you are cannot be decided', 'identity_unreachable')
      }
    },
    spend: ({ kind, name, limits }) => {
      const most = limits?.requests_per_minute
      const wait = most === undefined ? undefined : requests.take(`${kind} ${name}`, most)
      if (wait !== undefined) throw limited(`${name} may ask ${most} times a minute`, wait)
    },
  }
}

function isLoopbackAddress(address: string | undefined): boolean {
  return address !== undefined && /^(::1|(::ffff:)?127(\.\d{1,3}){3})$/i.test(address)
}

/** The seconds to wait stand in the hint, and in `Retry-After`. */
function limited(message: string, wait_s: number): OrcError {
  return new OrcError({ code: 'access_limited', message, hint: `Ask again in ${wait_s} s.` })
}

function principalOf({ name, scopes, requests_per_minute, concurrent }: KeyRecord): Principal {
  return { name, kind: 'key', scopes: scopes.filter(isRight), limits: limitsOf({ requests_per_minute, concurrent }) }
}

function limitsOfIssuer({
  requests_per_minute,
  concurrent,
}: {
  readonly requests_per_minute?: number | undefined
  readonly concurrent?: number | undefined
}): CallerLimits {
  return limitsOf({ requests_per_minute, concurrent })
}

function limitsOf(given: { readonly [limit: string]: number | undefined }): NonNullable<Principal['limits']> {
  return Object.fromEntries(Object.entries(given).filter(([, limit]) => limit !== undefined))
}

/** As the settings say; without a word there, `llm-orc:read` is `read`. */
function mapScopes(given: readonly string[], map: { readonly [scope: string]: readonly Right[] } | undefined): Right[] {
  const rights = given.flatMap((scope): readonly string[] =>
    map
      ? Object.hasOwn(map, scope)
        ? (map[scope] ?? [])
        : []
      : [scope.replace(/^llm-orc:/, '')].filter(() => scope.startsWith('llm-orc:')),
  )
  return [...new Set(rights.filter(isRight))]
}

function isRight(word: string): word is Right {
  return (RIGHTS as readonly string[]).includes(word)
}

function refuse(
  message: string,
  code:
    | 'credentials_missing'
    | 'credentials_refused'
    | 'access_limited'
    | 'identity_unreachable' = 'credentials_refused',
): { readonly ok: false; readonly problem: OrcError } {
  return { ok: false, problem: new OrcError({ code, message, hint: HINTS[code] }) }
}

const HINTS = {
  credentials_missing: 'Send Authorization: Bearer KEY; a key is made on the server with: llm-orc keys create NAME',
  credentials_refused: 'Keys that are known: llm-orc keys list, on the server.',
  access_limited: 'Wait a minute.',
  identity_unreachable: 'Ask again in a minute; nobody is let in until it can be decided.',
}
