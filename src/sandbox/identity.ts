import { lstat, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Whom a sandboxed program is for the rest of the system. */
export interface Identity {
  readonly uid: number
  readonly gid: number
}

/** The range that system managers use for users who own nothing; a run of ours takes the next number in it. */
const FIRST = 61_200
const COUNT = 4_000
let taken = process.pid

/** A user of its own for each program when we are root, who never enters a sandbox; undefined: it runs as whoever we are. */
export function takeIdentity(): Identity | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = FIRST + (taken++ % COUNT)
  return { uid: id, gid: id }
}

/** Such a user; or the owner of the first folder that is written to, unless that is root. */
export async function chooseIdentity(written: readonly string[]): Promise<Identity | undefined> {
  const own = takeIdentity()
  if (!own || written[0] === undefined) return own
  const info = await stat(written[0]).catch(() => undefined)
  return info && info.uid !== 0 && info.gid !== 0 ? { uid: info.uid, gid: info.gid } : own
}

/** Words before a command that make it that user's, with no right left to become anybody else. */
export function becomeWords(identity: Identity | undefined, setpriv: string): readonly string[] {
  if (!identity) return []
  return [
    setpriv,
    `--reuid=${identity.uid}`,
    `--regid=${identity.gid}`,
    '--clear-groups',
    '--inh-caps=-all',
    '--no-new-privs',
  ]
}

const READ = 0o4
const WRITE = 0o2
const ENTER = 0o1

/** The first place on the way to `path` that this user cannot pass; undefined when it can be reached and used as wanted. */
export async function findClosed(path: string, want: 'read' | 'write', who: Identity): Promise<string | undefined> {
  const info = await stat(path)
  const bits = info.isDirectory() ? READ | ENTER : READ
  if (!mayUse(info, who, want === 'write' ? bits | WRITE : bits)) return path
  for (let at = dirname(path); ; at = dirname(at)) {
    if (!mayUse(await lstat(at), who, ENTER)) return at
    if (at === dirname(at)) return undefined
  }
}

function mayUse(
  info: { readonly mode: number; readonly uid: number; readonly gid: number },
  who: Identity,
  bits: number,
): boolean {
  const shift = info.uid === who.uid ? 6 : info.gid === who.gid ? 3 : 0
  return ((info.mode >> shift) & bits) === bits
}
