import { scoped } from '../effects/scoped.ts'
import type { Executor } from '../engine/effect.ts'
import type { Watcher } from '../engine/world.ts'
import type { App } from './app.ts'
import { type CacheWish, createCache } from './cache.ts'
import { createBreaker, createGovernor } from './governor.ts'
import { createReserve } from './scopes.ts'

/** What stands between a run and the world for its models and scripts. */
export interface Door {
  model(inner: Executor): Executor
  script(inner: Executor): Executor
  /** Has to see every event of the run that this process writes. */
  readonly watcher: Watcher
}

/** In this order: the cache, the budgets that runs share, the breaker, the governor, the provider. */
export function openDoor(app: App, wish: CacheWish): Door {
  const cache = createCache(app, wish)
  const reserve = createReserve(app, wish.principal)
  const guard = createBreaker(app)
  const govern = createGovernor(app)
  return {
    model: (inner) => {
      const guarded = guard(govern(inner))
      return cache.wrap(reserve ? scoped(guarded, reserve) : guarded)
    },
    script: cache.wrap,
    watcher: cache.watcher,
  }
}
