/** What the templates of one workflow step may name. */
export interface TemplateSight {
  readonly params: ReadonlySet<string>
  /** The steps before this one, in order. */
  readonly steps: readonly string[]
  /** What `memory.needs` gives it: the name after `memory.`, and the expression it stands for. */
  readonly memory: ReadonlyMap<string, string>
}

export interface TranslatedTemplate {
  /** Liquid over `input` (the parameters) and `steps`. */
  readonly template: string
  /** The steps it reads. */
  readonly steps: readonly string[]
  readonly faults: readonly { readonly message: string; readonly hint?: string }[]
}

// The older form knows nothing but dotted paths; whatever else stands between the braces is Liquid as it is.
const PLACEHOLDER = /\{\{(-?)\s*([^{}|]*?)\s*(\|[^{}]*?)?(-?)\}\}/g
const DOTTED = /^(params|steps|memory)((?:\.[^.[\]"'|]+)+)$/

/** Rewrites `{{params.x}}`, `{{steps.x.output}}` and `{{memory.x_output}}` so that an agent can fill them. */
export function translateTemplate(text: string, sight: TemplateSight): TranslatedTemplate {
  const faults: { message: string; hint?: string }[] = []
  const steps = new Set<string>()
  const template = text.replaceAll(
    PLACEHOLDER,
    (...[whole = '', left = '', path = '', filters, right = '']: (string | undefined)[]) => {
      const dotted = DOTTED.exec(path)
      if (!dotted) return whole
      const found = translatePath(dotted[1] ?? '', (dotted[2] ?? '').slice(1).split('.'), sight)
      if ('message' in found) {
        faults.push(found)
        return whole
      }
      if (found.step !== undefined) steps.add(found.step)
      return `{{${left} ${found.path}${filters ? ` ${filters.trim()}` : ''} ${right}}}`
    },
  )
  return { template, steps: [...steps], faults }
}

type Translated =
  | { readonly path: string; readonly step?: string }
  | { readonly message: string; readonly hint?: string }

function translatePath(root: string, parts: readonly string[], sight: TemplateSight): Translated {
  const [name = '', ...rest] = parts.map((part) => part.trim())
  const shown = `{{${root}.${parts.join('.')}}}`
  if (root === 'params') {
    if (sight.params.has(name)) return { path: `input${inBrackets([name, ...rest])}` }
    return { message: `${shown} names a parameter that the workflow does not have`, ...listKnown(sight.params) }
  }
  if (root === 'steps') {
    if (sight.steps.includes(name)) return { path: stepPath(name, rest), step: name }
    return { message: `${shown} names a step that does not stand before this one`, ...listKnown(sight.steps) }
  }
  const meant = sight.memory.get(name)
  if (meant === undefined)
    return { message: `${shown} is not among the memory.needs of this step`, ...listKnown(sight.memory.keys()) }
  if (meant.startsWith('input')) return { path: `${meant}${inBrackets(rest)}` }
  return { path: stepPath(meant, rest), step: meant }
}

/** `steps.a`, `steps.a.output` and `steps.a.FIELD`, which older files write without `output`. */
function stepPath(name: string, rest: readonly string[]): string {
  const below = rest[0] === 'output' || rest[0] === 'status' ? rest : ['output', ...rest]
  return `steps${inBrackets([name, ...below])}`
}

function inBrackets(parts: readonly string[]): string {
  return parts.map((part) => (/^\d+$/.test(part) ? `[${part}]` : `[${JSON.stringify(part)}]`)).join('')
}

function listKnown(names: Iterable<string>): { readonly hint?: string } {
  const known = [...names].slice(0, 12)
  return { hint: known.length === 0 ? 'It has none.' : `There are: ${known.join(', ')}.` }
}
