import { realpath, stat } from 'node:fs/promises'
import { isAbsolute, resolve } from 'node:path'
import { type Guard, guardFolder } from './guards.ts'
import { findClosed, type Identity } from './identity.ts'

/** Files and folders of the host that a program sees, at their own paths. */
export interface View {
  readonly binds: readonly { readonly path: string; readonly writable: boolean }[]
  /** Laid over the binds. */
  readonly guards: readonly Guard[]
  /** Must be called when the program has ended. */
  release(): Promise<void>
}

/** What no sandbox may show as a whole: the system's own, and everything at once. */
const NEVER = /^\/(?:(?:proc|sys|dev|run|etc|boot|root|var|home|usr|bin|sbin|lib|lib64)?$|(?:proc|sys|dev|run|boot)\/)/

/** A view, or why it cannot be given. */
export async function planView(
  asked: { readonly read: readonly string[]; readonly write: readonly string[] },
  who: Identity | undefined,
): Promise<View | string> {
  const binds: { path: string; writable: boolean }[] = []
  const guards: Guard[] = []
  const releases: (() => Promise<void>)[] = []
  const view: View = {
    binds,
    guards,
    release: async () => {
      for (const release of releases) await release()
    },
  }
  const give = async (refusal: string): Promise<string> => {
    await view.release()
    return refusal
  }
  const entries = [
    ...asked.read.map((path) => ({ path, writable: false })),
    ...asked.write.map((path) => ({ path, writable: true })),
  ]
  // Outer folders first: what lies in them is bound over them.
  for (const { path, writable } of entries.sort((a, b) => a.path.length - b.path.length)) {
    const problem = await findProblem(path, writable, who)
    if (problem) return give(problem)
    binds.push({ path, writable })
    if (!(await stat(path)).isDirectory()) continue
    const laid = await guardFolder(path, { writable, shown: asked.read })
    releases.push(laid.release)
    if (laid.link !== undefined) return give(`${laid.link} is a link, which cannot be kept from changing`)
    guards.push(...laid.guards)
  }
  return view
}

async function findProblem(path: string, writable: boolean, who: Identity | undefined): Promise<string | undefined> {
  if (!isAbsolute(path) || resolve(path) !== path) return `${path} is no absolute path`
  if (NEVER.test(path)) return `${path} cannot be shown to a program in a sandbox: name what it needs of it`
  const real = await realpath(path).catch(() => undefined)
  if (real === undefined) return `${path} does not exist`
  if (real !== path) return `${path} leads to ${real} by a link: name that`
  if (!who) return undefined
  const closed = await findClosed(path, writable ? 'write' : 'read', who)
  if (closed === undefined) return undefined
  const may = writable && closed === path ? 'write to' : 'enter'
  return `nobody but its owner may ${may} ${closed}, and no sandbox is run as root`
}
