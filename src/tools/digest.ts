import { hash } from 'node:crypto'
import { canonicalJson } from '../events/canonical.ts'
import type { PinnedTool } from '../events/tool-call.ts'
import type { Json } from '../events/values.ts'

type Definition = Omit<PinnedTool, 'digest'>

/**
 * The tool with its digest: SHA-256 over everything a model, a policy and a person are told of it, and over what `parts` says of its
 * implementation. Where it lies and what runs it are left out, so the same tool has the same digest on every machine.
 */
export function pinTool(definition: Definition, parts: Json): PinnedTool {
  const digest = hash('sha256', canonicalJson([definition as unknown as Json, parts]), 'hex')
  return { ...definition, digest }
}
