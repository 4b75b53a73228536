import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { type DialedAddress, refuseUrl, resolveAddress } from '../address.ts'
import type { ToolOutcome } from '../tool.ts'
import { type Builtin, type BuiltinPorts, failBuiltin, objectSchema } from './builtin.ts'

const MAX_BYTES = 4 * 1024 * 1024
const MAX_CHARACTERS = 50_000
const TIMEOUT_MS = 30_000
const MAX_REDIRECTS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** What decides where a request goes and how it is framed is ours. */
const OUR_HEADERS =
  /^(?:host|connection|content-length|transfer-encoding|upgrade|te|trailer|expect|accept-encoding|keep-alive|proxy-.*)$/i

export const httpFetchTool: Builtin = {
  name: 'http_fetch',
  version: '1.0.0',
  description:
    'Fetches a page or file of text from the web with GET or HEAD. A redirect to another host is answered as it is: fetch its location if you want it. Content beyond 50000 characters is left out.',
  input_schema: objectSchema(
    {
      url: { type: 'string', maxLength: 4000 },
      method: { enum: ['GET', 'HEAD'], description: 'Usually GET.' },
      headers: {
        type: 'object',
        additionalProperties: { type: 'string', maxLength: 4000 },
        maxProperties: 20,
        description: 'Request headers. With any of them no redirect is followed.',
      },
    },
    ['url'],
  ),
  output_schema: objectSchema(
    {
      url: { type: 'string' },
      status: { type: 'integer' },
      type: { type: 'string' },
      location: { type: 'string' },
      content: { type: 'string' },
      truncated: { type: 'boolean' },
    },
    ['url', 'status', 'type', 'content', 'truncated'],
  ),
  safety: 'idempotent',
  permissions: { hosts: ['*'] },
  outside: true,
  async run(args, { signal }, ports) {
    const { url: text, method = 'GET', headers = {} } = args as unknown as Wanted
    const url = URL.parse(text)
    if (!url) return failBuiltin('bad_input', 'the url is no address')
    const ours = Object.keys(headers).find((name) => OUR_HEADERS.test(name))
    if (ours !== undefined) return failBuiltin('bad_input', `the header ${ours} cannot be chosen`)
    const redirects = Object.keys(headers).length > 0 ? 0 : MAX_REDIRECTS
    const limited = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
    const outcome = await follow(url, { method, headers, redirects, signal: limited }, ports)
    if (outcome.ok || !limited.aborted) return outcome
    return signal.aborted
      ? failBuiltin('aborted', 'the request was stopped')
      : failBuiltin('fetch_failed', `${url.host} did not answer within ${TIMEOUT_MS} ms`)
  },
}

interface Wanted {
  readonly url: string
  readonly method?: string
  readonly headers?: { readonly [name: string]: string }
}

interface Manner {
  readonly method: string
  readonly headers: { readonly [name: string]: string }
  readonly redirects: number
  readonly signal: AbortSignal
}

/** Goes where the same host sends us: policy has decided on that host and on no other. */
async function follow(start: URL, manner: Manner, ports: BuiltinPorts): Promise<ToolOutcome> {
  let url = start
  for (let hop = 0; ; hop++) {
    const refused = refuseUrl(url)
    if (refused !== undefined) return failBuiltin('address_refused', `the address is refused: ${refused}`)
    const dialed = await resolveAddress(url, ports)
    if (!dialed.ok) return failBuiltin(dialed.code, dialed.message)
    const reply = await exchange(url, dialed, manner).catch((error: unknown) => describeFault(url, error))
    if ('ok' in reply) return reply
    const next =
      REDIRECTS.has(reply.status) && reply.location !== undefined ? URL.parse(reply.location, url.href) : null
    if (!next || !isSameHost(next, url) || hop >= manner.redirects) return describeReply(url, reply, next)
    url = next
  }
}

/** The same host, and not from https back to http. */
function isSameHost(next: URL, from: URL): boolean {
  if (next.host === from.host) return next.protocol === from.protocol
  return next.hostname === from.hostname && from.protocol === 'http:' && next.protocol === 'https:' && next.port === ''
}

interface Reply {
  readonly status: number
  readonly type: string
  readonly location: string | undefined
  readonly encoded: boolean
  readonly bytes: Uint8Array
  readonly truncated: boolean
}

function exchange(url: URL, { address, family }: DialedAddress & { ok: true }, manner: Manner): Promise<Reply> {
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const asked = send(url, {
      method: manner.method,
      headers: { 'user-agent': 'llm-orchestrator', accept: '*/*', ...manner.headers, 'accept-encoding': 'identity' },
      agent: false,
      // The address that was judged is dialled; names are not asked for again.
      lookup: (_host, options, done) => (options.all ? done(null, [{ address, family }]) : done(null, address, family)),
      maxHeaderSize: 16_384,
      signal: manner.signal,
    })
    asked.once('error', reject)
    asked.once('response', (response) => void readReply(response).then(resolve, reject))
    asked.end()
  })
}

async function readReply(response: IncomingMessage): Promise<Reply> {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity', location } = response.headers
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    // Leaving the loop ends the connection.
    if (bytes > MAX_BYTES) break
  }
  const whole = Buffer.concat(chunks).subarray(0, MAX_BYTES)
  const encoded = encoding.toLowerCase() !== 'identity'
  return { status: response.statusCode ?? 0, type, location, encoded, bytes: whole, truncated: bytes > MAX_BYTES }
}

function describeReply(url: URL, reply: Reply, next: URL | null): ToolOutcome {
  const content = reply.encoded ? undefined : decode(reply)
  if (content === undefined) {
    const what = reply.encoded ? 'is compressed although that was not asked for' : 'is not text'
    return { ok: false, code: 'fetch_failed', message: `what ${url.host} sent ${what}`, touched: 'yes' }
  }
  return {
    ok: true,
    output: {
      url: url.href,
      status: reply.status,
      type: reply.type,
      ...(next ? { location: next.href } : {}),
      content: content.slice(0, MAX_CHARACTERS).toWellFormed(),
      truncated: reply.truncated || content.length > MAX_CHARACTERS,
    },
  }
}

/** Undefined for what is no text. */
function decode({ bytes, type }: Reply): string | undefined {
  if (bytes.length === 0) return ''
  const [, charset = 'utf-8'] = /charset\s*=\s*"?([\w.:-]+)/i.exec(type) ?? []
  if (/^(?:image|audio|video|font)\//i.test(type) || bytes.subarray(0, 8192).includes(0)) return undefined
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return new TextDecoder().decode(bytes)
  }
}

/** The request may have arrived. */
function describeFault(url: URL, error: unknown): Extract<ToolOutcome, { readonly ok: false }> {
  if (!(error instanceof Error)) throw error
  const { code } = error as NodeJS.ErrnoException
  const unreached = /^(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ERR_INVALID.*|ERR_UNESCAPED.*)$/.test(code ?? '')
  const message = `${url.host} could not be asked${code === undefined ? '' : ` (${code})`}`
  return { ok: false, code: 'fetch_failed', message, touched: unreached ? 'no' : 'maybe' }
}
