import { hostname, networkInterfaces } from 'node:os'
import { OrcError } from '../../events/errors.ts'

const MOST_HEADERS = 200
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::', '[::]'])

/** Under which names the server may be asked, and by whose pages. */
export interface Guarded {
  /** As `Host` may name it: `NAME` at the server's own port, `NAME:PORT`, or `NAME:*`. */
  readonly hosts: readonly string[]
  readonly port?: number | undefined
  /** Origins of pages that may ask, beside the server's own. */
  readonly origins: readonly string[]
}

/** What the user's settings say of it. */
export interface GuardSettings {
  readonly allowed_hosts?: readonly string[] | undefined
  readonly cors?: readonly string[] | undefined
  readonly public_url?: string | undefined
}

/** `port`: the one that it listens at. */
export function guardsOf(
  address: { readonly host: string; readonly port?: number | undefined },
  { allowed_hosts = [], cors = [], public_url }: GuardSettings = {},
): Guarded {
  const own = isLoopback(address.host) ? [] : WILDCARDS.has(address.host) ? machineNames() : [bracket(address.host)]
  const place = public_url === undefined ? undefined : new URL(public_url)
  const hosts = [...LOOPBACK, ...own, ...allowed_hosts, ...(place ? [`${place.hostname}:*`] : [])]
  return {
    hosts: hosts.map((name) => name.toLowerCase()),
    port: address.port,
    origins: [...cors, ...(place ? [place.origin] : [])],
  }
}

/** Throws OrcError `bind_refused`: without access control nobody from elsewhere may reach the server. */
export function guardAddress(host: string, access: { readonly configured: boolean }): void {
  if (isLoopback(host) || access.configured) return
  throw new OrcError({
    code: 'bind_refused',
    message: `listening at ${host} would open this server to other machines, and it asks nobody for a key`,
    hint: 'Make a key first: llm-orc keys create NAME; or leave --host out; the default is 127.0.0.1.',
  })
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** Whether a `Host` header is one name or address, with a port or without. */
export function isHostForm(host: string): boolean {
  return splitHost(host) !== undefined
}

/** Whether a `Host` header names this machine as itself. */
export function isLocalName(host: string | undefined): boolean {
  const { name } = splitHost(host ?? null) ?? {}
  return name !== undefined && LOOPBACK.includes(name)
}

/**
 * Throws OrcError `host_refused` for what a web page elsewhere could send: a name that was made to point here (DNS rebinding), or
 * an origin that is not ours (forms, WebSockets). Programs send no origin.
 */
export function guardRequest(request: Request, guarded: Guarded): void {
  const host = request.headers.get('host')
  if (!isServed(host, guarded)) throw refused(`the host ${JSON.stringify(host ?? '')} is not served here`)
  const origin = request.headers.get('origin')
  if (origin !== null && origin !== `http://${host}` && !guarded.origins.includes(origin))
    throw refused(`the origin ${JSON.stringify(origin)} may not ask here`)
  // A browser says so itself, also where it sends no origin. Of the same site are pages at other ports of this machine.
  const site = request.headers.get('sec-fetch-site')
  if (origin === null && (site === 'cross-site' || site === 'same-site'))
    throw refused('a page of another origin may not ask here')
}

/** Counts them as they came, with repetitions. Throws OrcError `headers_too_many`. */
export function guardHeaders(rawHeaders: readonly string[] | undefined): void {
  if ((rawHeaders?.length ?? 0) / 2 <= MOST_HEADERS) return
  throw new OrcError({ code: 'headers_too_many', message: `a request may have at most ${MOST_HEADERS} headers` })
}

function isServed(host: string | null, { hosts, port: own }: Guarded): boolean {
  const { name, port } = splitHost(host) ?? {}
  if (name === undefined) return false
  if (hosts.includes(`${name}:*`) || (port !== undefined && hosts.includes(`${name}:${port}`))) return true
  return hosts.includes(name) && (port === undefined || own === undefined || Number(port) === own)
}

function splitHost(host: string | null): { readonly name: string; readonly port: string | undefined } | undefined {
  const [, name, port] = /^(\[[\da-f:.]+\]|[^:[\]@/\\?#,\s]+)(?::(\d{1,5}))?$/i.exec(host ?? '') ?? []
  return name === undefined ? undefined : { name: name.toLowerCase(), port }
}

/** Where it listens at all addresses, it has all the names of its machine. */
function machineNames(): readonly string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return [hostname(), ...addresses.map(({ address }) => bracket(address.replace(/%.*$/, '')))]
}

function bracket(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}

function refused(message: string): OrcError {
  const hint =
    'Ask by the address the server printed, from a page of the same address; others are named under `serve` in the settings.'
  return new OrcError({ code: 'host_refused', message, hint })
}
