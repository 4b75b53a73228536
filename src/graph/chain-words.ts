import { suggest } from './nearest.ts'

/** What a role or persona of a chain tells the model. Absent prompts are made from the names themselves. */
export interface ChainWords {
  role(name: string): string | undefined
  persona(name: string): string | undefined
  /** All names that have a prompt, for suggestions. */
  roleNames(): readonly string[]
  personaNames(): readonly string[]
}

const ROLES: { readonly [name: string]: string } = {
  critique:
    'Critique what you are given: name its faults and weak points, why they matter, and how to mend each of them.',
  summarize: 'Summarize what you are given: keep what matters, leave out what does not, and add nothing.',
  generatecode: 'Write the code that is asked for: complete, runnable, with the errors that can happen taken care of.',
  plan: 'Make a plan for what you are given: the steps in order, what each needs, and how one sees that it is done.',
}

const PERSONAS: { readonly [name: string]: string } = {
  default: '',
  developer: 'You are an experienced software developer.',
  productmanager: 'You are a product manager: you think of users, value and effort.',
  poet: 'You are a poet: you choose every word for its picture and its sound.',
  technicalwriter: 'You are a technical writer: precise, plain and well ordered.',
  tester: 'You are a software tester: you look for what breaks.',
}

/** The system prompt of one step: who speaks, then what is to be done. */
export function writeSystem(role: string, persona: string, words: ChainWords): string {
  const who = words.persona(persona) ?? pick(PERSONAS, persona) ?? `Speak as this character: ${spell(persona)}.`
  const what = words.role(role) ?? pick(ROLES, role) ?? `Your task for the text you are given: ${spell(role)}.`
  return [who, what].filter((part) => part !== '').join('\n\n')
}

/** The words of these that have no prompt but are near to one that has. */
export function findMisspelt(role: string, persona: string, words: ChainWords): readonly Misspelt[] {
  const find = (part: Misspelt['part'], word: string, known: readonly string[]): Misspelt[] => {
    if (known.some((one) => one.toLowerCase() === word.toLowerCase())) return []
    const { hint } = suggest(word, known)
    return hint === undefined ? [] : [{ part, word, hint }]
  }
  return [
    ...find('role', role, [...words.roleNames(), 'Critique', 'GenerateCode', 'Plan', 'Summarize']),
    ...find('persona', persona, [
      ...words.personaNames(),
      'Default',
      'Developer',
      'Poet',
      'ProductManager',
      'TechnicalWriter',
      'Tester',
    ]),
  ]
}

export interface Misspelt {
  readonly part: 'role' | 'persona'
  readonly word: string
  readonly hint: string
}

function pick(table: { readonly [name: string]: string }, name: string): string | undefined {
  const key = name.toLowerCase()
  return Object.hasOwn(table, key) ? table[key] : undefined
}

/** `GenerateCode` and `generate_code` are "generate code". */
function spell(name: string): string {
  return name
    .replaceAll('_', ' ')
    .replaceAll(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2')
    .replaceAll(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .trim()
}
