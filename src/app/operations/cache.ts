import * as z from 'zod'
import { OrcError } from '../../events/errors.ts'
import { findCacheFile, openCache } from '../cache.ts'
import { defineOperation } from '../operation.ts'

export const showCacheOperation = defineOperation({
  name: 'cache show',
  summary: 'What lies in the cache, and how often it was of use.',
  input: z.object({}),
  run: async (_, { app }) => {
    const { cache: settings = {} } = app.config.settings
    const cache = openCache(app)
    const shares = await cache.describe()
    const sum = (key: 'answers' | 'bytes' | 'hits' | 'saved') => shares.reduce((total, share) => total + share[key], 0)
    return {
      file: findCacheFile(app),
      enabled: settings.enabled ?? true,
      max_bytes: cache.max_bytes,
      answers: sum('answers'),
      bytes: sum('bytes'),
      hits: sum('hits'),
      saved: sum('saved'),
      shares,
    }
  },
})

export const clearCacheOperation = defineOperation({
  name: 'cache clear',
  summary: 'Remove answers from the cache; what runs have been given stays in their journals.',
  input: z.object({
    older_than: z.number().min(0).optional().describe('Only answers made more than so many days ago.'),
    model: z.string().min(1).optional().describe('Only answers of this model, as PROVIDER/MODEL or MODEL.'),
    confirm: z.boolean().default(false).describe('Really remove them.'),
  }),
  run: async ({ older_than: days, model, confirm }, { app }) => {
    if (!confirm) {
      const which = days === undefined && model === undefined ? 'all' : 'the named'
      const message = `this removes ${which} answers from the cache; they will be asked and paid for again`
      throw new OrcError({ code: 'confirmation_needed', message, hint: 'Add --confirm to do it.' })
    }
    const removed = await openCache(app).clear({
      ...(days === undefined ? {} : { before: Date.now() - days * 86_400_000 }),
      ...(model === undefined ? {} : { model }),
    })
    return { removed }
  },
})
