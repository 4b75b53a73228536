import { SCHEMA_BRANCHES, SCHEMA_LIMITS } from '../../events/schema-words.ts'
import type { Json, JsonObject } from '../../events/values.ts'
import { cutLoops, unfoldedSize } from './schema-loops.ts'
import { cleanText } from './text.ts'
import { isRecord } from './wire.ts'

/** What is taken of one schema. Beyond it the tool is refused. */
const LIMITS = { depth: 32, parts: 5000, unfolded: 100_000, text: 2000 }

/** A schema as it may be shown to a model and checked here, or why not. */
export type TamedSchema = { readonly schema: JsonObject } | { readonly refused: string }

/** Keywords without schemas in them that are kept, and the form each has to have. */
const PLAIN: { readonly [keyword: string]: (value: unknown) => boolean } = {
  ...SCHEMA_LIMITS,
  default: () => true,
  examples: Array.isArray,
  deprecated: (value) => typeof value === 'boolean',
}

/** Keywords under which more than was asked is allowed once a part below them is left out. */
const CONTRARY = new Set(['not', 'if', 'then', 'else', 'maxContains'])

type Loose = { [key: string]: Json }

class TooMuch extends Error {}

/**
 * A schema from outside, brought to what can be checked in bounded time without asking anyone: references that lead out, patterns,
 * loops that double themselves and what is no JSON Schema at all are left out, which only ever allows more; the server, whose
 * schema it is, checks the rest itself.
 */
export function tameSchema(given: unknown): TamedSchema {
  if (!isRecord(given)) return { refused: 'its schema is no object' }
  try {
    const first = tame(given, { strict: true, parts: 0, loosened: false })
    let { schema } = first
    if (first.loosened || cutLoops(structuredClone(schema)))
      schema = tame(given, { strict: false, parts: 0, loosened: true }).schema
    cutLoops(schema)
    if (unfoldedSize(schema, LIMITS.unfolded) > LIMITS.unfolded)
      return { refused: `its schema unfolds to more than ${LIMITS.unfolded} parts` }
    return { schema }
  } catch (error) {
    if (error instanceof TooMuch) return { refused: error.message }
    throw error
  }
}

interface Work {
  /** False in the second pass, which leaves out what would turn leniency into its opposite. */
  readonly strict: boolean
  parts: number
  loosened: boolean
}

function tame(given: unknown, work: Work): { readonly schema: Loose; readonly loosened: boolean } {
  const schema = tameNode(given, 0, work)
  return { schema: isRecord(schema) ? (schema as Loose) : {}, loosened: work.loosened }
}

function tameNode(given: unknown, depth: number, work: Work): Json {
  if (typeof given === 'boolean') return given
  if (!isRecord(given)) {
    work.loosened = true
    return {}
  }
  if (depth > LIMITS.depth) throw new TooMuch(`its schema is nested more than ${LIMITS.depth} levels deep`)
  work.parts += 1
  if (work.parts > LIMITS.parts) throw new TooMuch(`its schema has more than ${LIMITS.parts} parts`)
  const tamed: Loose = {}
  const patterned = 'patternProperties' in given || 'unevaluatedProperties' in given || 'unevaluatedItems' in given
  for (const [keyword, value] of Object.entries(given)) {
    if (keyword === 'title' || keyword === 'description') {
      if (typeof value === 'string') tamed[keyword] = cleanText(value, LIMITS.text)
      continue
    }
    if (!work.strict && CONTRARY.has(keyword)) continue
    if (keyword === '$ref') {
      if (typeof value === 'string' && /^#(\/[\w.$-]+)*$/.test(value)) tamed[keyword] = value
      else work.loosened = true
      continue
    }
    if (Object.hasOwn(PLAIN, keyword)) {
      if (!PLAIN[keyword]?.(value)) work.loosened = true
      else tamed[keyword] = tamePlain(value, work)
      continue
    }
    const form = Object.hasOwn(SCHEMA_BRANCHES, keyword) ? SCHEMA_BRANCHES[keyword] : undefined
    // What is known to be described elsewhere must not be ruled out here.
    if (form === undefined || (patterned && keyword === 'additionalProperties')) {
      if (!NOTES.has(keyword)) work.loosened = true
      continue
    }
    const branch = tameBranch(value, { form, depth, work })
    if (branch === undefined) work.loosened = true
    else tamed[placeOf(keyword, { branch, given, strict: work.strict })] = branch
  }
  if (typeof given['pattern'] === 'string') addPattern(tamed, given['pattern'])
  return tamed
}

const NOTES = new Set(['$schema', '$id', '$comment', 'readOnly', 'writeOnly'])

/** Older names of keywords; and one that asks for exactly one branch asks for any once branches may be too lenient. */
function placeOf(
  keyword: string,
  { branch, given, strict }: { readonly branch: Json; readonly given: object; readonly strict: boolean },
): string {
  if (keyword === 'items' && Array.isArray(branch)) return 'prefixItems'
  if (keyword === 'additionalItems' && 'items' in given) return 'items'
  return keyword === 'oneOf' && !strict ? 'anyOf' : keyword
}

function tameBranch(
  value: unknown,
  { form, depth, work }: { readonly form: 'one' | 'list' | 'map'; readonly depth: number; readonly work: Work },
): Json | undefined {
  const next = (branch: unknown) => tameNode(branch, depth + 1, work)
  if (Array.isArray(value)) return form === 'map' || value.length === 0 ? undefined : value.map(next)
  if (form === 'list') return undefined
  if (form === 'one') return next(value)
  if (!isRecord(value)) return undefined
  // Keys like __proto__ would not come out as they went in.
  const entries = Object.entries(value).filter(([key]) => key !== '__proto__')
  return Object.fromEntries(entries.map(([key, branch]) => [key, next(branch)]))
}

function tamePlain(value: unknown, work: Work): Json {
  const text = JSON.stringify(value)
  work.parts += Math.ceil(text.length / 1000)
  if (work.parts > LIMITS.parts) throw new TooMuch('its schema holds too much data')
  return JSON.parse(text) as Json
}

/** A pattern is told to the model, but it is not run here: it may take forever. */
function addPattern(tamed: Loose, pattern: string): void {
  if (pattern.length > 200) return
  const said = typeof tamed['description'] === 'string' ? `${tamed['description']} ` : ''
  tamed['description'] = `${said}(pattern: ${cleanText(pattern, 200)})`
}
