import type { Candidate } from './candidates.ts'
import { findCycles } from './cycles.ts'
import { checkName } from './name.ts'
import { suggest } from './nearest.ts'
import { levelsOf, type PlacedPlan, type PlanBounds, type PlanTask } from './plan.ts'
import type { Report } from './report.ts'
import { findCheck } from './verify.ts'
import type { Path } from './yaml.ts'

/** What a task can require without anybody having set anything. */
export const CAPABILITIES = [
  'text-generation',
  'reasoning',
  'coding',
  'analysis',
  'summarization',
  'translation',
  'creative-writing',
  'mathematics',
  'extraction',
] as const

// Step ids use these to say where a step came from.
const RESERVED_IN_IDS = /[/#~[\]\p{Cc}]/u

// The step that makes a plan stands beside its tasks.
const PLANNER = 'planner'

/** Everything about a plan that lies between its parts. Works on what is well-formed, so one mistake hides no other. */
export function checkPlan(report: Report, plan: PlacedPlan, bounds: PlanBounds): void {
  const sound = checkIds(report, plan)
  for (const { task, path } of plan.tasks) {
    checkCapability(report, { task, path, bounds })
    checkModel(report, { task, path, bounds })
    checkCriteria(report, task, path)
  }
  if (checkEdges(report, plan) && sound) checkDepth(report, plan, bounds.max_depth)
}

/** The models for a task, in order; undefined when nothing that the run offers fits. */
export function chooseModels(task: PlanTask, bounds: PlanBounds): readonly Candidate[] | undefined {
  const { profile, provider, model, capability } = task.requirements
  const { models, capabilities } = bounds
  if (profile === undefined && provider === undefined && model === undefined) {
    const wanted = Object.hasOwn(capabilities, capability) ? capabilities[capability] : undefined
    return (models.find(({ name }) => name === wanted) ?? models[0])?.candidates
  }
  return models.find(({ name, candidates: [first] }) => {
    if (profile !== undefined && profile !== name) return false
    if (provider !== undefined && provider !== first?.provider) return false
    return model === undefined || model === first?.model
  })?.candidates
}

function checkIds(report: Report, { tasks }: PlacedPlan): boolean {
  const seen = new Map<string, string>()
  let sound = true
  const refuse = (path: Path, code: 'name_duplicate' | 'name_refused', message: string) => {
    report.add([...path, 'id'], { code, message })
    sound = false
  }
  for (const { task, path } of tasks) {
    const key = task.id.normalize('NFC').toLowerCase()
    const first = seen.get(key)
    if (first !== undefined) refuse(path, 'name_duplicate', `two tasks have the id ${quote(first)}`)
    else seen.set(key, task.id)
    const refused = checkName(task.id)
    if (refused) refuse(path, 'name_refused', refused.message.replace('the name', 'the id'))
    else if (RESERVED_IN_IDS.test(task.id))
      refuse(path, 'name_refused', `the id ${quote(task.id)} uses one of / # ~ [ ]`)
    else if (key === PLANNER) refuse(path, 'name_refused', `the id ${quote(task.id)} is that of the planner itself`)
  }
  return sound
}

interface Work {
  readonly task: PlanTask
  readonly path: Path
  readonly bounds: PlanBounds
}

function checkCapability(report: Report, { task, path, bounds }: Work): void {
  const { capability } = task.requirements
  const known = [...new Set([...CAPABILITIES, ...Object.keys(bounds.capabilities)])]
  if (known.includes(capability)) return
  report.add([...path, 'requirements', 'capability'], {
    code: 'capability_unknown',
    message: `the task ${quote(task.id)} requires the capability ${quote(capability)}, which nobody has`,
    hint: `Known: ${known.join(', ')}.`,
    ...suggest(capability, known),
  })
}

function checkModel(report: Report, { task, path, bounds }: Work): void {
  if (chooseModels(task, bounds)) return
  const { profile, provider, model } = task.requirements
  const names = bounds.models.map(({ name }) => name)
  const providers = [...new Set(bounds.models.map(({ candidates }) => candidates[0]?.provider))]
  const offered = `This run offers: ${names.join(', ') || 'none'}.`
  const at = (key: string) => [...path, 'requirements', key]
  const who = `the task ${quote(task.id)} wants`
  if (profile !== undefined && !names.includes(profile)) {
    const message = `${who} the profile ${quote(profile)}, which this run does not offer`
    report.add(at('profile'), { code: 'profile_missing', message, hint: offered })
  } else if (provider !== undefined && !providers.includes(provider)) {
    const message = `${who} the provider ${quote(provider)}, which this run does not offer`
    report.add(at('provider'), { code: 'provider_unknown', message, hint: `This run offers: ${providers.join(', ')}.` })
  } else {
    const wanted = [profile, provider, model].filter((one) => one !== undefined).map(quote)
    const message = `${who} the model ${wanted.join(' ')}, which is more than this run grants`
    report.add(at(model === undefined ? 'provider' : 'model'), { code: 'plan_rights', message, hint: offered })
  }
}

function checkCriteria(report: Report, task: PlanTask, path: Path): void {
  for (const [index, name] of task.quality_criteria.entries())
    if (!findCheck(name))
      report.add([...path, 'quality_criteria', index], {
        code: 'check_unknown',
        message: `the task ${quote(task.id)} has the criterion ${quote(name)}, which nobody can check`,
        hint: 'Known: non-empty, coherent, citation, no-refusal, no-placeholder, min-length-N, max-length-N.',
      })
}

/** Without circles and loose ends? */
function checkEdges(report: Report, { tasks, edges }: PlacedPlan): boolean {
  const waitsFor = new Map(tasks.map(({ task }) => [task.id, [] as string[]]))
  let sound = true
  for (const { edge, path } of edges)
    for (const end of ['from', 'to'] as const) {
      if (waitsFor.has(edge[end])) continue
      sound = false
      const hint = report.wantsHints ? suggest(edge[end], waitsFor.keys()) : {}
      const message = `there is no task ${quote(edge[end])} for the edge from ${quote(edge.from)} to ${quote(edge.to)}`
      report.add([...path, end], { code: 'dependency_unknown', message, ...hint })
    }
  for (const { edge } of edges) if (waitsFor.has(edge.from)) waitsFor.get(edge.to)?.push(edge.from)
  const cycles = findCycles(waitsFor)
  for (const cycle of cycles) {
    const shown = cycle.length > 12 ? [...cycle.slice(0, 10), '…', ...cycle.slice(-1)] : cycle
    const message = `tasks wait for each other in a circle: ${shown.map((id) => id.slice(0, 60)).join(' -> ')}`
    report.add(['edges'], { code: 'dependency_cycle', message })
  }
  return sound && cycles.length === 0
}

function checkDepth(report: Report, { tasks, edges }: PlacedPlan, max_depth: number): void {
  const levels = levelsOf({ tasks: tasks.map(({ task }) => task), edges: edges.map(({ edge }) => edge) })
  if (levels.length <= max_depth) return
  report.add(['edges'], {
    code: 'plan_too_large',
    message: `${levels.length} tasks wait for each other in a row; at most ${max_depth} are allowed`,
    hint: 'The setting plan.max_depth says how many.',
  })
}

/** Names come from a stranger: shortened, and nothing a terminal would obey. */
function quote(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return JSON.stringify(short.toWellFormed()).replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\ufffd')
}
