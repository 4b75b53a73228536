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
const NOT_WORD = /[^\p{L}\p{M}\p{N}_]/u
const NOT_MODEL = /[^A-Za-z0-9_.:/-]/

/** Reads `Role>/Persona)-Model`. Role and persona are single words; the model may hold `_ . : / -` too. Spaces around the whole do not count. */
export function parseChainStep(text: string): ParsedChainStep {
  const indent = text.length - text.trimStart().length
  const body = text.trim()
  const refuse = (part: ChainStepFault['part'], message: string, at: number, hint = FORM): ParsedChainStep => ({
    ok: false,
    fault: { part, message, hint, column: indent + at + 1 },
  })
  if (body === '') return refuse('step', 'the step is empty', 0)
  if (body.length > MAX_LENGTH) return refuse('step', `the step is longer than ${MAX_LENGTH} characters`, MAX_LENGTH)

  const slash = body.indexOf('>/')
  const role = slash < 0 ? (/^[\p{L}\p{M}\p{N}_]*/u.exec(body)?.[0] ?? '') : body.slice(0, slash)
  const badRole = findFault('role', role, NOT_WORD)
  if (badRole) return refuse('role', badRole.message, badRole.at)
  if (slash < 0) return refuse('role', `">/" is missing after the role ${quote(role)}`, role.length)

  const personaAt = slash + 2
  const dash = body.indexOf(')-', personaAt)
  const persona =
    dash < 0 ? (/^[\p{L}\p{M}\p{N}_]*/u.exec(body.slice(personaAt))?.[0] ?? '') : body.slice(personaAt, dash)
  const badPersona = findFault('persona', persona, NOT_WORD)
  if (badPersona) return refuse('persona', badPersona.message, personaAt + badPersona.at)
  if (dash < 0)
    return refuse('persona', `")-" is missing after the persona ${quote(persona)}`, personaAt + persona.length)

  const modelAt = dash + 2
  const model = body.slice(modelAt)
  const badModel = findFault('model', model, NOT_MODEL)
  if (badModel)
    return refuse('model', badModel.message, modelAt + badModel.at, 'A model is letters, digits and any of _ . : / -')
  return { ok: true, step: { role, persona, model } }
}

export function printChainStep({ role, persona, model }: ChainStep): string {
  return `${role}>/${persona})-${model}`
}

function findFault(
  part: string,
  text: string,
  wrong: RegExp,
): { readonly message: string; readonly at: number } | undefined {
  if (text === '') return { message: `the ${part} is missing`, at: 0 }
  const found = wrong.exec(text)
  return found ? { message: `the ${part} ${quote(text)} cannot hold ${quote(found[0])}`, at: found.index } : undefined
}

/** What a terminal would obey is shown as an escape. */
function quote(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return JSON.stringify(short.toWellFormed()).replaceAll(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}
