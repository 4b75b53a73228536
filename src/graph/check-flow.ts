import type { Problem } from '../events/errors.ts'
import { type CelFault, checkCel, RUN } from './cel.ts'
import { findUnsupported } from './json-schema.ts'
import { checkLiquid, liquidSteps, liquidVariables } from './liquid.ts'
import { readBody } from './loop-body.ts'
import { suggest } from './nearest.ts'
import { toCel, toCondition } from './older-expression.ts'
import { isMap, type Report } from './report.ts'
import type { Path } from './yaml.ts'

/** What the keys of control flow of one agent are checked against. */
export interface FlowWork {
  readonly raw: { readonly [key: string]: unknown }
  readonly path: Path
  /** The agent as messages call it. */
  readonly label: string
  /** The agents it depends on: all that its expressions may name. */
  readonly visible: ReadonlySet<string>
  /** All agents beside it, to tell a missing dependency from a slip. */
  readonly beside: ReadonlySet<string>
}

/** What expressions inside a loop see besides `steps` and `input`. */
const ROUND_VARIABLES = ['round', 'output']
const MAX_LISTED = 10_000

/** Conditions, items, loops, templates, schemas: everything an agent says about when, how often and with what it works. */
export function checkFlow(report: Report, work: FlowWork): void {
  const { raw } = work
  checkExpression(report, work, { key: ['when'], text: raw['when'], read: toCondition })
  checkExpression(report, work, { key: ['dispatch'], text: raw['dispatch'], read: toCel })
  checkItems(report, work)
  checkLoop(report, work)
  checkInput(report, work)
  checkTemplate(report, work)
  checkKind(report, work)
}

interface Expression {
  readonly key: Path
  readonly text: unknown
  /** To CEL, from whatever notation it is written in. */
  readonly read: (text: string) => string
  readonly names?: ReadonlySet<string>
  readonly variables?: readonly string[]
}

/** Reports what is wrong with an expression of an agent; texts of a wrong type are the schema's concern. */
function checkExpression(report: Report, work: FlowWork, { key, text, read, ...known }: Expression): void {
  if (typeof text !== 'string' || text === '') return
  const { names = work.visible, variables = [] } = known
  const cel = read(text)
  for (const fault of checkCel(cel, names, [...variables, RUN])) {
    // an older reference has been rewritten, so a place in it would point elsewhere
    const at = fault.at === undefined || cel !== text ? '' : ` (character ${fault.at + 1})`
    report.add([...work.path, ...key], {
      code: 'condition_invalid',
      message: `${key.join('.')} of ${work.label}: ${fault.message}${at}`,
      ...hintFor(fault, work, names),
    })
  }
}

function hintFor(
  fault: CelFault,
  { beside, visible }: FlowWork,
  names: ReadonlySet<string>,
): { readonly hint?: string } {
  if (fault.step !== undefined && names === visible && beside.has(fault.step))
    return { hint: `Add "${fault.step}" to depends_on.` }
  return fault.hint === undefined ? {} : { hint: fault.hint }
}

function checkItems(report: Report, work: FlowWork): void {
  const { raw, path, label } = work
  const given = raw['for_each']
  const inner = isMap(given) ? given['in'] : given
  const key = isMap(given) ? ['for_each', 'in'] : ['for_each']
  checkExpression(report, work, { key, text: inner, read: toCel })
  const refuse = (at: string, message: string, hint?: string) =>
    report.add([...path, at], { code: 'ensemble_invalid', message, ...(hint === undefined ? {} : { hint }) })
  if (Array.isArray(inner) && inner.length > MAX_LISTED)
    refuse('for_each', `for_each of ${label} lists ${inner.length} items; ${MAX_LISTED} may stand in a file`)
  const isFan = raw['fan_out'] === true
  if (isFan && given !== undefined)
    refuse(
      'for_each',
      `${label} has both fan_out and for_each`,
      'Keep one of them: both say where the items come from.',
    )
  if (given !== undefined && raw['input_key'] !== undefined)
    refuse('input_key', `input_key of ${label} has no effect beside for_each`, 'Name the key in for_each.')
  if (isMap(given) && given['width'] !== undefined && raw['max_parallel'] !== undefined)
    refuse('max_parallel', `${label} says twice how many items run at once: width and max_parallel`)
  if (raw['max_parallel'] !== undefined && given === undefined && !isFan)
    warn(report, [...path, 'max_parallel'], {
      message: `max_parallel of ${label} has no effect without fan_out or for_each`,
    })
}

function checkLoop(report: Report, work: FlowWork): void {
  const { raw, path, label } = work
  const loop = raw['loop']
  if (!isMap(loop)) return
  if (loop['max_iterations'] === undefined)
    report.add([...path, 'loop'], {
      code: 'loop_unbounded',
      message: `the loop of ${label} has no limit`,
      hint: 'Add max_iterations: the most rounds it may take.',
    })
  const { agents } = readBody(loop['body'] as readonly unknown[])
  const names = new Set(
    agents.flatMap((agent) => (isMap(agent) && typeof agent['name'] === 'string' ? agent['name'] : [])),
  )
  // what an ensemble as a body has inside is known when it is compiled
  if (typeof loop['body'] !== 'string') checkRounds(report, work, names)
  if (loop['until'] === undefined && loop['carry'] === undefined && Number(loop['max_iterations']) > 1)
    warn(report, [...path, 'loop'], {
      message: `every round of the loop of ${label} gets the same input and none ends it`,
      hint: 'Add until or carry.',
    })
}

/** `until` and `carry`, once the agents of the body are known. */
export function checkRounds(report: Report, work: FlowWork, names: ReadonlySet<string>): void {
  const loop = work.raw['loop']
  if (!isMap(loop)) return
  const scope = { names, variables: ROUND_VARIABLES }
  checkExpression(report, work, { key: ['loop', 'until'], text: loop['until'], read: toCondition, ...scope })
  checkExpression(report, work, { key: ['loop', 'carry'], text: loop['carry'], read: toCel, ...scope })
}

function checkInput(report: Report, { raw, path, label, visible }: FlowWork): void {
  if (visible.size > 0) return
  if (raw['input_key'] !== undefined)
    report.add([...path, 'input_key'], {
      code: 'ensemble_invalid',
      message: `input_key of ${label} needs depends_on: the first dependency gives the input`,
    })
  if (raw['input_scope'] === 'dependencies')
    report.add([...path, 'input_scope'], {
      code: 'ensemble_invalid',
      message: `${label} sees nothing: input_scope leaves the input out, and there are no dependencies`,
      hint: 'Add depends_on.',
    })
}

function checkTemplate(report: Report, work: FlowWork): void {
  const { raw, path, label, visible, beside } = work
  const given = raw['template']
  const texts: [Path, unknown][] = isMap(given)
    ? ['prompt', 'system'].map((key) => [['template', key], given[key]])
    : [[['template'], given]]
  for (const [key, text] of texts) {
    if (typeof text !== 'string') continue
    const add = (message: string, hint: string | undefined) =>
      report.add([...path, ...key], {
        code: 'template_invalid',
        message: `${key.join('.')} of ${label}: ${message}`,
        ...(hint === undefined ? {} : { hint }),
      })
    for (const { message, hint, line } of checkLiquid(text))
      add(`${message}${line === undefined ? '' : ` on line ${line} of the template`}`, hint)
    for (const name of liquidSteps(text))
      if (!visible.has(name))
        add(
          `"${name}" is not a step that it can see`,
          beside.has(name) ? `Add "${name}" to depends_on.` : suggest(name, visible).hint,
        )
    for (const name of liquidVariables(text))
      if (name !== 'input' && name !== 'steps')
        add(
          `there is no variable ${name}`,
          visible.has(name) ? `Write steps.${name}.output.` : 'Templates see input and steps.',
        )
  }
}

const OF_MODELS = ['template', 'output_schema', 'system_prompt', 'temperature', 'max_tokens', 'fallback']

/** Keys that say something to a model, on agents that ask none. */
function checkKind(report: Report, { raw, path, label }: FlowWork): void {
  const schema = raw['output_schema']
  for (const keyword of isMap(schema) ? findUnsupported(schema) : [])
    report.add([...path, 'output_schema'], {
      code: 'ensemble_invalid',
      message: `output_schema of ${label} uses ${keyword}, which is not checked here`,
    })
  const work = ['ensemble', 'dispatch', 'loop'].find((key) => raw[key] !== undefined)
  if (work === undefined) return
  for (const key of OF_MODELS.filter((key) => raw[key] !== undefined))
    warn(report, [...path, key], {
      message: `${key} of ${label} has no effect beside ${work}`,
      hint: `Write it inside the ${work}.`,
    })
  if (raw['verify'] !== undefined)
    report.add([...path, 'verify'], {
      code: 'ensemble_invalid',
      message: `${label} cannot have verify beside ${work}`,
      hint: 'Verify the agents inside it, or an agent after it.',
    })
  if (raw['retry'] !== undefined)
    warn(report, [...path, 'retry'], {
      message: `retry of ${label} has no effect: the steps inside ${work} keep their results`,
    })
}

type Warning = Pick<Problem, 'message' | 'hint'>

function warn(report: Report, path: Path, warning: Warning): void {
  report.add(path, { code: 'ensemble_invalid', severity: 'warning', ...warning }, 'key')
}
