import { type Flag, SPELLINGS, type Spelling } from './commands.ts'
import { FACE_OPTIONS } from './face-options.ts'
import { GROUPS } from './groups.ts'
import { describeCommand, describeGroup, describeProgram } from './help.ts'
import type { Argument, Command, CommandTree, Option, ValueType, Versions } from './tree.ts'

/** An operation as the generator hands it over: its input as JSON Schema. */
export interface OperationShape {
  readonly name: string
  readonly summary: string
  readonly input: FieldSchema
}

/** The part of JSON Schema that zod writes for inputs. */
export interface FieldSchema {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly items?: FieldSchema
  readonly properties?: { readonly [field: string]: FieldSchema }
  readonly required?: readonly string[]
}

/** Makes the command tree: types, choices and words from the schemas, letters and places from `commands.ts`. */
export function buildTree(operations: readonly OperationShape[], versions: Versions): CommandTree {
  const names = new Set(operations.map(({ name }) => name))
  const stale = Object.keys(SPELLINGS).find((name) => !names.has(name))
  if (stale !== undefined) throw new Error(`commands.ts spells ${stale}, but there is no such operation`)
  const commands = operations.map((operation) => buildCommand(operation))
  const groups = GROUPS.map((group) => ({ ...group, help: describeGroup(group, commands) }))
  const stray = commands.find(
    ({ name }) => name.includes(' ') && !groups.some((group) => name.startsWith(`${group.name} `)),
  )
  if (stray) throw new Error(`the group of ${stray.name} is missing in groups.ts`)
  const help = describeProgram({ commands, groups, options: FACE_OPTIONS })
  return { versions, help, options: FACE_OPTIONS, groups, commands }
}

function buildCommand({ name, summary, input }: OperationShape): Command {
  const spelling = SPELLINGS[name] ?? {}
  const fields = input.properties ?? {}
  const isRequired = (field: string) => input.required?.includes(field) === true
  checkFields(name, spelling, fields)
  const args = (spelling.positional ?? []).map((field): Argument => {
    const also = spelling.also?.includes(field) === true
    return { ...describeField(field, fields[field] ?? {}), required: isRequired(field) && !also }
  })
  const options = Object.entries(fields)
    .filter(([field]) => !spelling.positional?.includes(field) || spelling.also?.includes(field))
    .map(([field, schema]) =>
      buildOption(field, schema, { flag: spelling.flags?.[field] ?? {}, required: isRequired(field) }),
    )
  const command = {
    name,
    aliases: spelling.aliases ?? [],
    summary,
    arguments: args,
    options: [...options, ...(spelling.own ?? [])],
    ...(spelling.stdin === undefined ? {} : { stdin: spelling.stdin }),
    examples: spelling.examples ?? [],
  }
  return { ...command, help: describeCommand(command) }
}

/** A word of `commands.ts` that names no field is a leftover, except where flags offer several spellings of one. */
function checkFields(name: string, spelling: Spelling, fields: NonNullable<FieldSchema['properties']>): void {
  const named = [...(spelling.positional ?? []), ...(spelling.also ?? []), ...(spelling.stdin ? [spelling.stdin] : [])]
  const stale = [...named, ...Object.keys(spelling.flags ?? {})].find((field) => !Object.hasOwn(fields, field))
  if (stale !== undefined) throw new Error(`commands.ts names ${stale} of ${name}, but its input has no such field`)
}

function buildOption(
  field: string,
  schema: FieldSchema,
  how: { readonly flag: Flag; readonly required: boolean },
): Option {
  const { flag, required } = how
  const described = describeField(field, schema)
  const word = field.replaceAll('_', '-')
  const isSwitchedOff = described.type === 'boolean' && schema.default === true
  const { default: standard } = schema
  const shown = ['string', 'number'].includes(typeof standard) && standard !== ''
  return {
    ...described,
    ...(flag.placeholder === undefined ? {} : { placeholder: flag.placeholder }),
    long: flag.long ?? (isSwitchedOff ? `--no-${word}` : `--${word}`),
    ...(flag.short === undefined ? {} : { short: flag.short }),
    old: flag.old ?? [],
    required,
    ...(schema.type === 'array' ? { many: true as const } : {}),
    ...(shown ? { default: standard as string | number } : {}),
    ...(flag.description === undefined ? {} : { description: flag.description }),
  }
}

function describeField(field: string, schema: FieldSchema): Omit<Argument, 'required'> {
  const item = schema.type === 'array' ? (schema.items ?? {}) : schema
  const choices = item.enum?.map(String)
  const type = typeOf(item)
  return {
    field,
    description: schema.description ?? '',
    placeholder: type === 'boolean' ? '' : (choices?.join('|') ?? nameValue(field, type)),
    type,
    ...(choices ? { choices } : {}),
  }
}

function typeOf(schema: FieldSchema): ValueType {
  switch (schema.type) {
    case 'string':
      return 'text'
    case 'number':
    case 'integer':
    case 'boolean':
      return schema.type
    default:
      return schema.enum ? 'text' : 'json'
  }
}

function nameValue(field: string, type: ValueType): string {
  if (type === 'json') return 'JSON'
  if (type !== 'text') return field.endsWith('_seconds') ? 'SECONDS' : field.endsWith('_days') ? 'DAYS' : 'N'
  return field.slice(field.lastIndexOf('_') + 1).toUpperCase()
}
