import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { PLANTED, type PlantedBug } from './planted.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

export interface Grade {
  readonly bug: string
  /** Which seed, and by which invariant; undefined when nobody noticed. */
  readonly found: { readonly seed: number; readonly invariant: string; readonly message: string } | undefined
  readonly expected: readonly string[]
  readonly ms: number
}

/** Changes that do not fit the source any more: each text must stand exactly once in its file. */
export async function findMisfits(bugs: readonly PlantedBug[] = PLANTED): Promise<readonly string[]> {
  const misfits: string[] = []
  for (const { name, changes } of bugs)
    for (const { file, find } of changes) {
      const times = (await readFile(join(root, file), 'utf8')).split(find).length - 1
      if (times !== 1) misfits.push(`${name}: ${file} holds ${JSON.stringify(find)} ${times} times`)
    }
  return misfits
}

/** Simulates a copy of the source that has the bug, until it is noticed. */
export async function gradeBug(bug: PlantedBug, seeds = 2_000): Promise<Grade> {
  const began = performance.now()
  const copy = await copySource(bug)
  try {
    // A worker that crashes says so first.
    const { stdout } = await run(process.execPath, [
      join(copy, 'test/simulation/worker.ts'),
      'safety',
      '0',
      `${seeds}`,
      '1',
      'first',
    ]).catch((error: { stdout: string }) => error)
    const line = stdout.split('\n').find((text) => text.startsWith('{"violation"'))
    const found = line && JSON.parse(line).violation
    return { bug: bug.name, expected: bug.invariants, found, ms: performance.now() - began }
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

/** All that a simulation runs on. */
const ROOMS = ['context', 'engine', 'events', 'graph', 'journal', 'router', 'steps']
  .map((room) => `src/${room}`)
  .concat('test/simulation')

async function copySource({ changes }: PlantedBug): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'simulation-'))
  await writeFile(join(copy, 'package.json'), '{"type":"module"}')
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
  for (const room of ROOMS) await cp(join(root, room), join(copy, room), { recursive: true })
  for (const { file, find, replace } of changes) {
    const text = await readFile(join(copy, file), 'utf8')
    await writeFile(
      join(copy, file),
      text.replace(find, () => replace),
    )
  }
  return copy
}
