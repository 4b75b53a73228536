import { hash, randomBytes } from 'node:crypto'
import { Loopback } from './loopback.ts'
import { isRecord, WireFailure } from './wire.ts'

/** How a server is logged in to. Everything that comes of it lives in this process alone. */
export interface LoginSpec {
  readonly grant?: 'authorization_code' | 'client_credentials' | undefined
  readonly client_id?: string | undefined
  readonly client_secret?: string | undefined
  /** Where the credentials were registered; they are sent to nobody else. */
  readonly issuer?: string | undefined
  readonly scope?: string | undefined
  /** Address of a document that describes this client, for servers that take one instead of a registration. */
  readonly client_metadata_url?: string | undefined
  readonly redirect_port?: number | undefined
  /** Origins beside the issuer's own that may be endpoints of the login. */
  readonly origins?: readonly string[] | undefined
}

/** Shows a person the page to log in on; says false when there is nobody. */
export type ShowLogin = (url: string, server: string) => boolean | Promise<boolean>

interface Client {
  readonly client_id: string
  readonly client_secret?: string
  readonly issuer?: string
}

interface Tokens {
  readonly access_token: string
  readonly token_type: string
  readonly issuer?: string
}

/** How long a person may take. */
const PATIENCE_MS = 300_000

/**
 * The login of one server, in the form the protocol library wants (`OAuthClientProvider`): authorization code with PKCE and a redirect
 * to this machine, or client credentials. Tokens, registrations and verifiers are kept here and nowhere else.
 */
export class Login {
  readonly #server: string
  readonly #spec: LoginSpec
  readonly #show: ShowLogin
  #loopback: Loopback | undefined
  #port: number
  #client: Client | undefined
  #tokens: Tokens | undefined
  /** Several calls may find out at once that a login is needed; one page is shown, and its verifier is among these. */
  readonly #verifiers = new Set<string>()
  #verifier: string | undefined
  #discovery: object | undefined
  #page: URL | undefined
  #busy = false
  readonly clientMetadataUrl?: string
  readonly prepareTokenRequest?: (scope?: string) => URLSearchParams

  constructor(server: string, { spec, show }: { readonly spec: LoginSpec; readonly show: ShowLogin }) {
    this.#server = server
    this.#spec = spec
    this.#show = show
    this.#port = spec.redirect_port ?? 0
    this.#client = ownClient(spec)
    if (spec.client_metadata_url !== undefined) this.clientMetadataUrl = spec.client_metadata_url
    if (spec.grant === 'client_credentials')
      this.prepareTokenRequest = (scope) => {
        const asked = spec.scope ?? scope
        return new URLSearchParams({ grant_type: 'client_credentials', ...(asked ? { scope: asked } : {}) })
      }
  }

  get isInteractive(): boolean {
    return this.#spec.grant !== 'client_credentials'
  }

  /** Opens the door for the browser, before anything asks where it is. */
  async prepare(): Promise<void> {
    if (this.#busy || this.#page) return
    // Where the server sends us may have changed since the last time.
    this.#discovery = undefined
    if (!this.isInteractive || this.#loopback) return
    this.#loopback = await Loopback.open(this.#port)
    const { port } = this.#loopback
    // Somebody else has the port that was registered, so the registration is worth nothing.
    if (this.#port !== 0 && port !== this.#port && !this.#spec.client_id) this.#client = undefined
    this.#port = port
  }

  /** Is somebody to log in now? */
  get isWaiting(): boolean {
    return this.#page !== undefined
  }

  /** Shows the page and waits; `finish` is given what came back, its state checked. */
  async complete(finish: (answer: URLSearchParams) => Promise<void>, signal: AbortSignal): Promise<void> {
    const [page, loopback] = [this.#page, this.#loopback]
    const state = page?.searchParams.get('state')
    if (!page || !loopback || !state) throw new WireFailure('mcp_login_needed', `${this.#server} needs a login`)
    this.#page = undefined
    this.#busy = true
    try {
      const answered = loopback.wait(state, { timeout_ms: PATIENCE_MS, signal })
      answered.catch(() => {})
      if (!(await this.#show(page.href, this.#server)))
        throw new WireFailure('mcp_login_needed', `${this.#server} needs a login, and there is nobody to log in`)
      await finish(await answered)
    } finally {
      this.#busy = false
      this.#verifier = undefined
      this.#verifiers.clear()
      this.close()
    }
  }

  close(): void {
    this.#loopback?.close()
    this.#loopback = undefined
  }

  // From here on: what the library calls.

  get redirectUrl(): string | undefined {
    return this.isInteractive ? (this.#loopback?.url ?? `http://127.0.0.1:${this.#port}/callback`) : undefined
  }

  get clientMetadata() {
    const { scope } = this.#spec
    return {
      client_name: 'llm-orchestrator',
      redirect_uris: this.redirectUrl === undefined ? [] : [this.redirectUrl],
      grant_types: this.isInteractive ? ['authorization_code', 'refresh_token'] : ['client_credentials'],
      ...(this.isInteractive ? { response_types: ['code'] } : {}),
      ...(scope === undefined ? {} : { scope }),
    }
  }

  state(): string {
    return randomBytes(32).toString('base64url')
  }

  clientInformation(): Client | undefined {
    return this.#client
  }

  saveClientInformation(client: Client): void {
    // What the user gave is not replaced by what somebody else hands out; only the issuer is noted.
    this.#client = this.#spec.client_id ? { ...client, ...ownClient(this.#spec) } : client
  }

  tokens(): Tokens | undefined {
    return this.#tokens
  }

  saveTokens(tokens: Tokens): void {
    this.#tokens = tokens
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifiers.add(verifier)
  }

  redirectToAuthorization(url: URL): void {
    if (this.#busy || this.#page) return
    const challenge = url.searchParams.get('code_challenge')
    this.#verifier = [...this.#verifiers].find((verifier) => hash('sha256', verifier, 'base64url') === challenge)
    this.#page = url
  }

  codeVerifier(): string {
    if (this.#verifier === undefined) throw new WireFailure('mcp_login_needed', `${this.#server} needs a new login`)
    return this.#verifier
  }

  /** Called before anything is sent to an endpoint: one that lies elsewhere than the issuer is not used. */
  saveDiscoveryState(state: object): void {
    const { authorizationServerMetadata: metadata, authorizationServerUrl } = state as {
      readonly [key: string]: unknown
    }
    const issuer = isRecord(metadata) ? metadata['issuer'] : authorizationServerUrl
    const origins = [issuer, authorizationServerUrl, ...(this.#spec.origins ?? [])].map(originOf)
    for (const key of ['authorization_endpoint', 'token_endpoint', 'registration_endpoint']) {
      const endpoint = isRecord(metadata) ? metadata[key] : undefined
      if (endpoint === undefined) continue
      const origin = originOf(endpoint)
      if (origin === undefined || !origins.includes(origin))
        throw new WireFailure(
          'mcp_login_refused',
          `the ${key} of ${this.#server} is at ${origin ?? 'no web address'}, not at its issuer ${String(originOf(issuer))}`,
        )
    }
    this.#discovery = state
  }

  discoveryState(): object | undefined {
    return this.#discovery
  }

  invalidateCredentials(scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): void {
    if (scope === 'all' || scope === 'client') this.#client = ownClient(this.#spec)
    if (scope === 'all' || scope === 'tokens') this.#tokens = undefined
    if (scope === 'all' || scope === 'verifier') this.#verifier = undefined
    if (scope === 'all' || scope === 'discovery') this.#discovery = undefined
  }
}

function ownClient({ client_id, client_secret, issuer }: LoginSpec): Client | undefined {
  if (client_id === undefined) return undefined
  return {
    client_id,
    ...(client_secret === undefined ? {} : { client_secret }),
    ...(issuer === undefined ? {} : { issuer }),
  }
}

/** `https` and `http` addresses have one that means something; all others are no place to send anyone to. */
function originOf(address: unknown): string | undefined {
  const url = typeof address === 'string' || address instanceof URL ? URL.parse(String(address)) : null
  return url && (url.protocol === 'https:' || url.protocol === 'http:') ? url.origin : undefined
}
