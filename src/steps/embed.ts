import { StepFailure, type StepKind } from '../engine/step.ts'
import type { ModelAnswer, ModelRequest } from '../events/messages.ts'
import type { Json } from '../events/values.ts'
import type { Candidate } from '../graph/candidates.ts'
import { needOf } from './need.ts'

/** The settings of an `embed` step. There is one model: the numbers of another one mean something else. */
export type EmbedSpec = { readonly candidate: Candidate; readonly dimensions?: number }
export type EmbedInput = { readonly texts: readonly string[] }
/** One for each text, in their order: little-endian 32-bit floats in base64. */
export type EmbedOutput = { readonly vectors: readonly string[] }

/** Texts as vectors, in one call. */
export const embedStep: StepKind = {
  kind: 'embed',
  version: 1,
  run: async ({ spec: settings }, { input }, ctx) => {
    const { candidate, dimensions } = settings as unknown as EmbedSpec
    const { texts } = input as unknown as EmbedInput
    const { profile, provider, model, base_url, options, timeout_ms, card } = candidate
    ctx.record('step-routed', {
      ...(profile === undefined ? {} : { profile }),
      provider,
      model,
      reason: 'configured',
    })
    const request: ModelRequest & { readonly timeout_ms?: number } = {
      provider,
      model,
      messages: texts.map((text) => ({ role: 'user', content: [{ type: 'text', text }] })),
      embed: dimensions === undefined ? {} : { dimensions },
      ...(base_url === undefined ? {} : { base_url }),
      ...(options === undefined ? {} : { options }),
      ...(timeout_ms === undefined ? {} : { timeout_ms }),
    }
    const answer = (await ctx.effect({
      kind: 'model',
      name: 'model',
      safety: 'billable',
      pool: `provider:${provider}`,
      request: request as unknown as Json,
      need: needOf({ ...request, max_tokens: 0 }, card),
    })) as unknown as ModelAnswer
    const vectors = answer.content.flatMap((part) => (part.type === 'file' ? [part.data] : []))
    if (vectors.length !== texts.length)
      throw new StepFailure('malformed_response', `${vectors.length} vectors came for ${texts.length} texts`)
    const output: EmbedOutput = { vectors }
    return { output }
  },
}
