import { hash } from 'node:crypto'
import { join } from 'node:path'
import { cached } from '../effects/cached.ts'
import { Probation } from '../effects/probation.ts'
import type { Executor } from '../engine/effect.ts'
import { readEvents } from '../engine/engine.ts'
import type { Watcher } from '../engine/world.ts'
import type { ModelRequest } from '../events/messages.ts'
import type { Json } from '../events/values.ts'
import { type CachePolicy, readCachePolicy } from '../graph/cache-policy.ts'
import { AnswerCache } from '../journal/cache.ts'
import type { App } from './app.ts'
import { readScript } from './script-file.ts'

const USUAL_MB = 256

/** The cache as one run uses it. */
export interface RunCache {
  /** Puts the cache before an executor of models or scripts. */
  wrap(inner: Executor): Executor
  /** Has to see every event of the run that this process writes: what is kept is decided by them. */
  readonly watcher: Watcher
}

export interface CacheWish {
  /** Digest of the policy in force. */
  readonly policy: string
  /** Whose answers are given and kept; default: those of the user that runs the program. */
  readonly principal?: string | undefined
  /** The run neither takes from the cache nor adds to it. */
  readonly off?: boolean | undefined
}

/** The cache for one run; another run needs another one. */
export function createCache(app: App, { policy, principal = usualPrincipal(), off = false }: CacheWish): RunCache {
  const { cache: settings = {}, script_cache: older = {}, sandbox } = app.config.settings
  const store = openCache(app)
  let used = false
  let past: Promise<void> | undefined
  const probation = new Probation((answer) => void store.keep(answer))
  const ports = {
    policy: hash('sha256', JSON.stringify([policy, sandbox ?? null]), 'hex'),
    principal,
    cwd: app.paths.project ?? app.paths.cwd,
    origin: (request: Pick<ModelRequest, 'provider' | 'base_url'>) => findOrigin(app, request),
    find: (...question: Parameters<AnswerCache['find']>) => {
      used = true
      return store.find(...question)
    },
    probation,
    recall: (run: string) => {
      past ??= learnPast(app, run, probation).catch(() => {})
      return past
    },
    redact: (json: Json) => app.redaction.redactJson(json),
    clock: Date.now,
  }
  const closed = off || settings.enabled === false
  const ttl = older.ttl_seconds === undefined ? {} : { ttl_ms: older.ttl_seconds * 1_000 }
  return {
    wrap: (inner) => {
      const isScript = inner.kind === 'script'
      if (closed || (isScript && older.enabled === false)) return inner
      return cached(inner, isScript ? { ...ports, ...ttl } : ports)
    },
    watcher: {
      events: (events) => {
        for (const event of events) {
          probation.see(event)
          if (event.type === 'run-finished' && used) void store.forgetRun(event.run)
        }
      },
    },
  }
}

const caches = new WeakMap<App['paths'], AnswerCache>()

/** The cache of this user. Nothing is opened before it is used. */
export function openCache(app: App): AnswerCache {
  let known = caches.get(app.paths)
  if (!known) {
    const { max_mb = USUAL_MB } = app.config.settings.cache ?? {}
    known = new AnswerCache({ path: findCacheFile(app), max_bytes: max_mb * 1024 * 1024 })
    caches.set(app.paths, known)
  }
  return known
}

export async function closeCache(app: App): Promise<void> {
  await caches.get(app.paths)?.close()
  caches.delete(app.paths)
}

export function findCacheFile(app: App): string {
  return join(app.paths.cache, 'cache.db')
}

/** What settings say for agents that say nothing of their own. */
export function usualCachePolicy(app: App): CachePolicy | undefined {
  const { default: usual, ttl_seconds } = app.config.settings.cache ?? {}
  if (usual !== 'exact') return undefined
  return readCachePolicy(ttl_seconds === undefined ? usual : { ttl_seconds })
}

async function learnPast(app: App, run: string, probation: Probation): Promise<void> {
  for await (const event of readEvents(await app.openJournal(), run)) probation.learn(event)
}

/** The server behind a provider's name; for one that answers from a file, what stands in it. */
async function findOrigin(app: App, request: Pick<ModelRequest, 'provider' | 'base_url'>): Promise<string> {
  const { vendor = request.provider, base_url = '' } = app.models.account(request) ?? {}
  if (vendor !== 'scripted') return `${vendor} ${base_url}`
  const script = await readScript(app.env.values.get('LLM_ORC_SCRIPT'))
  return `${vendor} ${hash('sha256', JSON.stringify(script ?? null), 'hex')}`
}

function usualPrincipal(): string {
  return `user ${process.getuid?.() ?? process.env['USERNAME'] ?? ''}`
}
