import { constants } from 'node:fs'
import { access, open, realpath } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import { findClosed, type Identity } from './identity.ts'

/** Where every sandbox finds the system's own programs. */
export const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'
const SYSTEM = /^\/(?:usr|bin|sbin|lib|lib64)\//

export interface FoundProgram {
  /** What to start. */
  readonly path: string
  /** A file outside of the system's folders that has to be shown to it. */
  readonly extra?: string
  /** The user inside may not reach `extra` where it is: it has to be shown from elsewhere. */
  readonly closed?: true
}

/** The first executable file of this name on a path; default: ours, then the system's. Undefined when there is none. */
export async function findOnPath(name: string, path?: string): Promise<string | undefined> {
  if (isAbsolute(name)) return (await isExecutable(name)) ? name : undefined
  if (name.includes('/') || name === '') return undefined
  for (const folder of path === undefined ? usualFolders() : path.split(delimiter)) {
    const candidate = join(folder, name)
    if (isAbsolute(folder) && (await isExecutable(candidate))) return candidate
  }
  return undefined
}

function usualFolders(): readonly string[] {
  return [...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_PATH.split(':')]
}

/**
 * A program that works where only the system's folders are seen: one of them, or a single binary elsewhere. What only starts others
 * (the shims of version managers) is passed over, and so is what the user inside may not read, unless a closed one will do and there is
 * no other.
 */
export async function findForSandbox(
  name: string,
  who: Identity | undefined,
  { closed = false }: { readonly closed?: boolean } = {},
): Promise<FoundProgram | undefined> {
  let last: FoundProgram | undefined
  const folders = isAbsolute(name) ? [''] : usualFolders()
  if (!isAbsolute(name) && name.includes('/')) return undefined
  for (const folder of folders) {
    const candidate = folder === '' ? name : join(folder, name)
    if (!isAbsolute(candidate) || !(await isExecutable(candidate))) continue
    const real = await realpath(candidate)
    if (SYSTEM.test(candidate) && SYSTEM.test(real)) return { path: candidate }
    if (!(await isBinary(real))) continue
    if (!who || (await findClosed(real, 'read', who)) === undefined) return { path: real, extra: real }
    if (closed) last ??= { path: real, extra: real, closed }
  }
  return last
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

const ELF = Buffer.from([0x7f, 0x45, 0x4c, 0x46])

async function isBinary(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => undefined)
  if (!file) return false
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return bytesRead === 4 && buffer.equals(ELF)
  } finally {
    await file.close()
  }
}
