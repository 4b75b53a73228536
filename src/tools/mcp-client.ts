import type {
  Client,
  ClientOptions,
  OAuthClientProvider,
  StreamableHTTPClientTransport,
  Transport,
} from '@modelcontextprotocol/client'
import type { Json, JsonObject } from '../events/values.ts'
import type { McpTool } from './mcp/definition.ts'
import { type AskPerson, createElicitation } from './mcp/elicitation.ts'
import { GuardedWire, type Listing, UNREADABLE } from './mcp/guard.ts'
import { createServerFetch } from './mcp/http-fetch.ts'
import { Login, type LoginSpec, type ShowLogin } from './mcp/login.ts'
import { Patience } from './mcp/patience.ts'
import { readResult } from './mcp/result.ts'
import { type StdioTarget, StdioWire } from './mcp/stdio-wire.ts'
import { cleanText } from './mcp/text.ts'
import { type Wire, WireFailure } from './mcp/wire.ts'
import type { ToolOutcome } from './tool.ts'

export interface HttpTarget {
  readonly url: URL
  readonly headers: { readonly [name: string]: string }
  /** False: a server that wants a login is told that there is none. */
  readonly login: LoginSpec | false
}

/** A server to be connected with: a program of this machine, or an address. */
export interface McpTarget {
  /** As the user calls it. */
  readonly name: string
  readonly to: StdioTarget | HttpTarget
  /** For one answer, progress starts it anew; ms. */
  readonly timeout_ms?: number
}

/** What a connection may ask of the program around it. */
export interface McpHost {
  readonly version: string
  /** Without it servers are told that they cannot ask anybody. */
  readonly askPerson?: AskPerson | undefined
  readonly showLogin: ShowLogin
  /** What keeps a value from following a schema. */
  mismatches(schema: JsonObject, value: Json): readonly string[]
  /** Something that a person should know of. */
  note(text: string): void
}

export interface CallMeans {
  readonly signal: AbortSignal
  readonly idempotency_key?: string
  progress(text: string): void
}

/** One open connection. Nothing throws but `listTools`, with a WireFailure. */
export interface McpConnection {
  /** `modern`: 2026-07-28 and later, without sessions. */
  readonly era: 'modern' | 'legacy'
  readonly protocol: string
  readonly server: { readonly name: string; readonly version: string } | undefined
  /** False once it broke; a new one has to be made. */
  readonly isOpen: boolean
  /** Fires when the server says that its tools have changed. */
  listTools(signal: AbortSignal): Promise<Listing>
  callTool(tool: McpTool, args: JsonObject, means: CallMeans): Promise<ToolOutcome>
  close(): Promise<void>
}

const USUAL_TIMEOUT_MS = 60_000
/** An older server on a pipe may stay silent when it is asked what it speaks. */
const PROBE_MS = 5000
/** However much progress is told, a call ends after this many times its limit. */
const PATIENCE = 30
const LOGIN_ROUNDS = 3
/** Longer than any call: its time is kept by `Patience`. The most that a timer counts; ms. */
const NEVER_MS = 2 ** 31 - 1
const IDEMPOTENCY_META = 'llm-orchestrator.dev/idempotency-key'

type Library = typeof import('@modelcontextprotocol/client')

/** Connects, finding out which era of the protocol the server speaks. Throws WireFailure. */
export async function connectMcp(target: McpTarget, host: McpHost, signal: AbortSignal): Promise<McpConnection> {
  const library = await import('@modelcontextprotocol/client')
  const open = { target, host, library, signal, patience: new Patience() }
  if ('url' in target.to) {
    const { login } = target.to
    return openHttp({ ...open, login: login && new Login(target.name, { spec: login, show: host.showLogin }) })
  }
  try {
    return await openStdio(open, 'auto')
  } catch (error) {
    // Some older servers end themselves when the first message is not the one they know.
    if (!(error instanceof WireFailure) || error.code !== 'mcp_unreachable' || signal.aborted) throw error
    return openStdio(open, 'legacy')
  }
}

interface Opening {
  readonly target: McpTarget
  readonly host: McpHost
  readonly library: Library
  readonly signal: AbortSignal
  readonly patience: Patience
}

async function openStdio(opening: Opening, mode: 'auto' | 'legacy'): Promise<McpConnection> {
  const inner = new StdioWire(opening.target.to as StdioTarget)
  const wire = new GuardedWire(inner)
  const client = createClient(opening, mode)
  try {
    await connect(client, wire, opening)
  } catch (error) {
    await inner.close()
    const failure = inner.failure ?? wire.failure ?? toFailure(error, opening.target.name)
    const words = cleanText(inner.lastWords.trim().slice(-500), 500)
    throw words === '' ? failure : new WireFailure(failure.code, `${failure.message}; it said: ${words}`)
  }
  return new Connection({ ...opening, client, wire, failed: () => inner.failure ?? wire.failure })
}

async function openHttp(opening: Opening & { readonly login: Login | false }): Promise<McpConnection> {
  const { target, library, login, signal } = opening
  const { url, headers } = target.to as HttpTarget
  for (let round = 1; ; round += 1) {
    const hooks = {
      beforeLogin: async () => (login ? login.prepare() : undefined),
      onFlood: (failure: WireFailure) => wire.breakOff(failure),
    }
    const transport = new library.StreamableHTTPClientTransport(url, {
      fetch: createServerFetch(url, hooks) as typeof fetch,
      requestInit: { headers },
      ...(login ? { authProvider: login as unknown as OAuthClientProvider } : {}),
    })
    const wire: GuardedWire = new GuardedWire(transport as unknown as Wire)
    const client = createClient(opening, 'auto')
    const complete = login && (() => login.complete((answer) => transport.finishAuth(answer), signal))
    try {
      await connect(client, wire, opening)
      return new Connection({ ...opening, client, wire, failed: () => wire.failure, transport, login })
    } catch (error) {
      try {
        if (!complete || !login.isWaiting || round > LOGIN_ROUNDS) throw wire.failure ?? toFailure(error, target.name)
        await complete()
      } catch (failure) {
        if (login) login.close()
        throw toFailure(failure, target.name)
      } finally {
        await transport.close().catch(() => {})
      }
    }
  }
}

function createClient({ target, host, library, patience }: Opening, mode: 'auto' | 'legacy'): Client {
  const options: ClientOptions = {
    capabilities: host.askPerson ? { elicitation: { form: { applyDefaults: true } } } : {},
    versionNegotiation: { mode, ...('url' in target.to ? {} : { probe: { timeoutMs: PROBE_MS } }) },
    // Results are checked by `readResult` against the tamed schema; the library would compile what the server sent.
    jsonSchemaValidator: {
      getValidator: () => (input: unknown) => ({ valid: true, data: input as never, errorMessage: undefined }),
    },
    listMaxPages: 0,
    inputRequired: { maxRounds: 10 },
  }
  const client = new library.Client({ name: 'llm-orchestrator', version: host.version }, options)
  if (host.askPerson) {
    const answer = createElicitation(target.name, host.askPerson, host.note)
    client.setRequestHandler(
      'elicitation/create',
      async (request, { mcpReq }) => patience.whileAsking(() => answer(request.params, mcpReq.signal)) as never,
    )
  }
  // What goes wrong out of band is of no use to anybody; calls are told their own failures.
  client.onerror = () => {}
  return client
}

async function connect(client: Client, wire: GuardedWire, { target, signal }: Opening): Promise<void> {
  const onAbort = () => void wire.close()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    await client.connect(wire as unknown as Transport, { timeout: target.timeout_ms ?? USUAL_TIMEOUT_MS, signal })
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

interface Parts extends Opening {
  readonly client: Client
  readonly wire: GuardedWire
  readonly transport?: StreamableHTTPClientTransport
  readonly login?: Login | false
  /** Why the connection broke. */
  failed(): WireFailure | undefined
}

class Connection implements McpConnection {
  readonly #parts: Parts
  #listing: Promise<Listing> | undefined
  #isOpen = true

  constructor(parts: Parts) {
    this.#parts = parts
    parts.client.onclose = () => {
      this.#isOpen = false
    }
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get era(): 'modern' | 'legacy' {
    return this.#parts.client.getProtocolEra() ?? 'legacy'
  }

  get protocol(): string {
    return this.#parts.client.getNegotiatedProtocolVersion() ?? ''
  }

  get server(): { readonly name: string; readonly version: string } | undefined {
    const said = this.#parts.client.getServerVersion()
    return said && { name: cleanText(said.name, 200), version: cleanText(said.version, 100) }
  }

  /** Always asks: what a server says of its tools may change without a word. Those who ask at the same time share one answer. */
  listTools(signal: AbortSignal): Promise<Listing> {
    this.#listing ??= this.#list(signal).finally(() => {
      this.#listing = undefined
    })
    return this.#listing
  }

  async #list(signal: AbortSignal): Promise<Listing> {
    const { client, wire, target } = this.#parts
    if (!client.getServerCapabilities()?.tools) return { tools: new Map(), refused: [] }
    try {
      const options = { signal, timeout: target.timeout_ms ?? USUAL_TIMEOUT_MS, cacheMode: 'refresh' as const }
      const { tools } = await this.#withLogin(() => client.listTools(undefined, options), signal)
      return chooseOffered(wire.listing, new Set(tools.map(({ name }) => name)))
    } catch (error) {
      throw this.#parts.failed() ?? toFailure(error, target.name)
    }
  }

  async callTool(tool: McpTool, args: JsonObject, means: CallMeans): Promise<ToolOutcome> {
    const { client, target, host, library, patience } = this.#parts
    const silent_ms = target.timeout_ms ?? USUAL_TIMEOUT_MS
    const key = means.idempotency_key
    const params = { name: tool.name, arguments: args, ...(key ? { _meta: { [IDEMPOTENCY_META]: key } } : {}) }
    const time = patience.begin({ silent_ms, total_ms: silent_ms * PATIENCE })
    const options = {
      signal: AbortSignal.any([means.signal, time.signal]),
      timeout: NEVER_MS,
      onprogress: (progress: { progress: number; total?: number | undefined; message?: string | undefined }) => {
        time.renew()
        means.progress(describeProgress(progress))
      },
    }
    try {
      const result = await this.#withLogin(() => client.callTool(params, options), means.signal)
      return readResult(result, (value) => (tool.output_schema ? host.mismatches(tool.output_schema, value) : []))
    } catch (error) {
      if (means.signal.aborted)
        return { ok: false, code: 'aborted', message: 'the call was stopped from our side', touched: 'maybe' }
      if (time.signal.aborted)
        return { ok: false, code: 'mcp_timeout', message: `${target.name} did not answer in time`, touched: 'maybe' }
      return describeFailure(this.#parts.failed() ?? error, library, target.name)
    } finally {
      time.end()
    }
  }

  async close(): Promise<void> {
    this.#isOpen = false
    const { client, transport, login } = this.#parts
    if (transport?.sessionId !== undefined) await settle(transport.terminateSession(), 1000)
    await client.close().catch(() => {})
    if (login) login.close()
  }

  /** A server may ask for a login, or for more rights, at any call; what it refused so was not done. */
  async #withLogin<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { login, transport, patience } = this.#parts
    for (let round = 1; ; round += 1) {
      try {
        return await task()
      } catch (error) {
        if (!login || !transport || !login.isWaiting || round > LOGIN_ROUNDS) throw error
        await patience.whileAsking(() => login.complete((answer) => transport.finishAuth(answer), signal))
      }
    }
  }
}

/** What the guard let through and the library did not leave out. */
function chooseOffered({ tools, refused }: Listing, offered: ReadonlySet<string>): Listing {
  const left = [...tools.keys()].filter((name) => !offered.has(name))
  return {
    tools: new Map([...tools].filter(([name]) => offered.has(name))),
    refused: [...refused, ...left.map((name) => ({ name, reason: 'it wants headers in a way that is not allowed' }))],
  }
}

function describeProgress({
  progress,
  total,
  message,
}: {
  progress: number
  total?: number | undefined
  message?: string | undefined
}) {
  const share = total === undefined ? `${progress}` : `${progress}/${total}`
  return message === undefined ? `${share}\n` : `${share} ${cleanText(message, 500)}\n`
}

/** Failures of a call, and whether the tool may have run. */
function describeFailure(
  error: unknown,
  { ProtocolError, SdkError, SdkErrorCode }: Library,
  server: string,
): ToolOutcome {
  const told = (code: string, message: string, touched: 'no' | 'maybe'): ToolOutcome => {
    const detail = error instanceof Error ? cleanText(error.message, 2000) : ''
    // Nothing was sent: the next try finds a new connection.
    const retry = touched === 'no' && code === 'mcp_unreachable'
    return { ok: false, code, message, touched, retry, ...(detail === '' ? {} : { detail }) }
  }
  if (error instanceof WireFailure)
    return told(error.code, `${server}: ${error.message}`, isBefore(error) ? 'no' : 'maybe')
  if (error instanceof ProtocolError && error.code === UNREADABLE)
    return told('mcp_protocol', `${server} answered with something that cannot be read`, 'maybe')
  if (error instanceof SdkError && error.code === SdkErrorCode.InvalidResult)
    return told('mcp_protocol', `${server} answered with something that is no result`, 'maybe')
  if (error instanceof ProtocolError)
    return told('mcp_error', `${server} answered with the error ${error.code}`, 'maybe')
  if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout)
    return told('mcp_timeout', `${server} did not answer in time`, 'maybe')
  if (error instanceof SdkError && error.code === SdkErrorCode.NotConnected)
    return told('mcp_unreachable', `${server} is not connected`, 'no')
  if (isRefused(error)) return told('mcp_login_needed', `${server} refused the call for want of a login`, 'no')
  return told('mcp_unreachable', `the connection with ${server} broke`, 'maybe')
}

function isBefore({ code }: WireFailure): boolean {
  return code === 'mcp_login_needed' || code === 'mcp_login_refused'
}

function isRefused(error: unknown): boolean {
  const status = (error as { data?: { status?: number } }).data?.status
  return status === 401 || status === 403 || (error instanceof Error && error.name === 'UnauthorizedError')
}

function toFailure(error: unknown, server: string): WireFailure {
  if (error instanceof WireFailure) return error
  const cause = error instanceof Error && error.cause instanceof WireFailure ? error.cause : undefined
  if (cause) return cause
  const words = error instanceof Error ? cleanText(error.message, 500) : String(error)
  if (isRefused(error)) return new WireFailure('mcp_login_needed', `${server} wants a login: ${words}`)
  const name = error instanceof Error ? error.name : ''
  if (
    name === 'IssuerMismatchError' ||
    name === 'AuthorizationServerMismatchError' ||
    name === 'InsecureTokenEndpointError'
  )
    return new WireFailure('mcp_login_refused', `the login of ${server} is not safe: ${words}`)
  return new WireFailure('mcp_unreachable', `${server} cannot be reached: ${words}`)
}

async function settle(task: Promise<unknown>, within_ms: number): Promise<void> {
  const timer = Promise.withResolvers<void>()
  const clock = setTimeout(timer.resolve, within_ms)
  await Promise.race([task.catch(() => {}), timer.promise])
  clearTimeout(clock)
}
