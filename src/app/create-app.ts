import { join } from 'node:path'
import { type Config, readConfig } from '../config/config.ts'
import { type Environment, readEnvironment } from '../config/env.ts'
import { findPaths, type Paths } from '../config/paths.ts'
import { readProfiles } from '../config/profiles.ts'
import { OrcError } from '../events/errors.ts'
import { hasErrors } from '../graph/report.ts'
import type { OpenSqliteJournal } from '../journal/sqlite.ts'
import { findSecrets, Redaction } from '../trust/redaction.ts'
import type { App } from './app.ts'
import type { McpServersInUse } from './mcp-in-use.ts'
import { findMcpSecrets } from './mcp-secrets.ts'
import { createModels } from './models.ts'
import { findPackageRoot } from './package-root.ts'
import { redactError } from './redacted-error.ts'

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
  const redaction = new Redaction(findSecrets(env.values))
  const { config, profiles, problems } = await readFiles(found, env).catch((error: unknown) => {
    throw redactError(error, redaction.redact)
  })
  redaction.learn(findSettingsSecrets(config, env))
  redaction.learn(await findMcpSecrets(config, env))
  const models = createModels({ config, env, profiles })
  let journal: Promise<OpenSqliteJournal> | undefined
  let mcp: Promise<McpServersInUse> | undefined
  return {
    paths: config.paths,
    env,
    config,
    profiles,
    models,
    warnings: [...problems, ...profiles.problems],
    redaction,
    redact: redaction.redact,
    openJournal: () => {
      journal ??= openJournal(join(config.paths.data, 'journal.db'))
      return journal
    },
    openMcp: () => {
      mcp ??= import('./mcp.ts').then(({ createMcpServers }) => createMcpServers({ paths: config.paths, env, config }))
      return mcp
    },
    close: async () => {
      await (await mcp)?.close()
      const open = await journal?.catch(() => undefined)
      await open?.close()
    },
  }
}

async function openJournal(path: string): Promise<OpenSqliteJournal> {
  const { openSqliteJournal } = await import('../journal/sqlite.ts')
  return openSqliteJournal({ path })
}

async function readFiles(paths: Paths, env: Environment) {
  const config = await readConfig(paths, env)
  const problems = [...env.problems, ...config.problems]
  if (hasErrors(problems)) throw new OrcError(problems)
  return { config, problems, profiles: await readProfiles(config) }
}

/** Keys under names of the user's own, and passwords in addresses. */
function findSettingsSecrets({ settings }: Config, { values }: Environment): ReadonlyMap<string, string> {
  const providers = Object.entries(settings.providers ?? {})
  const named = new Set(providers.flatMap(([, { api_key_env: name }]) => (name === undefined ? [] : [name])))
  const addresses = providers.flatMap(([name, { base_url: url }]) => (url === undefined ? [] : [[name, url] as const]))
  return new Map([...findSecrets(values, named), ...findSecrets(addresses)])
}
