import type { JsonObject } from '../../events/values.ts'
import type { AgentDraft } from './draft.ts'

/** The shipped script that fills a template without a model. */
const RENDER_SCRIPT = 'text/render_text.mjs'

interface Rendering {
  readonly name: string
  /** A Liquid template: the output is its text. */
  readonly template?: string
  /** Keys such as `[steps, a, output, title]`: the output is an object with the values found there. */
  readonly fields?: { readonly [name: string]: readonly (string | number)[] }
  readonly depends_on: readonly string[]
  readonly when?: string | undefined
}

/** A step without a model that puts answers together. A step that was skipped counts as empty text. */
export function renderStep({ name, template, fields, depends_on, when }: Rendering): AgentDraft {
  const parameters = { ...(template === undefined ? {} : { template }), ...(fields ? { fields } : {}) }
  return {
    name,
    script: RENDER_SCRIPT,
    parameters: escapeReferences(parameters) as JsonObject,
    ...(depends_on.length > 0 ? { depends_on: [...depends_on] } : {}),
    ...(when === undefined ? {} : { when }),
  }
}

/** `${` in parameters would be filled in before the script sees it. */
function escapeReferences(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('${', '$${')
  if (Array.isArray(value)) return value.map(escapeReferences)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, escapeReferences(item)]))
}
