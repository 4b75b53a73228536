import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { OrcError } from '../events/errors.ts'
import { isProcessGone, markProcess } from './process-mark.ts'

/** ms to wait for another process, and between looks. A change takes some ms. */
const PATIENCE_MS = 15_000
const LOOK_MS = 10
/** ms after which a lock is left behind when nothing is known of who made it. */
const STALE_MS = 30_000
/** ms after which whoever took such a lock away has died over it. */
const BREAKING_MS = 2_000

/**
 * Holds a file for one change against other processes, by a file beside it that says who holds it; answers with what lets go. What a
 * process left that is dead is taken over. Where no such file can be made, none is: then the change itself cannot be written either.
 */
export async function lockFile(file: string): Promise<() => Promise<void>> {
  const lock = join(dirname(file), `.${basename(file)}.lock`)
  const mine = JSON.stringify(markProcess())
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      await writeFile(lock, mine, { flag: 'wx' })
      return () => rm(lock, { force: true })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'EEXIST' && !(code === 'ENOENT' && (await makeFolder(file)))) return async () => {}
    }
    if (performance.now() > until) throw busy(file, lock)
    if (!(await breakStale(lock))) await sleep(LOOK_MS * (0.5 + Math.random()))
  }
}

function makeFolder(file: string): Promise<boolean> {
  return mkdir(dirname(file), { recursive: true }).then(
    () => true,
    () => false,
  )
}

/** True when it was taken away, or is gone by itself. */
async function breakStale(lock: string): Promise<boolean> {
  const said = await readFile(lock, 'utf8').catch(() => undefined)
  if (said === undefined) return true
  if (!(await isStale(lock, said))) return false
  // One at a time, and looked at once more: what was left behind may be another's by now.
  const breaking = `${lock}.breaking`
  try {
    await writeFile(breaking, '', { flag: 'wx' })
  } catch {
    if ((await ageOf(breaking)) > BREAKING_MS) await rm(breaking, { force: true })
    return false
  }
  try {
    const now = await readFile(lock, 'utf8').catch(() => undefined)
    if (now === undefined || !(await isStale(lock, now))) return true
    return await rm(lock, { force: true }).then(
      () => true,
      () => false,
    )
  } finally {
    await rm(breaking, { force: true })
  }
}

async function isStale(lock: string, said: string): Promise<boolean> {
  if ((await ageOf(lock)) > STALE_MS) return true
  try {
    return isProcessGone(JSON.parse(said) as object)
  } catch {
    // It is just being written.
    return false
  }
}

/** ms since it was written; 0 when it is gone. */
function ageOf(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  )
}

function busy(file: string, lock: string): OrcError {
  const message = `${file} is being changed by another process`
  return new OrcError({
    code: 'file_unreadable',
    message,
    hint: `Try again. If nobody is at work: remove ${lock}`,
    file,
  })
}
