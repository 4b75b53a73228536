import { isError, type Problem } from '../events/errors.ts'
import type { Json } from '../events/values.ts'
import {
  type PlacedPlan,
  type Plan,
  type PlanBounds,
  type PlanEdge,
  type PlanTask,
  TASK_TYPES,
  type TaskRequirements,
  type TaskType,
} from './plan.ts'
import { checkPlan } from './plan-check.ts'
import { isMap, printPath, Report } from './report.ts'
import { describeValue } from './schema-issues.ts'
import { type Locate, type Path, parseYaml } from './yaml.ts'

export interface ReadPlan {
  /** Absent when there is an error. */
  readonly plan?: Plan
  readonly problems: readonly Problem[]
}

const DEFAULT_REQUIREMENTS: TaskRequirements = { capability: 'text-generation', min_quality: 0.7 }
const DEFAULT_CRITERIA = ['non-empty'] as const

const PLAN_KEYS = new Set(['tasks', 'edges', 'request'])
/** Written beside a plan by `plan --output json`. */
const COMPANIONS = new Set(['levels', 'run', 'made_by', 'provider_notes', 'warnings', 'saved', 'problems'])
const TASK_KEYS = new Set(['id', 'type', 'description', 'requirements', 'quality_criteria'])
const REQUIREMENT_KEYS = new Set(['capability', 'min_quality', 'profile', 'provider', 'model'])
const EDGE_KEYS = new Set(['from', 'to', 'join'])
const OTHER_EDGES = new Set(['depends_on', 'dependencies', 'after', 'needs'])

/** What would reach further than asking a model: a plan is somebody else's text, and gives itself nothing. */
const RIGHTS = new Set(
  (
    'tools tool tool_choice functions function script scripts command commands shell bash exec code run_code python ' +
    'permission permissions rights grant grants allow allowed allowlist network hosts url urls base_url endpoint ' +
    'file files path paths filesystem read_files write_files env environment secret secrets credentials api_key key ' +
    'budget max_cost cost_limit limits approval approvals approved auto_approve sandbox trust trusted unsafe safety ' +
    'ensemble ensembles agents spawn dispatch plugin plugins mcp mcp_servers system system_prompt on_unknown sudo admin'
  ).split(' '),
)

/** More of one kind than this says nothing new, and a hostile plan has thousands. */
const MOST_PROBLEMS = 30
const LONGEST = { id: 64, description: 8_000, request: 100_000, word: 200 } as const
const MOST_CRITERIA = 20

/** A plan file, YAML or JSON; problems have their places. */
export function parsePlan(text: string, bounds: PlanBounds, file?: string): ReadPlan {
  const yaml = parseYaml(text, file)
  if (yaml.data === undefined) return { problems: yaml.problems }
  return readPlan(yaml.data, bounds, yaml.place)
}

/** A plan as plain data, from a model or a file: missing parts get their defaults, every mistake is named with its reason. */
export function readPlan(data: Json, bounds: PlanBounds, place: Locate = () => ({})): ReadPlan {
  const report = new Report(place)
  const plan = new PlanReader(report).read(data, bounds.max_tasks)
  if (plan) checkPlan(report, plan, bounds)
  const errors = report.problems.filter(isError)
  if (errors.length === 0 && plan) return { plan: toPlan(plan), problems: report.problems }
  return { problems: errors.slice(0, MOST_PROBLEMS) }
}

/** Two edges between the same tasks are one; if they differ, the stricter. */
function toPlan({ request, tasks, edges }: PlacedPlan): Plan {
  const joined = new Map<string, PlanEdge>()
  for (const { edge } of edges) {
    const key = JSON.stringify([edge.from, edge.to])
    if (joined.get(key)?.join !== 'all') joined.set(key, edge)
  }
  return {
    ...(request === undefined ? {} : { request }),
    tasks: tasks.map(({ task }) => task),
    edges: [...joined.values()],
  }
}

type Raw = { readonly [key: string]: unknown }

/** Reads the form; what lies between the parts is checked by `checkPlan`. */
class PlanReader {
  readonly #report: Report

  constructor(report: Report) {
    this.#report = report
  }

  read(data: unknown, max_tasks: number): PlacedPlan | undefined {
    if (!isMap(data) || !('tasks' in data)) {
      const instead = isMap(data) ? `has no tasks` : `is ${describeValue(data)}`
      this.#refuse([], `a plan is a map with tasks and edges, but this ${instead}`)
      return undefined
    }
    this.#checkKeys(data, [], new Set([...PLAN_KEYS, ...COMPANIONS]))
    const tasks = this.#list(data, 'tasks')
    const edges = data['edges'] === undefined || data['edges'] === null ? [] : this.#list(data, 'edges')
    if (!tasks || !edges) return undefined
    if (tasks.length === 0) this.#refuse(['tasks'], 'the plan has no tasks')
    // Nothing is gained by reading on: what comes next costs time per task.
    if (tasks.length > max_tasks || edges.length > max_tasks * max_tasks) {
      const [path, count, most] =
        tasks.length > max_tasks ? ['tasks', tasks.length, max_tasks] : ['edges', edges.length, max_tasks ** 2]
      this.#report.add([path], {
        code: 'plan_too_large',
        message: `the plan has ${count} ${path}; at most ${most} are allowed`,
        hint: 'The setting plan.max_tasks says how many.',
      })
      return undefined
    }
    const request = this.#text(data, 'request', { path: [], longest: LONGEST.request })
    return {
      ...(request === undefined ? {} : { request }),
      tasks: tasks.flatMap((task, index) => this.#task(task, ['tasks', index]) ?? []),
      edges: edges.flatMap((edge, index) => this.#edge(edge, ['edges', index]) ?? []),
    }
  }

  #task(raw: unknown, path: Path): { task: PlanTask; path: Path } | undefined {
    if (!isMap(raw)) {
      this.#refuse(path, `${printPath(path)} should be a map with id and description, not ${describeValue(raw)}`)
      return undefined
    }
    this.#checkKeys(raw, path, TASK_KEYS)
    const id = this.#name(raw, 'id', path)
    const type = this.#type(raw, path)
    const description = this.#text(raw, 'description', { path, longest: LONGEST.description, required: true })
    const requirements = this.#requirements(raw['requirements'], [...path, 'requirements'])
    const quality_criteria = this.#criteria(raw['quality_criteria'], [...path, 'quality_criteria'])
    // A task without a name can be named by no edge; one without words still counts for the rest of the check.
    if (id === undefined) return undefined
    return { task: { id, type, description: description ?? '', requirements, quality_criteria }, path }
  }

  #type(raw: Raw, path: Path): TaskType {
    const given = raw['type']
    if (given === undefined || given === null) return 'generate'
    const type = TASK_TYPES.find((known) => known === given)
    if (type) return type
    const at = [...path, 'type']
    if (typeof given === 'string' && RIGHTS.has(normaliseKey(given)))
      this.#refuseRight(at, `tasks of the type "${given}"`)
    else this.#refuse(at, `${printPath(at)} should be ${TASK_TYPES.join(', ')}, not ${describeValue(given)}`)
    return 'generate'
  }

  #requirements(raw: unknown, path: Path): TaskRequirements {
    if (raw === undefined || raw === null) return DEFAULT_REQUIREMENTS
    if (!isMap(raw)) {
      this.#refuse(path, `${printPath(path)} should be a map, not ${describeValue(raw)}`)
      return DEFAULT_REQUIREMENTS
    }
    this.#checkKeys(raw, path, REQUIREMENT_KEYS)
    const word = (key: string) => this.#text(raw, key, { path, longest: LONGEST.word })
    const [profile, provider, model] = [word('profile'), word('provider'), word('model')]
    return {
      capability: word('capability') ?? DEFAULT_REQUIREMENTS.capability,
      min_quality: this.#quality(raw['min_quality'], [...path, 'min_quality']),
      ...(profile === undefined ? {} : { profile }),
      ...(provider === undefined ? {} : { provider }),
      ...(model === undefined ? {} : { model }),
    }
  }

  #quality(raw: unknown, path: Path): number {
    if (raw === undefined || raw === null) return DEFAULT_REQUIREMENTS.min_quality
    if (typeof raw === 'number' && raw >= 0 && raw <= 1) return raw
    this.#refuse(path, `${printPath(path)} should be a number from 0 to 1, not ${describeValue(raw)}`)
    return DEFAULT_REQUIREMENTS.min_quality
  }

  #criteria(raw: unknown, path: Path): readonly string[] {
    if (raw === undefined || raw === null) return DEFAULT_CRITERIA
    if (!Array.isArray(raw) || raw.length > MOST_CRITERIA || !raw.every((one) => typeof one === 'string')) {
      this.#refuse(path, `${printPath(path)} should be a list of at most ${MOST_CRITERIA} names of checks`)
      return DEFAULT_CRITERIA
    }
    return [...new Set(raw.map((one) => one.trim()))]
  }

  #edge(raw: unknown, path: Path): { edge: PlanEdge; path: Path } | undefined {
    if (!isMap(raw)) {
      this.#refuse(path, `${printPath(path)} should be a map with from and to, not ${describeValue(raw)}`)
      return undefined
    }
    this.#checkKeys(raw, path, EDGE_KEYS)
    const from = this.#name(raw, 'from', path)
    const to = this.#name(raw, 'to', path)
    const join = raw['join'] ?? 'all'
    if (join !== 'all' && join !== 'any') {
      this.#refuse(
        [...path, 'join'],
        `${printPath([...path, 'join'])} should be all or any, not ${describeValue(join)}`,
      )
      return undefined
    }
    return from === undefined || to === undefined ? undefined : { edge: { from, to, join }, path }
  }

  #list(data: Raw, key: string): readonly unknown[] | undefined {
    const value = data[key]
    if (Array.isArray(value)) return value
    this.#refuse([key], `${key} should be a list, not ${describeValue(value)}`)
    return undefined
  }

  /** Models count their tasks: a number is the name that is written the same. */
  #name(raw: Raw, key: string, path: Path): string | undefined {
    const value = raw[key]
    const given = typeof value === 'number' ? { ...raw, [key]: String(value) } : raw
    return this.#text(given, key, { path, longest: LONGEST.id, required: true })
  }

  #text(
    raw: Raw,
    key: string,
    { path, longest, required = false }: { readonly path: Path; readonly longest: number; readonly required?: boolean },
  ): string | undefined {
    const value = raw[key]
    const at = [...path, key]
    if ((value === undefined || value === null) && !required) return undefined
    if (typeof value === 'string' && value.trim() !== '' && value.length <= longest) return value.trim()
    if (value === undefined) this.#refuse(path, `${printPath(at)} is missing`)
    else if (typeof value === 'string' && value.length > longest)
      this.#refuse(at, `${printPath(at)} has ${value.length} characters; at most ${longest} are allowed`)
    else this.#refuse(at, `${printPath(at)} should be text, not ${describeValue(value)}`)
    return undefined
  }

  /** Models add keys that do no harm (`title`); those that would give something are refused, also under another spelling. */
  #checkKeys(raw: Raw, path: Path, known: ReadonlySet<string>): void {
    for (const [key, value] of Object.entries(raw)) {
      if (known.has(key)) continue
      const at = [...path, key]
      const short = key.length > 40 ? `${key.slice(0, 40)}…` : key
      if (RIGHTS.has(normaliseKey(key))) {
        if (!isNothing(value)) this.#refuseRight(at, `"${short}" at ${printPath(path) || 'the top'}`)
      } else if (OTHER_EDGES.has(key)) {
        if (!isNothing(value)) this.#refuse(at, `${printPath(at)} is not read: what a task waits for stands in edges`)
      } else {
        const message = `the key ${JSON.stringify(short)} at ${printPath(path) || 'the top'} is not part of a plan and is not used`
        this.#report.add(at, { code: 'unknown_key', severity: 'warning', message }, 'key')
      }
    }
  }

  #refuse(path: Path, message: string): void {
    this.#report.add(path, { code: 'plan_invalid', message })
  }

  #refuseRight(path: Path, what: string): void {
    this.#report.add(path, {
      code: 'plan_rights',
      message: `the plan asks for ${what}, but its tasks may do no more than ask the models of this run`,
      hint: 'Scripts, tools and limits are given by an ensemble, never by a plan.',
    })
  }
}

function normaliseKey(key: string): string {
  return key
    .trim()
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_')
}

function isNothing(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  return value === null || value === false || value === '' || (isMap(value) && Object.keys(value).length === 0)
}
