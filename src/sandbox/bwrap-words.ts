import { existsSync, lstatSync, readlinkSync } from 'node:fs'
import type { Guard } from './guards.ts'
import type { Limits } from './sandbox.ts'
import type { View } from './view.ts'

/** The home of a program: its own, empty, gone with it. */
export const HOME = '/work'
export const EGRESS_SOCKET = '/run/egress.sock'
const INSIDE_ID = '1000'

export interface Furniture {
  /** Files made for this run, by their place in the sandbox. */
  readonly files: { readonly [inside: string]: string }
  /** An empty folder to lay over others. */
  readonly empty: string
  /** An empty file to lay over others. */
  readonly nothing: string
  /** A program outside of the system's folders, and what is bound there: the same, or its shadow. */
  readonly program?: { readonly path: string; readonly source: string }
  readonly egress?: string
}

/** What of /etc programs need to start, to tell time and to trust servers. Names and passwords are made up. */
const ETC = [
  'alternatives',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'ssl/certs',
  'ssl/openssl.cnf',
  'ca-certificates',
  'pki',
]
const SYSTEM = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32']

export const MADE_UP: { readonly [inside: string]: string } = {
  '/etc/passwd': `root:x:0:0::/nonexistent:/bin/false\nsandbox:x:${INSIDE_ID}:${INSIDE_ID}::${HOME}:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n`,
  '/etc/group': `root:x:0:\nsandbox:x:${INSIDE_ID}:\nnogroup:x:65534:\n`,
  '/etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
  '/etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
}

/** The words of bubblewrap up to the command: every namespace of its own, no rights, and a root that holds what is named here. */
export function bwrapWords(
  view: View,
  furniture: Furniture,
  { limits, cwd }: { limits: Limits; cwd: string },
): string[] {
  const room = (place: string, bytes: number, mode: string) => [
    '--perms',
    mode,
    '--size',
    String(bytes),
    '--tmpfs',
    place,
  ]
  const groups: readonly (readonly string[])[] = [
    // All but the cgroup's is demanded; that one is refused in some containers and hides no more than names.
    ['--unshare-user', '--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try'],
    ['--disable-userns', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ['--uid', INSIDE_ID, '--gid', INSIDE_ID, '--hostname', 'sandbox'],
    ['--ro-bind', '/usr', '/usr', ...SYSTEM.flatMap(showSystem)],
    ETC.flatMap((name) => ['--ro-bind-try', `/etc/${name}`, `/etc/${name}`]),
    Object.entries(furniture.files).flatMap(([inside, file]) => ['--ro-bind', file, inside]),
    ['--proc', '/proc', '--dev', '/dev', ...room('/dev/shm', limits.disk_bytes, '1777'), '--remount-ro', '/dev'],
    [...room('/tmp', limits.disk_bytes, '1777'), ...room(HOME, limits.disk_bytes, '0700')],
    furniture.egress === undefined ? [] : ['--ro-bind', furniture.egress, EGRESS_SOCKET],
    furniture.program === undefined ? [] : ['--ro-bind', furniture.program.source, furniture.program.path],
    view.binds.flatMap(({ path, source, writable }) => [writable ? '--bind' : '--ro-bind', source, path]),
    view.guards.flatMap((guard) => lay(guard, furniture)),
    ['--remount-ro', '/', '--chdir', cwd],
  ]
  return groups.flat()
}

/** /bin and the like: links into /usr on most systems, folders on older ones. */
function showSystem(name: string): string[] {
  const path = `/${name}`
  if (!existsSync(path)) return []
  return lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]
}

function lay({ path, source, way }: Guard, { empty, nothing }: Furniture): string[] {
  if (way === 'read-only') return ['--ro-bind', source, path]
  // A place where something is mounted cannot be moved.
  if (way === 'fixed') return ['--bind', source, path]
  return ['--ro-bind', way === 'empty-folder' ? empty : nothing, path]
}
