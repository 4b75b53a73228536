import type { Piece } from './piece.ts'

/** What a selector `[node, variable]` stands for: a path in conditions and templates, and the steps behind it. */
export interface Selected {
  readonly path: string
  readonly keys: readonly string[]
  readonly steps: readonly string[]
  /** A value of the run's input that may be left out. */
  readonly optional?: boolean
}

export interface Branching {
  /** One per case, in order; the handle of an edge names it. */
  readonly cases: readonly { readonly handle: string; readonly cel: string }[]
  readonly steps: readonly string[]
}

/** The cases of an if-else node; undefined when one of its tests has no counterpart (it is refused by name). */
export function readBranching(node: Piece, select: (selector: Piece) => Selected | undefined): Branching | undefined {
  const cases = node.has('cases') ? node.list('cases') : [node]
  const steps = new Set<string>()
  const read = cases.map((one, index) => {
    const id = one === node ? 'true' : (one.text('case_id') ?? one.text('id') ?? String(index))
    one.text('id')
    const joint = one.text('logical_operator') === 'or' ? ' || ' : ' && '
    const tests = one.list('conditions').map((condition) => {
      const selected = select(condition.get('variable_selector'))
      condition.text('id')
      for (const step of selected?.steps ?? []) steps.add(step)
      return selected && readTest(condition, selected)
    })
    if (tests.length === 0) one.notes.refuse(one.path, 'a case of an if-else node has no conditions')
    return tests.every((test) => test !== undefined)
      ? { handle: id, cel: tests.map((test) => `(${test})`).join(joint) }
      : undefined
  })
  if (read.some((one) => one === undefined)) return undefined
  return { cases: read.filter((one) => one !== undefined), steps: [...steps] }
}

/** The condition under which an edge with this handle is followed: its case holds and none above it does; `false` is the way when none does. */
export function conditionOf({ cases }: Branching, handle: string): string | undefined {
  const at = cases.findIndex((one) => one.handle === handle)
  if (at < 0 && handle !== 'false') return undefined
  const above = (at < 0 ? cases : cases.slice(0, at)).map(({ cel }) => `!(${cel})`)
  const own = cases[at]
  return [...above, ...(own ? [`(${own.cel})`] : [])].join(' && ')
}

function readTest(condition: Piece, { path, optional }: Selected): string | undefined {
  const operator = condition.text('comparison_operator')?.toLowerCase()
  const kind = condition.text('varType') ?? condition.text('variable_type') ?? 'string'
  const { value: raw } = condition.get('value')
  const isList = kind.startsWith('array')
  const there = optional ? `has(${path}) && ` : ''
  const gone = optional ? `!has(${path}) || ` : ''
  if (operator === 'empty' || operator === 'is empty' || operator === 'null' || operator === 'not exists')
    return `${gone}!truthy(${path})`
  if (operator === 'not empty' || operator === 'is not empty' || operator === 'not null' || operator === 'exists')
    return `${there}truthy(${path})`
  const refuse = (why: string) => {
    condition.notes.refuse(condition.path, `a test of an if-else node cannot be taken over: ${why}`)
    return undefined
  }
  if (
    raw === undefined ||
    raw === null ||
    (typeof raw === 'object' && !(Array.isArray(raw) && raw.every((item) => typeof item === 'string')))
  )
    return refuse('it compares with something that is no text, number or truth value')
  if (typeof raw === 'string' && /\{\{#|\{\{/.test(raw)) return refuse('it compares two variables')
  const text = JSON.stringify(String(raw))
  const number = typeof raw === 'number' ? raw : Number(String(raw).trim() === '' ? Number.NaN : raw)
  const sign = SIGNS[operator ?? '']
  if (sign !== undefined) {
    if (!Number.isFinite(number)) return refuse(`${JSON.stringify(raw)} is no number`)
    return `${there}double(${path}) ${sign} ${Number.isInteger(number) ? `${number}.0` : number}`
  }
  const list = JSON.stringify(Array.isArray(raw) ? raw : [raw])
  switch (operator) {
    case 'contains':
      return isList ? `${there}${text} in ${path}` : `${there}string(${path}).contains(${text})`
    case 'not contains':
      return isList ? `${gone}!(${text} in ${path})` : `${gone}!string(${path}).contains(${text})`
    case 'start with':
      return `${there}string(${path}).startsWith(${text})`
    case 'end with':
      return `${there}string(${path}).endsWith(${text})`
    case 'is':
      return typeof raw === 'boolean' ? `${there}${path} == ${raw}` : `${there}string(${path}) == ${text}`
    case 'is not':
      return typeof raw === 'boolean' ? `${gone}${path} != ${raw}` : `${gone}string(${path}) != ${text}`
    case 'in':
      return `${there}${path} in ${list}`
    case 'not in':
      return `${gone}!(${path} in ${list})`
    default:
      return refuse(`${operator ?? 'nothing'} is no test that is known`)
  }
}

const SIGNS: { readonly [operator: string]: string } = {
  '=': '==',
  '≠': '!=',
  '>': '>',
  '<': '<',
  '≥': '>=',
  '≤': '<=',
}
