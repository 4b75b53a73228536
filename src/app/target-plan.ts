import { readFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { OrcError } from '../events/errors.ts'
import type { JsonObject } from '../events/values.ts'
import { type Candidate, findCandidates } from '../graph/candidates.ts'
import type { PlanModel } from '../graph/plan.ts'
import { compilePlan, type PlanMeans } from '../graph/plan-compile.ts'
import { parsePlan } from '../graph/plan-read.ts'
import type { ModelProfile } from '../graph/profile.ts'
import { hasErrors, Report } from '../graph/report.ts'
import type { PlanSpec } from '../steps/plan.ts'
import type { App } from './app.ts'
import { defaultTimeout, type Target } from './target.ts'

const USUAL = { max_tasks: 20, max_depth: 8, repair_limit: 2, max_concurrent: 5 } as const

export interface PlanWish {
  /** Profiles or models the tasks may be done by; without any, the default. */
  readonly models: readonly string[]
  /** The profile or model that plans. */
  readonly planner?: string | undefined
  /** A person is shown the plan before it is carried out. */
  readonly approve?: boolean | undefined
  /** The plan itself is the result. */
  readonly only_plan?: boolean
}

/** One step that lets a model make the plan, and then carries it out. */
export async function makePlanTarget(app: App, wish: PlanWish): Promise<Target> {
  const { settings } = app.config
  const { means, notes } = await findMeans(app, wish.models)
  const named = wish.planner ?? settings.plan?.model
  const chosen = named === undefined ? undefined : await findModel(app, named)
  if (chosen?.why) notes.push(chosen.why)
  const planner = (chosen?.candidates ?? means.models[0]?.candidates ?? []).map(adjust(settings.plan))
  if (planner[0]?.provider === 'embedded')
    notes.push('the plan comes from a template: the embedded provider is not a language model and cannot plan')
  const spec: PlanSpec = {
    planner,
    repair_limit: settings.plan?.repair_limit ?? USUAL.repair_limit,
    means,
    approve: wish.approve ?? settings.plan?.approve ?? false,
    execute: wish.only_plan !== true,
  }
  const graph = { name: 'plan', steps: [{ id: 'plan', kind: 'plan', spec: spec as unknown as JsonObject }] }
  return { kind: 'plan', name: 'plan', graph, files: [], warnings: [], notes: [...new Set(notes)] }
}

/** A saved plan, checked for this run like any other. Throws OrcError with every mistake. */
export async function readPlanTarget(app: App, file: string, models: readonly string[]): Promise<Target> {
  const path = resolve(app.paths.cwd, file)
  const text = await readFile(path, 'utf8').catch(() => {
    throw new OrcError({ code: 'not_found', message: `the plan ${file} cannot be read`, file })
  })
  const { means, notes } = await findMeans(app, models)
  const { plan, problems } = parsePlan(text, means, file)
  if (!plan || hasErrors(problems)) throw new OrcError(problems)
  const name = `file ${relative(app.paths.project ?? app.paths.cwd, path)}`
  const { steps, output } = compilePlan(plan, means)
  return {
    kind: 'plan',
    name: 'plan',
    graph: { name: 'plan', steps, output },
    files: [{ name, content: text }],
    ...(plan.request === undefined ? {} : { default_input: plan.request }),
    warnings: problems,
    notes,
  }
}

/** Steps of a plan at once, where nothing else is said. */
export function planConcurrency(app: App): number | undefined {
  const { plan, performance } = app.config.settings
  const most = plan?.max_concurrent ?? performance?.concurrency?.max_concurrent_agents ?? USUAL.max_concurrent
  return most === 0 ? undefined : most
}

/** A plan may ask for what is named on the call, or else for the default and for what the settings name. */
async function findMeans(app: App, wanted: readonly string[]): Promise<{ means: PlanMeans; notes: string[] }> {
  const { plan, verify } = app.config.settings
  const capabilities = wanted.length > 0 ? {} : (plan?.profiles ?? {})
  const notes: string[] = []
  const models = new Map<string, PlanModel>()
  const names = wanted.length > 0 ? wanted : [undefined, ...Object.values(capabilities)]
  for (const name of names) {
    const { profile, candidates, why } = await findModel(app, name)
    if (why) notes.push(why)
    const called = name ?? (profile.name || `${profile.provider}/${profile.model}`)
    if (!models.has(called)) models.set(called, { name: called, candidates })
  }
  const timeout_ms = defaultTimeout(app)
  const means: PlanMeans = {
    max_tasks: plan?.max_tasks ?? USUAL.max_tasks,
    max_depth: plan?.max_depth ?? USUAL.max_depth,
    models: [...models.values()],
    capabilities,
    verify: verify ?? {},
    assemble: plan?.assemble ?? 'concatenate',
    ...(timeout_ms === undefined ? {} : { timeout_ms }),
  }
  return { means, notes }
}

interface FoundModel {
  readonly profile: ModelProfile
  readonly candidates: readonly Candidate[]
  readonly why: string
}

/** A model with its fallbacks; OrcError when it or one of them does not exist. */
async function findModel(app: App, name: string | undefined): Promise<FoundModel> {
  const { profile, why } = name === undefined ? await app.models.chooseDefault() : await app.models.findModel(name)
  const { profiles } = app.profiles
  const own = profile.name === '' ? 'model' : profile.name
  const { candidates, report } = await app.models.cards.compile((card) => {
    const said = new Report(() => ({}))
    const found = findCandidates(said, {
      agent: { name: 'plan', model_profile: own },
      path: [],
      lookup: {
        card,
        profile: (one) => (one === own ? profile : profiles.get(one)),
        defaultProfile: () => profile,
        profileNames: () => [...profiles.keys()],
      },
      keepPrompts: false,
    })
    return { candidates: found, report: said }
  })
  if (!candidates) throw new OrcError(report.problems)
  return { profile, candidates: candidates.map((one) => (profile.name === '' ? unnamed(one) : one)), why }
}

function unnamed({ profile, ...candidate }: Candidate): Candidate {
  return profile === 'model' ? candidate : { ...candidate, ...(profile === undefined ? {} : { profile }) }
}

/** The planner's own settings win over its profile's. */
function adjust({
  max_tokens,
  temperature,
}: {
  max_tokens?: number | undefined
  temperature?: number | undefined
} = {}) {
  return (candidate: Candidate): Candidate => ({
    ...candidate,
    ...(max_tokens === undefined ? {} : { max_tokens }),
    ...(temperature === undefined ? {} : { temperature }),
  })
}
