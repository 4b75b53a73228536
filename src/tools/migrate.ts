import { canonicalJson } from '../events/canonical.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { ToolOutcome } from './tool.ts'

/** What a migration can do with arguments. `rollback` undoes `migrate`. */
export interface Migration {
  readonly from: string
  readonly to: string
  apply(direction: 'migrate' | 'rollback', args: JsonObject): Promise<ToolOutcome>
}

export interface MigrationFailure {
  readonly code: 'migration_missing' | 'migration_failed'
  readonly message: string
  readonly detail?: string
}

/** `data` are the new arguments; after a failure those that were given. */
export type MigrationResult =
  | { readonly success: true; readonly data: JsonObject; readonly path: readonly string[] }
  | {
      readonly success: false
      readonly data: JsonObject
      readonly error: MigrationFailure
      /** What had been done was undone, and led to what was given; false when a rollback failed, too, or lost something. */
      readonly rolled_back: boolean
      readonly path: readonly string[]
    }

/**
 * Turns arguments for one version into arguments for another, by the shortest chain of migrations. With `rollback` the way back: the
 * same chain from its end. When a link fails, the links before it are undone.
 */
export async function migrateArguments(
  args: JsonObject,
  { from, to, rollback = false }: { readonly from: string; readonly to: string; readonly rollback?: boolean },
  migrations: readonly Migration[],
): Promise<MigrationResult> {
  const chain = rollback ? findChain(migrations, to, from) : findChain(migrations, from, to)
  if (!chain) {
    const missing = { code: 'migration_missing' as const, message: `no migrations lead from ${from} to ${to}` }
    return { success: false, data: args, error: missing, rolled_back: true, path: [] }
  }
  const links = rollback ? chain.toReversed() : chain
  const forth = rollback ? 'rollback' : 'migrate'
  const path = [from, ...links.map((link) => (rollback ? link.from : link.to))]
  let data = args
  for (const [at, link] of links.entries()) {
    const next = await applyLink(link, forth, data)
    if (next.success) data = next.data
    else {
      const undone = await undo(links.slice(0, at), { back: rollback ? 'migrate' : 'rollback', data })
      const rolled_back = undone !== undefined && canonicalJson(undone) === canonicalJson(args)
      return { success: false, error: next.error, data: args, rolled_back, path }
    }
  }
  return { success: true, data, path }
}

/** Undefined when a link cannot be undone. */
async function undo(
  done: readonly Migration[],
  { back, data }: { readonly back: 'migrate' | 'rollback'; readonly data: JsonObject },
): Promise<JsonObject | undefined> {
  let at = data
  for (const link of done.toReversed()) {
    const before = await applyLink(link, back, at)
    if (!before.success) return undefined
    at = before.data
  }
  return at
}

type Applied =
  | { readonly success: true; readonly data: JsonObject }
  | { readonly success: false; readonly error: MigrationFailure }

async function applyLink(link: Migration, direction: 'migrate' | 'rollback', args: JsonObject): Promise<Applied> {
  const outcome = await link.apply(direction, args)
  const what = direction === 'migrate' ? `${link.from} to ${link.to}` : `${link.to} back to ${link.from}`
  const fail = (message: string, detail?: string): Applied => ({
    success: false,
    error: { code: 'migration_failed', message, ...(detail === undefined ? {} : { detail }) },
  })
  if (!outcome.ok) return fail(`the migration from ${what} failed: ${outcome.message}`, outcome.detail)
  return isObject(outcome.output)
    ? { success: true, data: outcome.output }
    : fail(`the migration from ${what} gave no object of arguments`)
}

/** Breadth first, so the fewest links; undefined when there is no way. */
function findChain(migrations: readonly Migration[], from: string, to: string): readonly Migration[] | undefined {
  const ways = new Map<string, readonly Migration[]>([[from, []]])
  for (const [version, way] of ways) {
    if (version === to) return way
    for (const link of migrations) if (link.from === version && !ways.has(link.to)) ways.set(link.to, [...way, link])
  }
  return undefined
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
