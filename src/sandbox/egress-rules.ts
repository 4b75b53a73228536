import { BlockList, isIP } from 'node:net'

/** One connection that a sandboxed program asked for. */
export interface EgressDecision {
  readonly method: 'CONNECT' | 'HTTP'
  /** As it was decided on: in lower case, without a trailing dot; what was sent when that was no host name. */
  readonly host: string
  readonly port: number
  readonly allowed: boolean
  readonly reason: string
  /** The address that was dialled. */
  readonly address?: string
}

export interface HostRule {
  /** Without the `*.`. */
  readonly host: string
  /** `*.host` stands for everything below the host, not for the host itself. */
  readonly below: boolean
  readonly port?: number
}

const NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?)*$/
const WEB_PORTS: readonly number[] = [80, 443]

/** Lower case, no trailing dot; undefined for whatever is no plain host name (addresses too: names are what is allowed). */
export function normaliseHost(text: string): string | undefined {
  const host = text.toLowerCase().replace(/\.$/, '')
  // A last label of digits alone would be read as an address by some resolvers, in hexadecimal and octal too.
  const last = host.slice(host.lastIndexOf('.') + 1)
  return NAME.test(host) && isIP(host) === 0 && !/^(?:\d+|0x[0-9a-f]*)$/.test(last) ? host : undefined
}

/** `host`, `host:port`, `*.host`, `*.host:port`; undefined when it is none of these. */
export function readHostRule(text: string): HostRule | undefined {
  const [, star, name = '', port] = /^(\*\.)?([^:/@]+?)(?::(\d{1,5}))?$/.exec(text.trim()) ?? []
  const host = normaliseHost(name)
  const number = port === undefined ? undefined : Number(port)
  if (host === undefined || (number !== undefined && (number < 1 || number > 65_535))) return undefined
  return { host, below: star !== undefined, ...(number === undefined ? {} : { port: number }) }
}

/** Without a port a rule opens the web's two. Both sides are normalised; equality only, so no suffix is ever enough. */
export function allows(rules: readonly HostRule[], host: string, port: number): boolean {
  return rules.some(
    (rule) =>
      (rule.below ? host.endsWith(`.${rule.host}`) : host === rule.host) &&
      (rule.port === undefined ? WEB_PORTS.includes(port) : rule.port === port),
  )
}

const inside = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Link-local, with the addresses where clouds keep the keys of a machine.
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  inside.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of [
  ['::', 96],
  // Addresses of the older kind in other clothes: translated and tunnelled.
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2001::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  inside.addSubnet(network, prefix, 'ipv6')

/** Is it an address of the open internet? Private, loopback, link-local and metadata addresses are not. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !inside.check(address, 'ipv4')
  if (family !== 6 || address.includes('%')) return false
  const [, tail] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? []
  if (tail !== undefined) return isPublicAddress(tail)
  return !inside.check(address, 'ipv6') && !/^::ffff:/i.test(address)
}
