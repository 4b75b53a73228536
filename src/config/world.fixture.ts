import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Config, readConfig } from './config.ts'
import { readEnvironment } from './env.ts'
import { findPaths, type Paths, type PathsWanted, type ProcessEnvironment } from './paths.ts'

/** A real folder with a home, a project and a library in it, removed after the test. */
export interface TempWorld {
  readonly root: string
  readonly home: string
  readonly project: string
  readonly library: string
  /** Writes files by their path below the root; `~/` is the user's config folder, `@/` the project's `.llm-orc`. */
  write(files: { readonly [path: string]: string | Uint8Array }): Promise<void>
  at(path: string): string
  paths(more?: Partial<PathsWanted>): Promise<Paths>
  config(more?: Partial<PathsWanted>): Promise<Config>
}

export async function makeWorld(files: { readonly [path: string]: string | Uint8Array } = {}): Promise<TempWorld> {
  const root = await mkdtemp(join(tmpdir(), 'llm-orc-config-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const home = join(root, 'home')
  const project = join(root, 'work')
  const library = join(root, 'shipped')
  const at = (path: string) =>
    path.startsWith('~/')
      ? join(home, '.config', 'llm-orchestrator', path.slice(2))
      : path.startsWith('@/')
        ? join(project, '.llm-orc', path.slice(2))
        : join(root, path)
  const world: TempWorld = {
    root,
    home,
    project,
    library,
    at,
    async write(given) {
      for (const [path, content] of Object.entries(given)) {
        await mkdir(dirname(at(path)), { recursive: true })
        await writeFile(at(path), content)
      }
    },
    paths: (more = {}) => findPaths({ cwd: project, env: { HOME: home }, library, ...more }),
    async config(more = {}) {
      const env: ProcessEnvironment = more.env ?? { HOME: home }
      const paths = await world.paths({ ...more, env })
      return readConfig(paths, await readEnvironment(paths, env))
    },
  }
  for (const folder of [home, library, join(project, '.llm-orc')]) await mkdir(folder, { recursive: true })
  await world.write(files)
  return world
}
