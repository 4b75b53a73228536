import { realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Locate } from '../trust/policy.ts'

/**
 * Where a path leads, for rules: `../shop/a` and the whole path of `a` are `a`, and a link is also what it leads to. At once, because
 * policy is asked in the middle of a turn of the engine. What is swapped later is for the fence of the tools and the wall.
 */
export function createLocate(root: string): Locate {
  const roots = [...new Set([resolve(root), realAsFar(resolve(root))])]
  return (path) => {
    const whole = resolve(root, expand(path))
    return [...new Set([whole, realAsFar(whole)])].map((place) => {
      const own = roots.filter((folder) => isBelow(place, folder)).map((folder) => relative(folder, place) || '.')
      return [...own, place]
    })
  }
}

/** Some tools know `~`, and addresses of files. */
function expand(path: string): string {
  if (path === '~' || path.startsWith('~/')) return join(homedir(), path.slice(1))
  try {
    return /^file:/i.test(path) ? fileURLToPath(path) : path
  } catch {
    return path
  }
}

/** The real path of what is there, and the rest of the way as it was written. */
export function realAsFar(whole: string): string {
  const rest: string[] = []
  for (let at = whole; at !== dirname(at); at = dirname(at)) {
    try {
      return join(realpathSync(at), ...rest)
    } catch {
      rest.unshift(basename(at))
    }
  }
  return whole
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}
