import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { isPublicAddress } from '../sandbox/egress-rules.ts'

export type DialedAddress =
  | { readonly ok: true; readonly address: string; readonly family: 4 | 6 }
  | { readonly ok: false; readonly code: 'address_refused' | 'fetch_failed'; readonly message: string }

export interface AddressRules {
  /** Hosts that may be private, as in an address: `host` or `host:port`. */
  readonly private_hosts: readonly string[]
  resolve?(host: string): Promise<readonly string[]>
}

/** Why an address is none that a tool may ask; undefined when it may, as far as its text tells. */
export function refuseUrl(url: URL): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'only http and https are spoken'
  if (url.username !== '' || url.password !== '') return 'a name or a password stands in it'
  if (url.port === '0') return 'there is no port 0'
  return url.hostname === '' ? 'it has no host' : undefined
}

/**
 * Resolves a host once, to the address that is then dialled: nothing can change between the look and the call. One private, local or
 * link-local address among several is enough to refuse, unless somebody named the host as one that may be.
 */
export async function resolveAddress(
  url: URL,
  { private_hosts, resolve = askSystem }: AddressRules,
): Promise<DialedAddress> {
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  const addresses = isIP(host) === 0 ? await resolve(host).catch(() => []) : [host]
  const [address] = addresses
  if (address === undefined || isIP(address) === 0)
    return { ok: false, code: 'fetch_failed', message: `the host ${url.host} is not known` }
  if (!private_hosts.includes(url.host) && !addresses.every(isPublicAddress)) {
    const message = `${url.host} is not of the open internet`
    return { ok: false, code: 'address_refused', message }
  }
  return { ok: true, address, family: isIP(address) as 4 | 6 }
}

async function askSystem(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address)
}
