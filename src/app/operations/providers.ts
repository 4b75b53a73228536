import * as z from 'zod'
import { OrcError } from '../../events/errors.ts'
import { defineOperation } from '../operation.ts'

export const listProviders = defineOperation({
  name: 'providers list',
  summary: 'List the providers, which of them can be used now, and which one is the default and why.',
  input: z.object({}),
  run: async (_, { app }) => {
    const [providers, chosen] = await Promise.all([app.models.describeProviders(), app.models.chooseDefault()])
    return { providers, default: { provider: chosen.profile.provider, model: chosen.profile.model, why: chosen.why } }
  },
})

export const listLimits = defineOperation({
  name: 'providers limits',
  summary: 'Show the limits of each key: what is used, who waits, and which models are not asked for now.',
  input: z.object({}),
  run: async (_, { app }) => {
    const { describeBreakers, describeLimits } = await import('../governor.ts')
    return { limits: await describeLimits(app), breakers: describeBreakers(app) }
  },
})

export const testProvider = defineOperation({
  name: 'providers test',
  summary: 'Send one short prompt to a provider and show what comes back.',
  input: z.object({
    provider: z.string().min(1).describe('The provider, or a model profile.'),
    model: z.string().optional().describe('The model; default: the usual one of the provider.'),
    base_url: z.string().optional().describe('The address of the server.'),
    prompt: z.string().default('Answer with one short sentence: are you there?').describe('What to ask.'),
  }),
  run: async (input, { app, signal }) => {
    const found = await app.models.findModel(input.provider)
    const profile = {
      ...found.profile,
      ...(input.model === undefined ? {} : { model: input.model }),
      ...(input.base_url === undefined ? {} : { base_url: input.base_url }),
    }
    const request = {
      provider: profile.provider,
      model: profile.model,
      messages: [{ role: 'user' as const, content: [{ type: 'text' as const, text: input.prompt }] }],
      ...(profile.base_url === undefined ? {} : { base_url: profile.base_url }),
    }
    const provider = await app.models.provider(request)
    if (!provider)
      throw new OrcError({
        code: 'provider_unknown',
        message: `there is no provider ${profile.provider}`,
        hint: 'See them with: llm-orc providers list',
      })
    const began = performance.now()
    let text = ''
    for await (const part of provider.stream(request, signal)) {
      if (part.type === 'text') text += part.text
      if (part.type === 'failed') {
        const { code, message, detail } = part.failure
        return {
          ok: false,
          provider: profile.provider,
          model: profile.model,
          code,
          message,
          ...(detail === undefined ? {} : { detail }),
        }
      }
    }
    return {
      ok: true,
      provider: profile.provider,
      model: profile.model,
      ms: Math.round(performance.now() - began),
      text,
    }
  },
})
