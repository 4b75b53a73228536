import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'
import type { StoredRecord } from './journal.ts'

/** Names of files that do not exist, in folders that do not exist either; all is removed after the tests. */
export function providePaths(): () => string {
  const root = mkdtempSync(join(tmpdir(), 'llm-orc-journal-'))
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  let made = 0
  return () => join(root, `${made++}`, 'journal.db')
}

/** Changes a file behind the journal's back. */
export function edit(path: string, sql: string): void {
  const db = new DatabaseSync(path)
  db.exec(sql)
  db.close()
}

export async function collect(
  records: AsyncIterable<StoredRecord>,
  count = Number.POSITIVE_INFINITY,
): Promise<StoredRecord[]> {
  const found: StoredRecord[] = []
  for await (const record of records) if (found.push(record) >= count) break
  return found
}

export interface Child {
  /** Resolves when that many lines are there. */
  printed(lines: number): Promise<void>
  kill(): void
  readonly ended: Promise<{ readonly lines: readonly string[]; readonly code: number | null }>
}

/**
 * Runs the fixture: a process that appends `count` records to a stream, one after the other; optionally its files may not
 * grow beyond a limit, or syncs to disk fail from the n-th on.
 */
export function start(
  path: string,
  stream: string,
  count: number,
  { file_limit_kib = 0, failing_sync = 0 } = {},
): Child {
  const fixture = fileURLToPath(new URL('append.fixture.ts', import.meta.url))
  let program = process.execPath
  let args = [fixture, path, stream, String(count)]
  if (file_limit_kib) {
    args = ['-c', `ulimit -f ${file_limit_kib}; exec "$0" "$@"`, program, ...args]
    program = 'bash'
  } else if (failing_sync) {
    const inject = `inject=fsync,fdatasync:error=EIO:when=${failing_sync}+`
    args = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fsync,fdatasync', '-e', inject, program, ...args]
    program = 'strace'
  }
  const child = spawn(program, args)
  let text = ''
  const wholeLines = (): string[] => text.split('\n').slice(0, -1)
  child.stdout.on('data', (chunk) => (text += chunk))
  child.stderr.pipe(process.stderr)
  return {
    printed: (lines) =>
      new Promise((resolve) => {
        const look = (): unknown => wholeLines().length >= lines && resolve()
        child.stdout.on('data', look)
        child.on('close', () => resolve())
        look()
      }),
    kill: () => child.kill('SIGKILL'),
    ended: new Promise((resolve) => child.on('close', (code) => resolve({ lines: wholeLines(), code }))),
  }
}
