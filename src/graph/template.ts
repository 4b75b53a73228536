import type { Json, JsonObject } from '../events/values.ts'
import type { Path } from './yaml.ts'

/** `${agent.field.list[0]}`: a step's output, or a part of it. */
export interface Reference {
  /** As written, with the braces. */
  readonly text: string
  readonly step: string
  readonly path: Path
}

export interface TemplateFault {
  /** Where in the parameters. */
  readonly at: Path
  readonly message: string
  readonly hint?: string
}

export type FilledTemplates =
  | { readonly ok: true; readonly value: JsonObject }
  | { readonly ok: false; readonly code: 'template_unresolved'; readonly message: string }

// `$${` stands for the characters themselves.
const REFERENCE = /\$?\$\{([^{}]*)\}?/g
const WHOLE = /^\$\{([^{}]*)\}$/
const FORM = /^([^.[\]{}$\s][^.[\]{}$]*)((?:\.[^.[\]{}$\s]+|\[\d{1,9}\])*)$/

class Unresolved extends Error {}

/** What is wrong with the references of an agent's parameters, before anything runs. */
export function checkTemplates(parameters: JsonObject, dependencies: ReadonlySet<string>): TemplateFault[] {
  const faults: TemplateFault[] = []
  visitTexts(parameters, [], (text, at) => {
    for (const [whole, inner = ''] of text.matchAll(REFERENCE)) {
      if (whole.startsWith('$$')) continue
      const reference = whole.endsWith('}') ? parseReference(inner) : undefined
      if (!reference)
        faults.push({
          at,
          message: `${whole} is not a reference`,
          hint: 'Write ${agent.field}; for the characters themselves, $${',
        })
      else if (!dependencies.has(reference.step))
        faults.push({
          at,
          message: `${whole} names "${reference.step}", which this agent does not depend on`,
          hint: `Add "${reference.step}" to depends_on, or write $\${ for the characters themselves.`,
        })
    }
    return text
  })
  return faults
}

/**
 * Puts the outputs of other agents into parameters. A text that is nothing but one reference takes the value with its JSON type;
 * a reference within a text becomes text (JSON where it is a list or map).
 */
export function fillTemplates(parameters: JsonObject, outputs: { readonly [agent: string]: Json }): FilledTemplates {
  try {
    const value = visitTexts(parameters, [], (text) => {
      const whole = WHOLE.exec(text)
      if (whole) return resolve(whole[1] ?? '', outputs)
      return text.replace(REFERENCE, (found: string, inner: string) => {
        if (found.startsWith('$$')) return found.slice(1)
        const part = resolve(inner, outputs)
        return typeof part === 'string' ? part : JSON.stringify(part)
      })
    })
    return { ok: true, value: value as JsonObject }
  } catch (error) {
    if (error instanceof Unresolved) return { ok: false, code: 'template_unresolved', message: error.message }
    throw error
  }
}

function parseReference(inner: string): Reference | undefined {
  const found = FORM.exec(inner.trim())
  if (!found?.[1]) return undefined
  const path = [...(found[2] ?? '').matchAll(/\.([^.[]+)|\[(\d+)\]/g)].map(([, key, index]) => key ?? Number(index))
  return { text: `\${${inner}}`, step: found[1], path }
}

function resolve(inner: string, outputs: { readonly [agent: string]: Json }): Json {
  const reference = parseReference(inner)
  if (!reference) throw new Unresolved(`\${${inner}} is not a reference`)
  const { step, path, text } = reference
  if (!Object.hasOwn(outputs, step)) throw new Unresolved(`${text}: there is no output of "${step}"`)
  let value: Json = outputs[step] ?? null
  for (const key of path) {
    const isPart = typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    if (!isPart || (Array.isArray(value) && typeof key !== 'number'))
      throw new Unresolved(
        `${text}: the output of "${step}" has no ${typeof key === 'number' ? `[${key}]` : `"${key}"`}`,
      )
    value = (value as { readonly [key: string]: Json })[key] ?? null
  }
  return value
}

function visitTexts(value: Json, at: Path, replace: (text: string, at: Path) => Json): Json {
  if (typeof value === 'string') return replace(value, at)
  if (Array.isArray(value)) return value.map((item, index) => visitTexts(item, [...at, index], replace))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, visitTexts(item, [...at, key], replace)]))
}
