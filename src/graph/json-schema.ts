import { type OutputUnit, Validator } from '@cfworker/json-schema'
import { SCHEMA_BRANCHES, SCHEMA_LIMITS } from '../events/schema-words.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { isMap, printPath, valueAt } from './report.ts'
import type { Path } from './yaml.ts'

type Schema = { readonly [key: string]: unknown }

const NOTES = new Set(['$schema', 'title', 'description', 'default', 'examples', '$comment', 'deprecated'])
/**
 * Says which parts of a schema are not checked here: what would take more than linear time (`pattern`), what lies outside
 * of the schema, and what is no JSON Schema at all.
 */
export function findUnsupported(schema: Schema): string[] {
  return findForeign(schema, { path: [], root: schema })
}

function findForeign(schema: Schema, { path, root }: { readonly path: Path; readonly root: Schema }): string[] {
  return Object.entries(schema).flatMap(([keyword, value]) => {
    const at = [...path, keyword]
    if (NOTES.has(keyword)) return []
    if (keyword === '$ref') return isLocal(value, root) ? [] : [printPath(at)]
    const form = Object.hasOwn(SCHEMA_BRANCHES, keyword) ? SCHEMA_BRANCHES[keyword] : undefined
    if (form === undefined)
      return Object.hasOwn(SCHEMA_LIMITS, keyword) && SCHEMA_LIMITS[keyword]?.(value) ? [] : [printPath(at)]
    if (form === 'one') return findForeignBranch(value, { path: at, root })
    if (form === 'list' ? !Array.isArray(value) : !isMap(value)) return [printPath(at)]
    const branches = form === 'list' ? [...(value as unknown[]).entries()] : Object.entries(value as Schema)
    return branches.flatMap(([key, branch]) => findForeignBranch(branch, { path: [...at, key], root }))
  })
}

function findForeignBranch(branch: unknown, where: { readonly path: Path; readonly root: Schema }): string[] {
  if (typeof branch === 'boolean') return []
  return isMap(branch) ? findForeign(branch, where) : [printPath(where.path)]
}

function isLocal(reference: unknown, root: Schema): boolean {
  return typeof reference === 'string' && /^#(\/|$)/.test(reference) && isMap(walk(root, reference).at)
}

/** What keeps a value from following a schema that `findUnsupported` finds nothing in. */
export function findMismatches(schema: Schema, value: Json): string[] {
  try {
    // The library writes into the schemas it is given.
    const validator = new Validator(structuredClone(schema) as JsonObject, '2020-12', false)
    const { errors } = validator.validate(value)
    return [...new Set(errors.flatMap((error) => describe(error, schema, value)))]
  } catch (error) {
    if (error instanceof RangeError) return ['the schema refers to itself without end']
    throw error
  }
}

/** Keywords that only say that something below them is wrong, which is said there. */
const OUTER = new Set(['properties', 'items', 'prefixItems', 'additionalItems', '$ref', 'allOf', 'if', 'false'])

function describe(error: OutputUnit, schema: Schema, value: Json): string[] {
  const { keyword } = error
  const limit = walk(schema, error.keywordLocation, schema).at
  if (OUTER.has(keyword) || (keyword === 'additionalProperties' && limit !== false)) return []
  const { at, path } = walk(value, error.instanceLocation)
  const fault = describeFault(keyword, { limit, value: at as Json, said: error.error })
  return [`${path.length === 0 ? 'the output' : printPath(path)} ${fault}`]
}

/** What a pointer of the library (`#/list/0`) leads to; pointers into a schema go on behind its references. */
function walk(data: unknown, pointer: string, schema?: Schema): { readonly at: unknown; readonly path: Path } {
  let at = data
  const path: (string | number)[] = []
  for (const word of readPointer(pointer)) {
    const step = Array.isArray(at) ? Number(word) : word
    path.push(step)
    at = valueAt(at, [step])
    if (schema && step === '$ref') at = walk(schema, String(at)).at
  }
  return { at, path }
}

function readPointer(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((word) => word.replaceAll('~1', '/').replaceAll('~0', '~'))
}

interface Fault {
  readonly limit: unknown
  readonly value: Json
  /** The library's own words. */
  readonly said: string
}

function describeFault(keyword: string, { limit, value, said }: Fault): string {
  switch (keyword) {
    case 'type':
      return `should be ${[limit].flat().join(' or ')}, not ${nameType(value)}`
    case 'enum':
      return `should be one of ${JSON.stringify(limit)}`
    case 'const':
      return `should be ${JSON.stringify(limit)}`
    case 'minimum':
      return `is below ${limit}`
    case 'maximum':
      return `is above ${limit}`
    case 'minLength':
      return `is shorter than ${limit}`
    case 'maxLength':
      return `is longer than ${limit}`
    case 'minItems':
      return `has fewer than ${limit} items`
    case 'maxItems':
      return `has more than ${limit} items`
    case 'required': {
      const missing = (limit as string[]).filter((key) => !isMap(value) || !Object.hasOwn(value, key))
      return `lacks ${missing.join(', ')}`
    }
    case 'additionalProperties':
      return `has the unexpected ${/"(.*)"/s.exec(said)?.[1] ?? 'key'}`
    case 'anyOf':
      return 'follows none of the possible forms'
    case 'oneOf':
      return 'should follow exactly one of the possible forms'
    case 'not':
      return 'is of a form that is ruled out'
    case 'format':
      return `should be a ${limit}`
    default:
      return `breaks ${keyword}: ${said}`
  }
}

function nameType(value: Json): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value
}
