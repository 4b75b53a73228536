/** One link of a chain: `GenerateCode>/Developer)-gemini` is `generate code`, as a `developer`, with `gemini`. */
export interface ChainStep {
  readonly role: string
  readonly persona: string
  /** A model profile, a provider, PROVIDER/MODEL, or PROVIDER-MODEL. */
  readonly model: string
}

export interface ChainStepFault {
  readonly part: 'role' | 'persona' | 'model' | 'step'
  readonly message: string
  readonly hint: string
  /** Characters from the beginning of the step, from 1. */
  readonly column: number
}

export type ParsedChainStep =
  | { readonly ok: true; readonly step: ChainStep }
  | { readonly ok: false; readonly fault: ChainStepFault }

export const FORM = 'A step is Role>/Persona)-Model, for example "Critique>/Tester)-anthropic".'
const MAX_LENGTH = 500
const WORD = /^[\p{L}\p{M}\p{N}_]*/u
const NOT_WORD = /[^\p{L}\p{M}\p{N}_]/u
const NOT_MODEL = /[^A-Za-z0-9_.:/-]/

/** Reads `Role>/Persona)-Model`. Role and persona are single words; the model may hold `_ . : / -` too. Spaces around the whole do not count. */
export function parseChainStep(text: string): ParsedChainStep {
  const indent = text.length - text.trimStart().length
  const body = text.trim()
  const refuse = (part: ChainStepFault['part'], { message, at }: Fault, hint = FORM): ParsedChainStep => ({
    ok: false,
    fault: { part, message, hint, column: indent + at + 1 },
  })
  if (body === '') return refuse('step', { message: 'the step is empty', at: 0 })
  if (body.length > MAX_LENGTH)
    return refuse('step', { message: `the step is longer than ${MAX_LENGTH} characters`, at: MAX_LENGTH })

  const role = cutAt(body, 0, '>/')
  const badRole = findFault('role', role, NOT_WORD)
  if (badRole) return refuse('role', badRole)
  const personaAt = role.end + 2
  const persona = cutAt(body, personaAt, ')-')
  const badPersona = findFault('persona', persona, NOT_WORD)
  if (badPersona) return refuse('persona', badPersona)
  const model = { text: body.slice(persona.end + 2), start: persona.end + 2, end: body.length }
  const badModel = findFault('model', model, NOT_MODEL)
  if (badModel) return refuse('model', badModel, 'A model is letters, digits and any of _ . : / -')
  return { ok: true, step: { role: role.text, persona: persona.text, model: model.text } }
}

export function printChainStep({ role, persona, model }: ChainStep): string {
  return `${role}>/${persona})-${model}`
}

interface Part {
  readonly text: string
  readonly start: number
  readonly end: number
  /** The mark that should follow and does not. */
  readonly missing?: string
}

interface Fault {
  readonly message: string
  readonly at: number
}

/** The text up to a mark; where the mark is missing, the word that stands there. */
function cutAt(body: string, start: number, mark: string): Part {
  const end = body.indexOf(mark, start)
  if (end >= 0) return { text: body.slice(start, end), start, end }
  const text = WORD.exec(body.slice(start))?.[0] ?? ''
  return { text, start, end: start + text.length, missing: mark }
}

function findFault(name: string, { text, start, end, missing }: Part, wrong: RegExp): Fault | undefined {
  if (text === '') return { message: `the ${name} is missing`, at: start }
  const found = wrong.exec(text)
  if (found) return { message: `the ${name} ${quote(text)} cannot hold ${quote(found[0])}`, at: start + found.index }
  return missing === undefined
    ? undefined
    : { message: `"${missing}" is missing after the ${name} ${quote(text)}`, at: end }
}

/** What a terminal would obey is shown as an escape. */
function quote(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return JSON.stringify(short.toWellFormed()).replaceAll(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}
