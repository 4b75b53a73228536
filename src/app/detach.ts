import { fileURLToPath } from 'node:url'
import { startDetached } from '../sandbox/detached.ts'
import type { App } from './app.ts'

/** Starts this program again in the background, with other words. */
export async function detachProcess(app: App, words: readonly string[]): Promise<void> {
  const program = process.argv[1] ?? fileURLToPath(import.meta.url)
  startDetached({
    program: process.execPath,
    args: [...process.execArgv, program, ...words, '--quiet'],
    cwd: app.paths.cwd,
    env: Object.fromEntries(app.env.values),
  })
}
