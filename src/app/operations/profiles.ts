import * as z from 'zod'
import { checkProfiles } from '../../config/fallbacks.ts'
import { defineOperation } from '../operation.ts'

export const listProfiles = defineOperation({
  name: 'profiles list',
  summary: 'List the model profiles, where each is defined, and what is wrong with them.',
  input: z.object({ provider: z.string().optional().describe('Only profiles of this provider.') }),
  run: async (input, { app }) => {
    const profiles = [...app.profiles.profiles.values()]
      .filter((profile) => input.provider === undefined || profile.provider === input.provider)
      .map(({ name, provider, model, choice, fallback, level, place }) => ({
        name,
        provider,
        model: choice ? (choice.candidates?.join(', ') ?? 'what fits its requirements') : model,
        ...(fallback === undefined ? {} : { fallback }),
        source: level,
        ...(place.file === undefined ? {} : { file: place.file }),
      }))
    return { profiles, problems: checkProfiles(app.profiles) }
  },
})
