import { checkName } from '../../graph/name.ts'

/** A name for a file and an ensemble: lower case, digits, dashes. */
export function makeSlug(text: string, otherwise = 'imported'): string {
  const slug = text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replace(/^-+|-+$/g, '')
  return slug === '' || checkName(slug) ? otherwise : slug
}

// Words that cannot stand alone after `steps.` in a condition.
const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)

/** Names of steps: plain identifiers, so that templates and conditions can name them, each once. */
export class StepNames {
  readonly #taken = new Set<string>()
  readonly #names = new Map<string, string>()

  /** The name for a foreign id, the same each time; made from `wanted`, which may be nicer than the id. */
  nameOf(id: string, wanted: string = id): string {
    const known = this.#names.get(id)
    if (known !== undefined) return known
    const plain = wanted
      .normalize('NFKD')
      .replace(/\p{M}+/gu, '')
      .replace(/[^A-Za-z0-9]+/g, '_')
      .replace(/^_+|_+$/g, '')
      .toLowerCase()
      .slice(0, 50)
    const stem = plain === '' ? 'step' : /^[0-9]/.test(plain) || RESERVED.has(plain) ? `step_${plain}` : plain
    let name = stem
    for (let n = 2; this.#taken.has(name); n++) name = `${stem}_${n}`
    this.#taken.add(name)
    this.#names.set(id, name)
    return name
  }
}

/** A name that is not in use: `name`, `name-2`, `name-3`. */
export function makeUnique(name: string, taken: ReadonlySet<string>): string {
  let unique = name
  for (let n = 2; taken.has(unique); n++) unique = `${name}-${n}`
  return unique
}
