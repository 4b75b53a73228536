import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { isSecretName } from '../sandbox/secret-name.ts'
import type { ToolOutcome } from './tool.ts'

/** Where a built-in tool may go: its working folder, and what was opened to it by name. All absolute. */
export interface Fence {
  readonly cwd: string
  readonly more: readonly string[]
  /** Changing a file is less often allowed than reading it. */
  readonly purpose: 'read' | 'write'
  /** Settings, keys and journals of this program: only what `more` names in them, or whole, is open. Absolute. */
  readonly closed?: readonly string[]
}

export type Refused = Extract<ToolOutcome, { readonly ok: false }>

/** A place inside the fence, without links on the way to it. */
export interface Place {
  readonly ok: true
  readonly real: string
  /** As it is told: from the working folder on, with `/`; the real path where it lies elsewhere. */
  readonly shown: string
  /** The folder it would lie in is not there yet. */
  readonly homeless: boolean
  /** What below it stays closed, without links. */
  readonly closed?: readonly string[]
}

const LONGEST = 4096
/** What decides about tools, and what others run, is not changed by a tool. */
const GUARDED = new Set(['.git', '.llm-orc'])

/**
 * Finds a path inside the fence: links are resolved first, so none leads out of it. What is not there yet is found by the folder it
 * would lie in. A hard link is the file itself and lies where it lies.
 */
export async function findPlace(path: string, fence: Fence): Promise<Place | Refused> {
  if (path === '' || path.length > LONGEST || /\p{Cc}/u.test(path)) return refusePath(path, 'is no path')
  const wanted = resolve(fence.cwd, path)
  const roots = (await Promise.all([fence.cwd, ...fence.more].map(real))).filter((root) => root !== undefined)
  const found = await resolveAsFar(wanted)
  if (!found) return refusePath(path, 'is a link that leads nowhere')
  const closed = await Promise.all((fence.closed ?? []).map(async (each) => (await resolveAsFar(each))?.real ?? each))
  const governed = closed.filter((each) => isBelow(found.real, each))
  // A folder around what is closed opens nothing of it.
  const opens = (folder: string) => isBelow(found.real, folder) && governed.every((each) => isBelow(folder, each))
  const root = roots.find((folder, at) => opens(folder) && (at > 0 || governed.length === 0))
  if (root === undefined) {
    if (governed.length > 0)
      return refusePath(
        path,
        'belongs to what governs this program: only a rule of your own policy that names it opens it',
      )
    const link = roots.some((folder) => isBelow(wanted, folder))
    return refusePath(path, link ? 'leads out of the project by a link' : 'lies outside of the project')
  }
  const own = relative(root, found.real)
  const parts = own.split(sep)
  if (fence.purpose === 'write' && parts.some((part) => GUARDED.has(part.toLowerCase())))
    return refusePath(path, 'holds what governs tools or is run by others')
  if (isSecretName(parts.at(-1) as string)) return refusePath(path, 'holds secrets')
  const shown = root === roots[0] ? (own === '' ? '.' : parts.join('/')) : found.real
  const below = closed.filter((each) => isBelow(each, found.real) && !governed.includes(each))
  return {
    ok: true,
    real: found.real,
    shown,
    homeless: found.missing > 1,
    ...(below.length > 0 ? { closed: below } : {}),
  }
}

/** The open file at a place. Where it really lies is looked at again once it is open: nobody can swap a folder in between. */
export async function openPlace(place: Place): Promise<FileHandle | Refused> {
  try {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    const handle = await open(place.real, constants.O_RDONLY | constants.O_NOFOLLOW | (constants.O_NONBLOCK ?? 0))
    if ((await whereIs(handle, place.real)) === place.real) return handle
    await handle.close()
    return refusePath(place.shown, 'was swapped while it was opened')
  } catch (error) {
    return describeError(place.shown, error)
  }
}

export interface OpenFolder {
  /** What leads into the folder as it was opened, whatever happens to its name. */
  readonly path: string
  close(): Promise<void>
}

/** The folder a file at this place lies in, made if it is missing, held open so that what is written lands in it and nowhere else. */
export async function openFolderOf(place: Place): Promise<OpenFolder | Refused> {
  const folder = dirname(place.real)
  try {
    if (place.homeless) await mkdir(folder, { recursive: true })
    const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
    if ((await whereIs(handle, folder)) === folder)
      return {
        path: process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : folder,
        close: () => handle.close(),
      }
    await handle.close()
    return refusePath(place.shown, 'was swapped while it was opened')
  } catch (error) {
    return describeError(place.shown, error)
  }
}

function refusePath(path: string, reason: string): Refused {
  const name = JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path.toWellFormed())
  return { ok: false, code: 'path_refused', message: `the path ${name} ${reason}`, touched: 'no' }
}

/** What the system says of a path, in our words. Rethrows what is no failure of the system. */
export function describeError(shown: string, error: unknown): Refused {
  if (!(error instanceof Error && 'syscall' in error)) throw error
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const fail = (kind: string, words: string): Refused => ({
    ok: false,
    code: kind,
    message: `${shown} ${words}`,
    touched: 'no',
  })
  if (code === 'ENOENT' || code === 'ENOTDIR') return fail('not_found', 'does not exist')
  if (code === 'ELOOP') return refusePath(shown, 'is a link')
  if (code === 'EISDIR') return fail('file_unreadable', 'is a folder')
  return fail('file_unreadable', `cannot be used (${code})`)
}

async function whereIs(handle: FileHandle, path: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return real(path)
  return readlink(`/proc/self/fd/${handle.fd}`).catch(() => real(path))
}

/** The real path of what is there, and the rest of the way as it was written; undefined behind a link to nothing. */
async function resolveAsFar(wanted: string): Promise<{ readonly real: string; readonly missing: number } | undefined> {
  const rest: string[] = []
  for (let at = wanted; ; at = dirname(at)) {
    const found = await real(at)
    if (found !== undefined) return { real: join(found, ...rest), missing: rest.length }
    // What it names would be made by whoever writes through it.
    if (await isLink(at)) return undefined
    rest.unshift(basename(at))
  }
}

async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (info) => info.isSymbolicLink(),
    () => false,
  )
}

async function real(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined)
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way))
}
