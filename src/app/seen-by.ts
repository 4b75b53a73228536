import { OrcError } from '../events/errors.ts'
import type { Entry, Journal, StreamQuery } from '../journal/journal.ts'
import type { OpenSqliteJournal } from '../journal/sqlite.ts'
import type { App } from './app.ts'
import { type Principal, seesOnlyOwn } from './principal.ts'

/** Streams of runs and batches; all others are of the program. */
const OWNED = /^(?:run|inbox|lease|key|batch)\/(.+)$/
/** Owners never change, so they are remembered; this many. */
const MOST_OWNERS = 20_000

/** For each journal, whose each run and batch is; empty: of the local user. */
const owners = new WeakMap<Journal, Map<string, string>>()

/**
 * The program as one caller has it: runs and batches of others are not there. All operations and faces read through this door, so none of
 * them has to remember whom it serves.
 */
export function seenBy(app: App, principal: Principal | undefined): App {
  if (!principal || principal.kind === 'local' || app.principal === principal) return app
  const openJournal = async () => narrow(await app.openJournal(), principal)
  return Object.create(app, {
    principal: { value: principal, enumerable: true },
    openJournal: { value: openJournal, enumerable: true },
  }) as App
}

function narrow(open: OpenSqliteJournal, principal: Principal): OpenSqliteJournal {
  if (!seesOnlyOwn(principal)) return open
  const { journal, blobs } = open
  const isForeign = async (id: string): Promise<boolean> => {
    const owner = await findOwner(journal, id)
    return owner !== undefined && owner !== principal.name
  }
  const isForeignStream = async (stream: string): Promise<boolean> => {
    const id = OWNED.exec(stream)?.[1]
    return id !== undefined && isForeign(id)
  }
  const narrowed: Journal = {
    // Never waits: appends are applied in the order of the calls. Whoever appends to a run has read it before.
    append: (entries) => {
      refuseForeign(journal, principal, entries)
      return journal.append(entries)
    },
    read: async function* (stream, from, to) {
      if (!(await isForeignStream(stream))) yield* journal.read(stream, from, to)
    },
    follow: async function* (stream, from, signal) {
      if (!(await isForeignStream(stream))) yield* journal.follow(stream, from, signal)
    },
    list: async ({ prefix, limit }: StreamQuery) => {
      const all = await journal.list({ prefix })
      const foreign = await Promise.all(all.map(({ stream }) => isForeignStream(stream)))
      return all.filter((_, index) => !foreign[index]).slice(0, limit)
    },
    remove: async (run) => {
      if (await isForeign(run)) throw missing(run)
      return journal.remove(run)
    },
    drop: async (stream) => {
      if (await isForeignStream(stream)) throw missing(stream)
      return journal.drop(stream)
    },
  }
  return {
    path: open.path,
    journal: narrowed,
    blobs: {
      put: (run, sha256, blob) => blobs.put(run, sha256, blob),
      get: async (run, sha256) => ((await isForeign(run)) ? undefined : blobs.get(run, sha256)),
    },
    close: () => open.close(),
  }
}

function refuseForeign(journal: Journal, { name }: Principal, entries: readonly Entry[]): void {
  for (const { stream } of entries) {
    const id = OWNED.exec(stream)?.[1]
    const owner = id === undefined ? undefined : owners.get(journal)?.get(id)
    if (owner !== undefined && owner !== name) throw missing(id ?? stream)
  }
}

/** Undefined as long as there is no such run or batch. */
async function findOwner(journal: Journal, id: string): Promise<string | undefined> {
  const known = owners.get(journal) ?? new Map<string, string>()
  owners.set(journal, known)
  const kept = known.get(id)
  if (kept !== undefined) return kept
  for (const stream of [`run/${id}`, `batch/${id}`]) {
    for await (const { data } of journal.read(stream, 1, 1)) {
      const owner = readOwner(data)
      if (known.size >= MOST_OWNERS) known.clear()
      known.set(id, owner)
      return owner
    }
  }
  return undefined
}

/** From the first record: an event, or a batch's own. */
function readOwner(record: unknown): string {
  const { data, principal } = (record ?? {}) as {
    readonly data?: { readonly principal?: unknown }
    principal?: unknown
  }
  const owner = principal ?? data?.principal
  return typeof owner === 'string' ? owner : ''
}

function missing(id: string): OrcError {
  return new OrcError({ code: 'not_found', message: `there is no ${id}` })
}
