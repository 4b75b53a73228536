import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder of this package: the nearest one above this file that holds `library/` and `package.json`. */
export function findPackageRoot(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'library')) && existsSync(join(folder, 'package.json'))) return folder
    if (folder === dirname(folder)) throw new Error('the library that ships with the program is missing')
  }
}

/** The version in package.json. */
export function readVersion(): string {
  return (JSON.parse(readFileSync(join(findPackageRoot(), 'package.json'), 'utf8')) as { version: string }).version
}
