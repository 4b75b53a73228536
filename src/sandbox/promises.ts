import type { TierName } from './tier-name.ts'

/** What programs may try, each the name of one attack of the escape suite. */
export const ATTACK_IDS = [
  'read-home',
  'read-private',
  'write-outside',
  'write-by-link',
  'link-as-result',
  'steer-next-start',
  'read-secrets-file',
  'environment',
  'proc-environment',
  'tcp-loopback',
  'tcp-outside',
  'udp-loopback',
  'udp-outside',
  'dns',
  'unix-socket',
  'abstract-socket',
  'proxy-connect',
  'proxy-request',
  'kill-parent',
  'kill-sibling',
  'ptrace-sibling',
  'fork-bomb',
  'memory',
  'memory-total',
  'endless-loop',
  'output-flood',
  'large-file',
  'many-files',
  'daemon',
  'status',
  'user-namespace',
  'mount',
  'set-id',
  'kernel-calls',
] as const

export type AttackId = (typeof ATTACK_IDS)[number]

const NOT_BWRAP: readonly AttackId[] = ['memory-total']
/** It cannot lay anything over files, count what is written, end processes that hide their mark, or offer a list of hosts. */
const NOT_LANDLOCK: readonly AttackId[] = [
  ...NOT_BWRAP,
  'many-files',
  'daemon',
  'steer-next-start',
  'read-secrets-file',
  'proxy-connect',
  'proxy-request',
]

/** What each tier says it holds. `sandbox check` tries all of it. */
export const PROMISES: { readonly [T in TierName]: readonly AttackId[] } = {
  process: ['link-as-result', 'environment', 'endless-loop', 'output-flood'],
  landlock: ATTACK_IDS.filter((id) => !NOT_LANDLOCK.includes(id)),
  bwrap: ATTACK_IDS.filter((id) => !NOT_BWRAP.includes(id)),
  srt: [],
  container: [],
  gvisor: [],
}
