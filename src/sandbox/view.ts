import { mkdir, realpath, stat, writeFile } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { type Guard, guardFolder } from './guards.ts'
import { findClosed, type Identity } from './identity.ts'

export interface Bind {
  /** Where the program sees it, and where it is. */
  readonly path: string
  /** What is bound there: the same, or its shadow. */
  readonly source: string
  readonly writable: boolean
}

/** Files and folders of the host that a program sees, at their own paths. */
export interface View {
  readonly binds: readonly Bind[]
  /** Laid over the binds. */
  readonly guards: readonly Guard[]
  /** Places of root that have to be mounted elsewhere, as places of the sandbox's user. */
  readonly shadows: readonly { readonly path: string; readonly target: string }[]
  /** Must be called when the program has ended. */
  release(): Promise<void>
}

export interface Viewer {
  /** Whose rights count; undefined: our own. */
  readonly who: Identity | undefined
  /** An empty folder for shadows, where they can be made. */
  readonly shadows?: string
}

/** What no sandbox may show as a whole: the system's own, and everything at once. */
const NEVER = /^\/(?:(?:proc|sys|dev|run|etc|boot|root|var|home|usr|bin|sbin|lib|lib64)?$|(?:proc|sys|dev|run|boot)\/)/

/** A view, or why it cannot be given. */
export async function planView(
  asked: { readonly read: readonly string[]; readonly write: readonly string[] },
  viewer: Viewer,
): Promise<View | string> {
  const binds: Bind[] = []
  const guards: Guard[] = []
  const shadows: { path: string; target: string }[] = []
  const releases: (() => Promise<void>)[] = []
  const release = async () => {
    for (const each of releases) await each()
  }
  const give = async (refusal: string): Promise<string> => {
    await release()
    return refusal
  }
  const entries = [
    ...asked.read.map((path) => ({ path, writable: false })),
    ...asked.write.map((path) => ({ path, writable: true })),
  ]
  // Outer folders first: what lies in them is bound over them.
  for (const { path, writable } of entries.sort((a, b) => a.path.length - b.path.length)) {
    const problem = await findProblem(path)
    if (problem !== undefined) return give(problem)
    const info = await stat(path)
    const closed = viewer.who && (await findClosed(path, writable ? 'write' : 'read', viewer.who))
    let source = path
    if (closed !== undefined) {
      if (viewer.shadows === undefined || info.uid !== 0) return give(describeClosed(path, closed, writable))
      source = join(viewer.shadows, String(shadows.length))
      if (info.isDirectory()) await mkdir(source)
      else await writeFile(source, '')
      shadows.push({ path, target: source })
    }
    binds.push({ path, source, writable })
    if (!info.isDirectory()) continue
    const laid = await guardFolder({ path, source }, { writable, shown: asked.read })
    releases.push(laid.release)
    if (laid.link !== undefined) return give(`${laid.link} is a link, which cannot be kept from changing`)
    guards.push(...laid.guards)
  }
  return { binds, guards, shadows, release }
}

async function findProblem(path: string): Promise<string | undefined> {
  if (!isAbsolute(path) || resolve(path) !== path) return `${path} is no absolute path`
  if (NEVER.test(path)) return `${path} cannot be shown to a program in a sandbox: name what it needs of it`
  const real = await realpath(path).catch(() => undefined)
  if (real === undefined) return `${path} does not exist`
  return real === path ? undefined : `${path} leads to ${real} by a link: name that`
}

function describeClosed(path: string, closed: string, writable: boolean): string {
  const may = writable && closed === path ? 'write to' : 'enter'
  return `nobody but its owner may ${may} ${closed}, and no sandbox is run as root`
}
