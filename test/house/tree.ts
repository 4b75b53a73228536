import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Writes files (path: text) into a new folder and answers its path. */
export function writeTree(files: { readonly [path: string]: string }): string {
  const root = mkdtempSync(join(tmpdir(), 'llm-orc-house-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}
