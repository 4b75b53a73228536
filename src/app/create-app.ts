import { join } from 'node:path'
import { readConfig } from '../config/config.ts'
import { readEnvironment } from '../config/env.ts'
import { findPaths } from '../config/paths.ts'
import { readProfiles } from '../config/profiles.ts'
import { OrcError } from '../events/errors.ts'
import { hasErrors } from '../graph/report.ts'
import type { OpenSqliteJournal } from '../journal/sqlite.ts'
import { createRedaction, findSecrets } from '../trust/redaction.ts'
import type { App } from './app.ts'
import { createModels } from './models.ts'
import { findPackageRoot } from './package-root.ts'

/** The only place that wires: reads the environment and the files, and picks the implementations. */
export async function createApp(given: {
  readonly cwd: string
  readonly env: { readonly [name: string]: string | undefined }
  readonly configDir?: string | undefined
}): Promise<App> {
  const found = await findPaths({
    cwd: given.cwd,
    env: given.env,
    library: join(findPackageRoot(), 'library'),
    ...(given.configDir === undefined ? {} : { config_dir: given.configDir }),
  })
  const env = await readEnvironment(found, given.env)
  const config = await readConfig(found, env)
  const problems = [...env.problems, ...config.problems]
  if (hasErrors(problems)) throw new OrcError(problems)
  const profiles = await readProfiles(config)
  const models = createModels({ config, env, profiles })
  let journal: Promise<OpenSqliteJournal> | undefined
  return {
    paths: config.paths,
    env,
    config,
    profiles,
    models,
    warnings: [...problems, ...profiles.problems],
    redact: createRedaction(findSecrets(env.values)),
    openJournal: () => {
      journal ??= openJournal(join(config.paths.data, 'journal.db'))
      return journal
    },
    close: async () => {
      const open = await journal?.catch(() => undefined)
      await open?.close()
    },
  }
}

async function openJournal(path: string): Promise<OpenSqliteJournal> {
  const { openSqliteJournal } = await import('../journal/sqlite.ts')
  return openSqliteJournal({ path })
}
