import type { Json, JsonObject } from '../events/values.ts'
import { findMismatches } from '../graph/json-schema.ts'
import type { Elicitation, ElicitationAnswer } from '../tools/mcp/elicitation.ts'

/** What a program wants a person to fill in, in the middle of its work. */
export interface Form {
  /** Who asks, as the user calls it. */
  readonly server: string
  readonly message: string
  readonly fields: readonly Field[]
}

export type FormAnswer = ElicitationAnswer

export interface Field {
  readonly name: string
  readonly title?: string
  readonly description?: string
  readonly required: boolean
  /** What it takes, in words. */
  readonly kind: string
  /** Of these one, or several. */
  readonly choices: readonly Choice[]
  readonly fallback?: Json
  /** The value of what was typed, or what is wrong with it. */
  read(text: string): { readonly value: Json } | { readonly wrong: string }
}

interface Choice {
  readonly value: Json
  readonly title: string
}

export function readForm({ server, message, schema }: Elicitation): Form {
  const { properties, required } = schema
  const needed = new Set(Array.isArray(required) ? required : [])
  const fields = isObject(properties) ? Object.entries(properties) : []
  return { server, message, fields: fields.map(([name, field]) => readField(name, toObject(field), needed.has(name))) }
}

function readField(name: string, schema: JsonObject, required: boolean): Field {
  const { title, description, type, default: fallback } = schema
  const several = type === 'array'
  const choices = readChoices(several ? toObject(schema['items']) : schema)
  const parse = several ? (text: string) => readSeveral(text, choices) : (text: string) => readOne(text, type, choices)
  return {
    name,
    ...(typeof title === 'string' ? { title } : {}),
    ...(typeof description === 'string' ? { description } : {}),
    required,
    kind: describeKind(schema, several),
    choices,
    ...(fallback === undefined ? {} : { fallback }),
    read: (text) => {
      const value = parse(text)
      const [wrong] = findMismatches({ properties: { [name]: schema } }, { [name]: value })
      return wrong === undefined ? { value } : { wrong }
    },
  }
}

/** `enum`, and lists of `const` with `title`. */
function readChoices({ enum: values, oneOf, anyOf }: JsonObject): readonly Choice[] {
  const title = (value: Json) => (typeof value === 'string' ? value : JSON.stringify(value))
  if (Array.isArray(values)) return values.map((value: Json) => ({ value, title: title(value) }))
  const listed: readonly Json[] = Array.isArray(oneOf) ? oneOf : Array.isArray(anyOf) ? anyOf : []
  return listed.flatMap((each) => {
    if (!isObject(each) || each['const'] === undefined) return []
    return { value: each['const'], title: typeof each['title'] === 'string' ? each['title'] : title(each['const']) }
  })
}

const BOOLEANS: { readonly [word: string]: boolean } = {
  y: true,
  yes: true,
  true: true,
  n: false,
  no: false,
  false: false,
}

function readOne(text: string, type: unknown, choices: readonly Choice[]): Json {
  if (choices.length > 0) return choose(text, choices)
  if (type === 'boolean') return BOOLEANS[text.toLowerCase()] ?? text
  if ((type === 'number' || type === 'integer') && text.trim() !== '' && Number.isFinite(Number(text)))
    return Number(text)
  return text
}

function readSeveral(text: string, choices: readonly Choice[]): Json {
  const words = text.split(',').map((word) => word.trim())
  return words.filter((word) => word !== '').map((word) => choose(word, choices))
}

/** By its value, its title or its number from 1. */
function choose(text: string, choices: readonly Choice[]): Json {
  const wanted = text.toLowerCase()
  const same = (said: Json) => typeof said === 'string' && said.toLowerCase() === wanted
  const found =
    choices.find(({ value }) => value === text) ??
    choices.find(({ value, title }) => same(value) || same(title)) ??
    (/^\d+$/.test(text) ? choices[Number(text) - 1] : undefined)
  return found?.value ?? text
}

function describeKind({ type, format, minimum, maximum }: JsonObject, several: boolean): string {
  if (several) return 'several, with commas between'
  const bounds = [
    ...(typeof minimum === 'number' ? [`from ${minimum}`] : []),
    ...(typeof maximum === 'number' ? [`to ${maximum}`] : []),
  ]
  const what = type === 'boolean' ? 'yes or no' : typeof format === 'string' ? format : String(type ?? 'text')
  return [what === 'string' ? 'text' : what, ...bounds].join(' ')
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function toObject(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}
