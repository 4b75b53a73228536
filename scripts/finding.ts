import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** One thing that is not as the house wants it: where, what, and what to do. */
export interface Finding {
  readonly file: string
  readonly line: number
  readonly message: string
}

/** Prints findings as `file:line message` and sets the exit code; `done` is said when there are none. */
export function reportFindings(findings: readonly Finding[], done: string): void {
  for (const { file, line, message } of findings) console.error(`${file}:${line} ${message}`)
  if (findings.length === 0) console.log(done)
  else process.exitCode = 1
}

/** Files below `folder`, as sorted paths relative to it with forward slashes. A missing folder has none. */
export function listFiles(folder: string, ending: string): string[] {
  const found: string[] = []
  const walk = (path: string): void => {
    for (const entry of readFolder(join(folder, path))) {
      if (entry.name === 'node_modules' || entry.name === 'dist') continue
      const below = path ? `${path}/${entry.name}` : entry.name
      if (entry.isDirectory()) walk(below)
      else if (entry.name.endsWith(ending)) found.push(below)
    }
  }
  walk('')
  return found.sort()
}

function readFolder(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
