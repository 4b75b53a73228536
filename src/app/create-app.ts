import { join } from 'node:path'
import { type Config, readConfig } from '../config/config.ts'
import { type Environment, readEnvironment } from '../config/env.ts'
import { findPaths, type Paths, type ProcessEnvironment } from '../config/paths.ts'
import { readProfiles } from '../config/profiles.ts'
import { OrcError } from '../events/errors.ts'
import { hasErrors } from '../graph/report.ts'
import type { OpenSqliteJournal } from '../journal/sqlite.ts'
import { findSecrets, Redaction } from '../trust/redaction.ts'
import type { App } from './app.ts'
import { createCurrentFiles, takeFingerprint } from './current-files.ts'
import type { McpServersInUse } from './mcp-in-use.ts'
import { findMcpSecrets } from './mcp-secrets.ts'
import { createModels } from './models.ts'
import { findPackageRoot } from './package-root.ts'
import type { Company } from './person.ts'
import { redactError } from './redacted-error.ts'
import { readTraceWish } from './trace-wish.ts'

/** The only place that wires: reads the environment and the files, and picks the implementations. */
export async function createApp(given: {
  readonly cwd: string
  readonly env: { readonly [name: string]: string | undefined }
  readonly configDir?: string | undefined
  readonly company?: Company | undefined
}): Promise<App> {
  const found = await findPaths({
    cwd: given.cwd,
    env: given.env,
    library: join(findPackageRoot(), 'library'),
    ...(given.configDir === undefined ? {} : { config_dir: given.configDir }),
  })
  const seen = await takeFingerprint(found)
  const files = createCurrentFiles(await readAll(found, given.env), {
    seen,
    look: () => takeFingerprint(found),
    read: () => readAll(found, given.env),
  })
  const { paths } = files.now().config
  let journal: Promise<OpenSqliteJournal> | undefined
  let mcp: { readonly key: string; readonly servers: Promise<McpServersInUse> } | undefined
  const earlier: Promise<McpServersInUse>[] = []
  const app: App = {
    paths,
    get env() {
      return files.now().env
    },
    get config() {
      return files.now().config
    },
    get profiles() {
      return files.now().profiles
    },
    get models() {
      return files.now().models
    },
    get warnings() {
      return files.warnings()
    },
    get redaction() {
      return files.now().redaction
    },
    get redact() {
      return files.now().redaction.redact
    },
    refresh: files.refresh,
    openJournal: () => {
      journal ??= openJournal(join(paths.data, 'journal.db'))
      return journal
    },
    openMcp: () => {
      const { env, config, mcpKey } = files.now()
      if (mcp?.key !== mcpKey) {
        // Calls under way still need those of before.
        if (mcp) earlier.push(mcp.servers)
        mcp = { key: mcpKey, servers: openMcp({ paths, env, config }, given.company) }
      }
      return mcp.servers
    },
    close: async () => {
      if (readTraceWish(app)) await (await import('./tracing.ts')).closeTraces(app)
      if (journal) await (await import('./cache.ts')).closeCache(app)
      for (const servers of [...earlier, mcp?.servers]) await (await servers?.catch(() => undefined))?.close()
      const open = await journal?.catch(() => undefined)
      await open?.close()
    },
  }
  return app
}

/** Everything that the user's files say. Throws OrcError when they cannot be used. */
async function readAll(found: Paths, processEnv: ProcessEnvironment) {
  const env = await readEnvironment(found, processEnv)
  const redaction = new Redaction(findSecrets(env.values))
  const { config, profiles, problems } = await readFiles(found, env).catch((error: unknown) => {
    throw redactError(error, redaction.redact)
  })
  redaction.learn(findSettingsSecrets(config, env))
  redaction.learn(await findMcpSecrets(config, env))
  const models = createModels({ config, env, profiles })
  const { mcp, mcp_servers } = config.settings
  const mcpKey = JSON.stringify([mcp, mcp_servers, [...env.values]])
  return { env, config, profiles, models, redaction, mcpKey, warnings: [...problems, ...profiles.problems] }
}

async function openJournal(path: string): Promise<OpenSqliteJournal> {
  const { openSqliteJournal } = await import('../journal/sqlite.ts')
  return openSqliteJournal({ path })
}

async function openMcp(app: Pick<App, 'paths' | 'env' | 'config'>, company: Company | undefined) {
  const { createMcpServers } = await import('./mcp.ts')
  if (!company) return createMcpServers(app)
  const { readForm } = await import('./form.ts')
  return createMcpServers(app, {
    askPerson: (asked, signal) => company.fillForm(readForm(asked), signal),
    note: company.note,
  })
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
