import type { Problem } from '../events/errors.ts'
import type { Json } from '../events/values.ts'
import { suggest } from './nearest.ts'
import { isMap } from './report.ts'
import type { Workflow, WorkflowParam } from './workflow.ts'

export type Params = { readonly [name: string]: Json }

export type FilledParams =
  | { readonly ok: true; readonly params: Params }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** The parameters of one run: what was given, in the types the workflow wants, and the defaults. */
export function fillParams({ name, params }: Workflow, given: Params): FilledParams {
  const problems: Problem[] = []
  const names = params.map((param) => param.name)
  for (const key of Object.keys(given)) {
    if (names.includes(key)) continue
    const known = names.length === 0 ? 'It has none.' : `It has: ${names.join(', ')}.`
    const hint = suggest(key, names).hint ?? known
    problems.push({ code: 'param_invalid', message: `the workflow "${name}" has no parameter "${key}"`, hint })
  }
  const filled: { [name: string]: Json } = {}
  for (const param of params) {
    const value = Object.hasOwn(given, param.name) ? given[param.name] : param.default
    if (value === undefined) {
      // A template that names it must find something.
      if (!param.required) filled[param.name] = null
      else problems.push(describeMissing(name, param))
      continue
    }
    const read = readTyped(value, param.type)
    if (read.ok) filled[param.name] = read.value
    else {
      const message = `the parameter "${param.name}" should be ${param.type}, not ${JSON.stringify(value).slice(0, 80)}`
      problems.push({ code: 'param_invalid', message })
    }
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, params: filled }
}

/** Where the user's prompt goes: `user_prompt` or `prompt`, else the first parameter that has to be given. */
export function promptParam({ params }: Workflow): string | undefined {
  const named = ['user_prompt', 'prompt'].find((name) => params.some((param) => param.name === name))
  return named ?? params.find(({ required }) => required)?.name
}

function describeMissing(workflow: string, { name, description }: WorkflowParam): Problem {
  const about = description === undefined ? '' : ` (${description})`
  return {
    code: 'param_invalid',
    message: `the workflow "${workflow}" needs the parameter "${name}"${about}`,
    hint: `Give it as: --param ${name}=…`,
  }
}

type Typed = { readonly ok: true; readonly value: Json } | { readonly ok: false }

/** What comes from a command line is text; only a parameter that says so is anything else. */
function readTyped(value: Json, type: string | undefined): Typed {
  switch (type?.toLowerCase()) {
    case 'int':
    case 'integer':
    case 'float':
    case 'number': {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
      const fits = typeof number === 'number' && Number.isFinite(number)
      return fits && (!/^int/i.test(type ?? '') || Number.isSafeInteger(number))
        ? { ok: true, value: number }
        : { ok: false }
    }
    case 'bool':
    case 'boolean': {
      if (typeof value === 'boolean') return { ok: true, value }
      if (typeof value !== 'string' || !/^(true|false|yes|no)$/i.test(value)) return { ok: false }
      return { ok: true, value: /^(true|yes)$/i.test(value) }
    }
    case 'list':
    case 'array':
      return checked(readJsonText(value), Array.isArray)
    case 'dict':
    case 'map':
    case 'object':
      return checked(readJsonText(value), isMap)
    default:
      return { ok: true, value }
  }
}

function checked(value: Json | undefined, fits: (value: unknown) => boolean): Typed {
  return value !== undefined && fits(value) ? { ok: true, value } : { ok: false }
}

function readJsonText(value: Json): Json | undefined {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value) as Json
  } catch {
    return undefined
  }
}
