import { dirname } from 'node:path'
import type { ToolFile } from '../config/tool-file.ts'
import { OrcError } from '../events/errors.ts'
import type { JsonObject } from '../events/values.ts'
import { findMismatches } from '../graph/json-schema.ts'
import { type Migration, type MigrationResult, migrateArguments } from '../tools/migrate.ts'
import { runProgram } from '../tools/program.ts'
import { isVersion, parseToolReference } from '../tools/version.ts'
import type { App } from './app.ts'
import { readCatalog } from './tools.ts'
import { createWalledCommands } from './walls.ts'

export interface MigrationWanted {
  /** `NAME@VERSION`. */
  readonly name: string
  readonly to: string
  readonly arguments: JsonObject
  readonly rollback: boolean
}

const TIMEOUT_MS = 30_000
const NAMED = 5

/** Arguments of one version as those of another. What comes out has to follow the schema of the version it is for. */
export async function migrateNamed(app: App, wanted: MigrationWanted, signal: AbortSignal): Promise<MigrationResult> {
  const reference = parseToolReference(wanted.name)
  if (!reference || !isVersion(reference.wanted) || !isVersion(wanted.to))
    throw new OrcError({
      code: 'bad_input',
      message: 'migrations lead from one exact version to another',
      hint: 'For example: llm-orc tools migrate calculator@1.0.0 2.0.0 --arguments JSON',
    })
  const { name, wanted: from } = reference
  const { to, rollback } = wanted
  const { files, problems } = await readCatalog(app, {}, name)
  const near = nearest(files)
  const before = requireVersion(near, { name, version: from })
  const after = requireVersion(near, { name, version: to })
  const unfit = findMismatches(before.input_schema, wanted.arguments)
  if (unfit.length > 0)
    throw new OrcError([
      { code: 'bad_input', message: `the arguments are none of ${name} ${from}: ${unfit.slice(0, NAMED).join('; ')}` },
      ...problems,
    ])
  const migrations = near.flatMap((file) => listMigrations(app, file, signal))
  const result = await migrateArguments(wanted.arguments, { from, to, rollback }, migrations)
  const faults = result.success ? findMismatches(after.input_schema, result.data) : []
  if (!result.success || faults.length === 0) return result
  const message = `what came out are no arguments of ${name} ${to}`
  const error = { code: 'migration_failed' as const, message, detail: faults.slice(0, NAMED).join('; ') }
  return { success: false, data: wanted.arguments, error, rolled_back: true, path: result.path }
}

/** The versions of the nearest place that has the tool: migrations of one place do not fit versions of another. */
function nearest(files: readonly ToolFile[]): readonly ToolFile[] {
  return files.filter(({ level }) => level === files[0]?.level)
}

function requireVersion(files: readonly ToolFile[], { name, version }: { name: string; version: string }): ToolFile {
  const found = files.find((file) => file.version === version)
  if (found) return found
  const there = files.map((file) => file.version).join(', ')
  const hint = there === '' ? 'See them with: llm-orc tools list' : `There are: ${there}`
  throw new OrcError({ code: 'tool_missing', message: `there is no tool ${name} ${version}`, hint })
}

function listMigrations(app: App, file: ToolFile, signal: AbortSignal): readonly Migration[] {
  return file.migrations.map(({ from, to, program }) => ({
    from,
    to,
    apply: (direction, given) =>
      runProgram(
        {
          name: `the migration ${from} -> ${to}`,
          program,
          entry: direction,
          given: program.kind === 'module' ? given : { direction, from, to, arguments: given },
          env: {},
          // It turns data into data: it may touch nothing.
          permissions: {},
          folder: dirname(file.file),
          cwd: dirname(file.file),
          timeout_ms: TIMEOUT_MS,
          signal,
        },
        createWalledCommands(app),
      ),
  }))
}
