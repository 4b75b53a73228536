import { Liquid } from 'liquidjs'
import { makeOnce } from '../events/once.ts'
import type { Json } from '../events/values.ts'

/** What is wrong with a template, before anything runs. `line` counts from 1 within the template. */
export interface LiquidFault {
  readonly message: string
  readonly hint?: string
  readonly line?: number
}

export type LiquidResult =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly code: 'template_unresolved'; readonly message: string }

// Tags that load other files, and filters whose result hangs on the clock, on chance or on the machine: a step must give the same text again.
const REFUSED_TAGS = ['include', 'render', 'layout', 'block']
const REFUSED_FILTERS = [
  'date',
  'date_to_xmlschema',
  'date_to_rfc822',
  'date_to_string',
  'date_to_long_string',
  'sample',
  'sha256',
  'hmac_sha256',
]

const openLanguage = makeOnce(makeLanguage)

/** Parses the template; unknown filters and tags are faults, unknown variables show only when it is filled. */
export function checkLiquid(text: string): LiquidFault[] {
  try {
    openLanguage().parse(text)
    return []
  } catch (error) {
    return [describeFault(error)]
  }
}

/** Fills the template. Lists and maps stand in the text as JSON. A variable that does not exist is a failure, except in `if` and before `default`. */
export function renderLiquid(text: string, scope: { readonly [name: string]: Json }): LiquidResult {
  try {
    const value: unknown = openLanguage().parseAndRenderSync(text, scope)
    return { ok: true, value: String(value) }
  } catch (error) {
    const { message, line, hint } = describeFault(error)
    const where = line === undefined ? '' : ` on line ${line} of the template`
    return { ok: false, code: 'template_unresolved', message: `${message}${where}${hint ? `. ${hint}` : ''}` }
  }
}

/** The steps that a template names by `steps.NAME`, each once; none for a text that cannot be read. */
export function liquidSteps(text: string): string[] {
  try {
    const segments = openLanguage().variableSegmentsSync(text)
    return [
      ...new Set(segments.flatMap(([root, name]) => (root === 'steps' && typeof name === 'string' ? [name] : []))),
    ]
  } catch {
    return []
  }
}

/** The outermost variables that a template names, such as `input`. */
export function liquidVariables(text: string): string[] {
  try {
    return openLanguage().globalVariablesSync(text)
  } catch {
    return []
  }
}

function makeLanguage(): Liquid {
  const made = new Liquid({
    strictVariables: true,
    strictFilters: true,
    lenientIf: true,
    ownPropertyOnly: true,
    templates: {},
    locale: 'en-US',
    timezoneOffset: 0,
    parseLimit: 1_000_000,
    renderLimit: 10_000,
    memoryLimit: 50_000_000,
    outputEscape: (value: unknown) =>
      typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? ''),
  })
  for (const tag of REFUSED_TAGS) delete made.tags[tag]
  for (const filter of REFUSED_FILTERS) delete made.filters[filter]
  return made
}

function describeFault(error: unknown): LiquidFault {
  if (!(error instanceof Error)) throw error
  const [, text = error.message, line] = /^(.*), line:(\d+), col:\d+$/s.exec(error.message) ?? []
  const refused =
    /"(include|render|layout|block)" not found|undefined filter: (date\w*|sample|sha256|hmac_sha256)/.exec(text)
  return {
    message: text,
    ...(refused ? { hint: 'Templates load no files and see neither clock nor chance.' } : {}),
    ...(line === undefined ? {} : { line: Number(line) }),
  }
}
