import type { EffectAsk } from '../engine/effect.ts'
import type { PinnedTool } from '../events/tool-call.ts'
import type { JsonObject } from '../events/values.ts'

export interface CallOfTool {
  readonly tool: PinnedTool
  /** Follow the tool's schema. */
  readonly arguments: JsonObject
  /** Unique in the step. */
  readonly id: string
  readonly step: string
}

/**
 * What a call asks of the world. A question to the person is an effect of its own kind: nothing runs for it, the run can rest until
 * there is an answer, and any process can take it up then.
 */
export function describeCall({ tool, arguments: given, id, step }: CallOfTool): EffectAsk {
  const name = `tool:${id}`
  if (tool.source === 'builtin' && tool.name === 'ask_user')
    return { kind: 'ask', name, safety: 'pure', request: given }
  return {
    kind: 'tool',
    name,
    safety: tool.safety,
    // What is done to the world is done in the order in which it was asked for; the rest side by side.
    pool: tool.safety === 'unsafe' ? `tool-serial:${step}` : `tool:${tool.source}`,
    request: {
      tool: tool.name,
      version: tool.version,
      source: tool.source,
      digest: tool.digest,
      arguments: given,
      call: id,
      permissions: tool.permissions,
    },
  }
}
