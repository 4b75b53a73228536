import type { JsonObject } from '../events/values.ts'
import { checkAssertion } from './assertion.ts'
import { checkCache } from './cache-policy.ts'
import { checkFlow } from './check-flow.ts'
import { findCycles } from './cycles.ts'
import { type FoundDependency, findDependencies } from './dependencies.ts'
import { findUnsupported } from './json-schema.ts'
import { readBody } from './loop-body.ts'
import { checkName } from './name.ts'
import { suggest } from './nearest.ts'
import { MAX_DEPTH } from './nesting.ts'
import { isMap, type Report } from './report.ts'
import { checkTemplates } from './template.ts'
import { parseThreshold } from './validation.ts'
import type { Path } from './yaml.ts'

type Raw = { readonly [key: string]: unknown }
type Checked = {
  readonly raw: Raw
  readonly path: Path
  readonly name: string | undefined
  readonly after: readonly FoundDependency[]
}

/**
 * First words that a `command:` may not have. This catches slips and nothing else: `env rm`, a script or an inline shell does the same
 * unhindered. What a file may really do is decided by policy and sandbox.
 */
const REFUSED_COMMANDS = new Set(
  'rm rmdir del format fdisk mkfs dd sudo su chmod chown passwd useradd userdel'.split(' '),
)
// Step ids use these to say where a step came from.
const RESERVED_IN_NAMES = /[/#~[\]\p{Cc}]/u

/** Everything about a file that lies between its keys. Works on what is well-formed, so a wrong type elsewhere hides nothing. */
export function checkEnsemble(report: Report, data: Raw, strict: boolean): void {
  const name = data['name']
  const refused = typeof name === 'string' && name !== '' ? checkName(name) : undefined
  if (refused) report.add(['name'], refused)
  if (data['description'] === undefined)
    report.add([], {
      code: 'ensemble_invalid',
      message: 'description is missing',
      hint: 'One line that says what the ensemble is for; lists show it.',
      severity: strict ? 'error' : 'warning',
    })
  const names = checkAgents(report, { list: data['agents'], path: ['agents'], strict, depth: 0 })
  const coordinator = data['coordinator']
  if (isMap(coordinator)) checkModelSource(report, { raw: coordinator, path: ['coordinator'] }, strict)
  if (isMap(coordinator) && Object.keys(coordinator).length > 0 && data['assemble'] !== undefined)
    report.add(['assemble'], {
      code: 'ensemble_invalid',
      message: 'coordinator and assemble are both the last step',
      hint: 'Keep assemble.',
    })
  checkValidation(report, data['validation'], names)
}

interface AgentList {
  readonly list: unknown
  readonly path: Path
  readonly strict: boolean
  /** How many loops it stands in. */
  readonly depth: number
}

/** The agents of the file, and again those of each loop. Answers their names. */
function checkAgents(report: Report, { list, path, strict, depth }: AgentList): ReadonlySet<string> {
  const agents = (Array.isArray(list) ? (list as unknown[]) : []).flatMap((raw, index): Checked[] => {
    if (!isMap(raw)) return []
    const given = raw['name']
    const known = typeof given === 'string' && given !== '' ? given : undefined
    return [{ raw, path: [...path, index], name: known, after: findDependencies(raw) }]
  })
  const names = new Set(agents.flatMap((agent) => agent.name ?? []))
  checkNames(report, agents)
  checkDependencies(report, agents)
  for (const agent of agents) {
    checkWork(report, agent)
    checkModelSource(report, agent, strict)
    checkParameters(report, agent)
    const label = labelOf(agent.name)
    const visible = new Set(agent.after.map(({ step }) => step))
    checkFlow(report, { raw: agent.raw, path: agent.path, label, visible, beside: names })
    const loop = agent.raw['loop']
    if (!isMap(loop)) continue
    const body = readBody(loop['body'] as readonly unknown[])
    const inner = [...agent.path, 'loop', ...body.path]
    if (depth < MAX_DEPTH) checkAgents(report, { list: body.agents, path: inner, strict, depth: depth + 1 })
    else
      report.add([...agent.path, 'loop'], {
        code: 'ensemble_too_deep',
        message: `the loop of ${label} stands inside ${depth} others; ${MAX_DEPTH} are allowed`,
      })
  }
  return names
}

function labelOf(name: string | undefined): string {
  return name === undefined ? 'the agent' : `"${name}"`
}

function checkNames(report: Report, agents: readonly Checked[]): void {
  const seen = new Map<string, { name: string; line: number | undefined }>()
  for (const { name, path } of agents) {
    if (name === undefined) continue
    const at = [...path, 'name']
    if (RESERVED_IN_NAMES.test(name) || name.trim() !== name)
      report.add(at, {
        code: 'name_refused',
        message: `the agent name ${JSON.stringify(name)} holds / # ~ [ ] or a control character, or begins or ends with a space`,
        hint: 'These characters are used to number items, rounds and repairs of a step.',
      })
    const key = name.normalize('NFC').toLowerCase()
    const first = seen.get(key)
    if (!first) {
      seen.set(key, { name, line: report.place(at).line })
      continue
    }
    const where = first.line === undefined ? '' : ` on line ${first.line}`
    const message =
      first.name === name
        ? `the agent name "${name}" is used twice, first${where}`
        : `the agent name "${name}" differs from "${first.name}"${where} only by letter case or accent form`
    report.add(at, { code: 'name_duplicate', message })
  }
}

function checkDependencies(report: Report, agents: readonly Checked[]): void {
  const names = new Set(agents.flatMap((agent) => agent.name ?? []))
  const waitsFor = new Map<string, string[]>()
  for (const { name, path, after, raw } of agents) {
    const others: string[] = []
    for (const { step, path: at } of after) {
      if (step === name)
        report.add([...path, ...at], {
          code: 'dependency_cycle',
          message: `"${name}" depends on itself: ${name} -> ${name}`,
        })
      else if (names.has(step)) others.push(step)
      else
        report.add([...path, ...at], {
          code: 'dependency_unknown',
          message: `"${name ?? 'an agent'}" depends on "${step}", which is not an agent of this ensemble`,
          ...(report.wantsHints ? suggest(step, names) : {}),
        })
    }
    if (name !== undefined) waitsFor.set(name, [...(waitsFor.get(name) ?? []), ...others])
    if (raw['fan_out'] === true && after.length === 0)
      report.add([...path, 'fan_out'], {
        code: 'ensemble_invalid',
        message: 'fan_out needs depends_on: the first dependency gives the items',
      })
  }
  const placeOf = new Map(agents.map((agent) => [agent.name, agent.path]))
  for (const cycle of findCycles(waitsFor))
    report.add([...(placeOf.get(cycle[0]) ?? []), 'depends_on'], {
      code: 'dependency_cycle',
      message: `agents wait for each other in a circle: ${cycle.join(' -> ')}`,
      hint: 'Each waits for the next one; remove one of these dependencies.',
    })
}

/** Each says which model does the work; the last two leave it to be chosen for each call. */
const MODEL_KEYS = ['model_profile', 'model', 'candidates', 'requirements']

function checkWork(report: Report, { raw, path, name }: Checked): void {
  const has = (key: string) => raw[key] !== undefined
  const label = labelOf(name)
  const model = MODEL_KEYS.find(has)
  const works = ['script', 'command', 'ensemble', 'dispatch', 'loop', 'assemble'].filter(has)
  if (model && raw['type'] !== 'script' && !has('assemble')) works.unshift(model)
  if (works.length > 1)
    report.add(path, {
      code: 'ensemble_invalid',
      message: `${label} has more than one kind of work: ${works.join(', ')}`,
      hint: 'Keep one of them.',
    })
  const wantsScript = raw['type'] === 'script'
  if (wantsScript && !has('script') && !has('command'))
    report.add(path, { code: 'ensemble_invalid', message: `${label} has the type script but no script or command` })
  else if (raw['type'] === 'llm' && (has('script') || has('command')))
    report.add([...path, 'type'], { code: 'ensemble_invalid', message: `${label} has the type llm and a script` })
  // an older agent may be a role, or say that it is a model, and leave the choice of the model to the configuration
  if (works.length === 0 && !wantsScript && !has('role') && raw['type'] !== 'llm' && !has('provider'))
    report.add(path, {
      code: 'ensemble_invalid',
      message: `${label} has no work: neither model_profile, nor model and provider, nor script`,
      hint: 'Add `model_profile: default` for the default model.',
    })
  if (has('retry') && (has('script') || has('command')) && raw['safety'] !== 'pure' && raw['safety'] !== 'idempotent')
    report.add(
      [...path, 'retry'],
      {
        code: 'retry_unsafe',
        message: `${label} retries a script that does not declare safety: a try that may have touched the world is not repeated`,
        hint: 'Add `safety: pure` or `safety: idempotent` if running it twice does no harm.',
        severity: 'warning',
      },
      'key',
    )
  if (has('tools') && (wantsScript || has('script') || has('command')))
    report.add(
      [...path, 'tools'],
      {
        code: 'unknown_key',
        message: `${label} is a script, and tools are called by models only; this has no effect`,
        hint: 'Remove it, or let an agent with a model call them.',
        severity: 'warning',
      },
      'key',
    )
  if (has('context') && (wantsScript || has('script') || has('command')))
    report.add(
      [...path, 'context'],
      {
        code: 'unknown_key',
        message: `${label} is a script, and only what models read is fitted to a context; this has no effect`,
        hint: 'Remove it, or let an agent with a model have it.',
        severity: 'warning',
      },
      'key',
    )
  const composes = ['ensemble', 'dispatch', 'loop', 'assemble'].some(has)
  const work = wantsScript || has('script') || has('command') ? 'script' : composes ? 'steps' : 'model'
  checkCache(report, { raw, path, label, work })
  if (has('sandbox') && !has('script') && !has('command'))
    report.add(
      [...path, 'sandbox'],
      {
        code: 'not_yet_supported',
        message: `${label} is no script, and only scripts have a sandbox of their own`,
        hint: 'Programs of tools have one by their permissions and the setting sandbox.tier.',
      },
      'key',
    )
  const command = raw['command']
  const word = typeof command === 'string' ? (command.trim().split(/\s+/)[0] ?? '') : ''
  const program = word.split('/').at(-1) ?? ''
  if (REFUSED_COMMANDS.has(program.toLowerCase()))
    report.add([...path, 'command'], { code: 'command_refused', message: `the command ${program} is refused` })
  if (has('synthesis_timeout_seconds'))
    report.add(
      [...path, 'synthesis_timeout_seconds'],
      {
        code: 'unknown_key',
        message: 'synthesis_timeout_seconds has no effect on an agent',
        hint: 'Use timeout_seconds.',
        severity: 'warning',
      },
      'key',
    )
}

function checkModelSource(report: Report, { raw, path }: Pick<Checked, 'raw' | 'path'>, strict: boolean): void {
  const chooses = ['candidates', 'requirements'].find((key) => raw[key] !== undefined)
  const named = ['model_profile', 'model', 'provider'].find((key) => raw[key] !== undefined)
  if (chooses && named)
    report.add([...path, named], {
      code: 'ensemble_invalid',
      message: `${named} stands beside ${chooses}, which says that the model is chosen`,
      hint: 'Keep one of them.',
    })
  if (raw['routing'] !== undefined && !chooses)
    report.add([...path, 'routing'], {
      code: 'ensemble_invalid',
      message: 'routing says how one of several models is chosen, and there is nothing to choose from',
      hint: 'Add candidates or requirements, or write routing into the profile that has them.',
    })
  if (raw['model_profile'] !== undefined && (raw['model'] !== undefined || raw['provider'] !== undefined))
    report.add([...path, 'model_profile'], {
      code: 'ensemble_invalid',
      message: 'model_profile stands beside model or provider',
      hint: 'Keep either model_profile, or model and provider.',
    })
  else if (raw['provider'] !== undefined && raw['model'] === undefined)
    report.add([...path, 'provider'], { code: 'ensemble_invalid', message: 'provider needs a model beside it' })
  else if (raw['model'] !== undefined && raw['provider'] === undefined)
    report.add([...path, 'model'], {
      code: 'ensemble_invalid',
      message:
        'model stands without provider, as in the oldest files: it is taken for a profile of that name, else for a local Ollama model',
      hint: 'Add `provider:`.',
      severity: strict ? 'error' : 'warning',
    })
  if (raw['fallback'] !== undefined && raw['fallback_model_profile'] !== undefined)
    report.add([...path, 'fallback'], {
      code: 'ensemble_invalid',
      message: 'fallback and fallback_model_profile mean the same; keep one',
    })
}

function checkParameters(report: Report, { raw, path, after }: Checked): void {
  if (!isMap(raw['parameters'])) return
  const known = new Set(after.map((dependency) => dependency.step))
  for (const { at, ...fault } of checkTemplates(raw['parameters'] as JsonObject, known))
    report.add([...path, 'parameters', ...at], { code: 'template_invalid', ...fault })
}

function checkValidation(report: Report, validation: unknown, agents: ReadonlySet<string>): void {
  if (!isMap(validation)) return
  const checkAgent = (agent: unknown, path: Path) => {
    if (typeof agent === 'string' && !agents.has(agent))
      report.add(path, {
        code: 'dependency_unknown',
        message: `"${agent}" is not an agent of this ensemble, so this check cannot pass`,
        severity: 'warning',
        ...(report.wantsHints ? suggest(agent, agents) : {}),
      })
  }
  const structural = validation['structural']
  for (const [index, agent] of listOf(isMap(structural) ? structural['required_agents'] : undefined))
    checkAgent(agent, ['validation', 'structural', 'required_agents', index])
  for (const key of ['schema', 'schema_validations'])
    for (const [index, check] of listOf(validation[key])) {
      if (!isMap(check)) continue
      checkAgent(check['agent'], ['validation', key, index, 'agent'])
      const unsupported = isMap(check['output_schema']) ? findUnsupported(check['output_schema']) : []
      for (const keyword of unsupported)
        report.add(['validation', key, index, 'output_schema'], {
          code: 'ensemble_invalid',
          message: `output_schema uses ${keyword}, which is not checked here`,
          hint: 'Use type, properties, required, items, enum, const, limits and additionalProperties: false.',
        })
    }
  for (const [index, check] of listOf(validation['behavioral'])) {
    const text = isMap(check) ? check['assertion'] : undefined
    const fault = typeof text === 'string' ? checkAssertion(text) : undefined
    if (fault)
      report.add(['validation', 'behavioral', index, 'assertion'], {
        code: 'assertion_invalid',
        message: `the assertion cannot be read: ${fault.message}`,
      })
  }
  for (const [index, check] of listOf(validation['quantitative'])) {
    const text = isMap(check) ? check['threshold'] : undefined
    if (typeof text === 'string' && !parseThreshold(text))
      report.add(['validation', 'quantitative', index, 'threshold'], {
        code: 'ensemble_invalid',
        message: `the threshold ${JSON.stringify(text.slice(0, 40))} is not a limit`,
        hint: 'Write for example "< 30".',
      })
  }
}

function listOf(value: unknown): [number, unknown][] {
  return Array.isArray(value) ? [...value.entries()] : []
}
