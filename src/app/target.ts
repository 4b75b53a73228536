import { readFile } from 'node:fs/promises'
import { relative } from 'node:path'
import type { EnsembleFile } from '../config/definitions.ts'
import { findEnsemble } from '../config/find-ensemble.ts'
import { readRoles } from '../config/roles.ts'
import { resolveScript } from '../config/scripts.ts'
import { errorsFirst, isError, OrcError, type Problem } from '../events/errors.ts'
import type { PinnedTool } from '../events/tool-call.ts'
import type { Ensemble, References } from '../graph/ensemble.ts'
import type { Lookup, Role } from '../graph/lookup.ts'
import type { ModelProfile } from '../graph/profile.ts'
import type { MissingScript, PinnedScript } from '../graph/script.ts'
import type { GraphStep, StepGraph } from '../graph/step-graph.ts'
import type { App } from './app.ts'
import { usualCachePolicy } from './cache.ts'
import { listCandidates, makeCandidate } from './candidate.ts'
import type { ReadEnsemble } from './ensemble-files.ts'
import type { FindCard } from './model-cards.ts'

/** Something that can be run: its graph, and the files it was made from. */
export interface Target {
  readonly kind: 'ensemble' | 'prompt' | 'chain' | 'workflow' | 'plan'
  readonly name: string
  readonly graph: StepGraph
  readonly files: readonly { readonly name: string; readonly content: string }[]
  readonly ensemble?: Ensemble
  /** The input when the user gives none. */
  readonly default_input?: string
  readonly warnings: readonly Problem[]
  /** Which provider was chosen for agents that name none, and why. */
  readonly notes: readonly string[]
}

/** An ensemble by name or path, compiled and ready. Throws OrcError with every problem of it. */
export async function findTarget(app: App, name: string): Promise<Target> {
  const { target, problems } = await inspectTarget(app, name)
  if (target) return target
  throw new OrcError(errorsFirst(problems))
}

/** Everything there is to say about an ensemble, and what can be run of it when nothing is wrong. */
export async function inspectTarget(
  app: App,
  name: string,
): Promise<{ readonly file: string; readonly target?: Target; readonly problems: readonly Problem[] }> {
  const looked = await findEnsemble(name, app.paths, { files: true })
  if ('problem' in looked) throw new OrcError(looked.problem)
  const { found } = looked
  const { readEnsembles, listNesting } = await import('./ensemble-files.ts')
  const { checkRunnable } = await import('../graph/runnable.ts')
  const { checkNesting } = await import('../graph/nesting.ts')
  const files = await readEnsembles(app.paths, found)
  const circles = checkNesting(listNesting(files))
  const ensembles = files.flatMap(({ ensemble }) => ensemble ?? [])
  const scripts = await resolveScripts(app, collect(files, 'scripts'))
  const tools = await resolveEach(app, collect(files, 'tools'))
  // What can be read of a broken file is compiled all the same, so that the report names everything at once.
  const {
    graph,
    problems: compiling,
    notes,
  } = await compileFiles(app, circles.length > 0 ? [] : files, { scripts, tools })
  const problems = [
    ...brokenProfiles(app, collect(files, 'profiles')),
    ...inFileOrder(
      [...files.flatMap((file) => file.problems), ...circles, ...ensembles.flatMap(checkRunnable), ...compiling],
      found.file,
    ),
  ]
  const [{ ensemble }] = files
  if (!graph || !ensemble || problems.some(isError)) return { file: found.file, problems }
  const target = {
    kind: 'ensemble' as const,
    name: ensemble.name,
    graph,
    files: [...(await Promise.all(files.map((file) => pinEnsemble(app, file.found)))), ...(await pinScripts(scripts))],
    ensemble,
    ...(ensemble.default_task === undefined ? {} : { default_input: ensemble.default_task }),
    warnings: problems,
    notes,
  }
  return { file: found.file, target, problems }
}

interface CompiledFiles {
  readonly graph?: StepGraph
  readonly problems: readonly Problem[]
  readonly notes: readonly string[]
}

/** What the files name outside of themselves, found already. */
interface Outside {
  readonly scripts: ReadonlyMap<string, PinnedScript | MissingScript>
  readonly tools: ReadonlyMap<string, readonly PinnedTool[] | Problem>
}

/** The graph of the first file, with those of the others inside it. */
async function compileFiles(
  app: App,
  files: readonly ReadEnsemble[],
  { scripts, tools }: Outside,
): Promise<CompiledFiles> {
  const [first] = files
  if (!first?.ensemble) return { problems: [], notes: [] }
  const { compileEnsemble } = await import('../graph/ensemble-compile.ts')
  const roles = await resolveRoles(app, collect(files, 'roles'))
  const choice = await app.models.chooseDefault()
  const cheaper = await resolveCheaper(app, files)
  let defaultUsed = false
  const timeout_ms = defaultTimeout(app)
  const { verify, mcp, context } = app.config.settings
  const cache = usualCachePolicy(app)
  const lookupWith = (card: FindCard, { uses }: ReadEnsemble): Lookup => ({
    card,
    profile: (profile) => app.profiles.profiles.get(profile),
    profileNames: () => [...app.profiles.profiles.keys()],
    defaultProfile: () => {
      defaultUsed = true
      return choice.profile
    },
    script: (reference) => scripts.get(reference),
    role: (role) => roles.get(role),
    budgetModel: (name) => {
      if (name === undefined) defaultUsed = true
      const found = name === undefined ? choice.profile : (cheaper.get(name) ?? missingModel(name))
      return 'code' in found ? found : makeCandidate(found, card)
    },
    tools: (reference) => tools.get(reference) ?? [],
    ensemble: (name) => {
      const other = uses.get(name)
      if (other && 'found' in other && other.ensemble)
        return { ensemble: other.ensemble, lookup: lookupWith(card, other) }
      return other && 'code' in other ? other : unreadable(name)
    },
    ...(timeout_ms === undefined ? {} : { timeout_ms }),
    ...(verify ? { verify } : {}),
    ...(cache ? { cache } : {}),
    ...(context ? { context } : {}),
    ...(mcp?.tool_budget_tokens === undefined ? {} : { tool_tokens: mcp.tool_budget_tokens }),
  })
  const { ensemble } = first
  const compiled = await app.models.cards.compile((card) => compileEnsemble(ensemble, lookupWith(card, first)))
  return { ...compiled, notes: defaultUsed ? [choice.why] : [] }
}

/** The models that budgets of ensembles inside others go on with, or end with. */
async function resolveCheaper(
  app: App,
  [, ...others]: readonly ReadEnsemble[],
): Promise<ReadonlyMap<string, ModelProfile | Problem>> {
  const found = new Map<string, ModelProfile | Problem>()
  for (const { ensemble } of others) {
    const { on_limit, model } = ensemble?.budget ?? {}
    if ((on_limit !== 'cheaper' && on_limit !== 'finish') || model === undefined || found.has(model)) continue
    found.set(model, await findOneModel(app, model))
  }
  return found
}

async function findOneModel(app: App, name: string): Promise<ModelProfile | Problem> {
  try {
    const { profile } = await app.models.findModel(name)
    if (!profile.choice) return profile
    const message = `the profile "${name}" chooses between models, and one model is needed here`
    return { code: 'bad_input', message, hint: 'Name one of its models instead.' }
  } catch (error) {
    if (error instanceof OrcError) return error.problems[0] ?? missingModel(name)
    throw error
  }
}

function missingModel(name: string): Problem {
  return { code: 'profile_missing', message: `there is no model ${JSON.stringify(name)}` }
}

function unreadable(name: string): Problem {
  return { code: 'ensemble_invalid', message: `the ensemble "${name}" cannot be read` }
}

function collect(files: readonly ReadEnsemble[], kind: keyof References): readonly string[] {
  return [...new Set(files.flatMap(({ references }) => references[kind]))]
}

/** Those of the first file before those of the files it runs. */
function inFileOrder(problems: readonly Problem[], first: string): readonly Problem[] {
  const others = ({ file }: Problem) => Number(file !== first)
  return problems.toSorted(
    (a, b) =>
      others(a) - others(b) ||
      (a.file ?? '').localeCompare(b.file ?? '') ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  )
}

/** An ensemble found by its name is pinned by it; one that was given as a file by its path from the project or folder. */
async function pinEnsemble(app: App, found: EnsembleFile): Promise<{ name: string; content: string }> {
  const named = await findEnsemble(found.name, app.paths)
  if ('found' in named && named.found.file === found.file)
    return { name: `ensemble ${found.name}`, content: found.text }
  return { name: `file ${relative(app.paths.project ?? app.paths.cwd, found.file)}`, content: found.text }
}

/** A profile that is there and cannot be read says more than one that is missing. */
function brokenProfiles(app: App, names: readonly string[]): readonly Problem[] {
  return names.flatMap((name) => app.profiles.broken.get(name) ?? [])
}

/** The older time limit for every agent applies only when it is set, and only to agents without one of their own. */
export function defaultTimeout(app: App): number | undefined {
  const { execution, timeout_seconds } = app.config.settings.performance ?? {}
  const seconds = execution?.default_timeout ?? timeout_seconds
  return seconds === undefined ? undefined : Math.max(1, Math.round(seconds * 1000))
}

/** A plain prompt to one or several models: one step each, side by side. */
export async function makePromptTarget(app: App, models: readonly string[]): Promise<Target> {
  const notes: string[] = []
  const steps: GraphStep[] = []
  for (const model of models.length > 0 ? models : [undefined]) {
    const { profile, why } = model === undefined ? await app.models.chooseDefault() : await app.models.findModel(model)
    if (why) notes.push(why)
    const id = uniqueId(model ?? profile.name, steps)
    const candidates = await listCandidates(app, profile)
    const system = profile.system_prompt ?? ''
    steps.push({ id, kind: 'agent', spec: { agent: id, title: id, system, candidates, blocks: [] } })
  }
  return { kind: 'prompt', name: 'prompt', graph: { name: 'prompt', steps }, files: [], warnings: [], notes }
}

function uniqueId(wanted: string, steps: readonly GraphStep[]): string {
  const base = wanted.replaceAll(/[/#~[\]]+/g, '-') || 'answer'
  for (let n = 1; ; n++) {
    const id = n === 1 ? base : `${base}-${n}`
    if (!steps.some((step) => step.id === id)) return id
  }
}

async function resolveScripts(
  app: App,
  references: readonly string[],
): Promise<Map<string, PinnedScript | MissingScript>> {
  const scripts = new Map<string, PinnedScript | MissingScript>()
  for (const reference of references) {
    const script = await resolveScript(reference, app.paths, { node: process.execPath })
    scripts.set(reference, script)
  }
  return scripts
}

/** Each reference by itself, so that the agent that names it can be told what is wrong with it. */
async function resolveEach(
  app: App,
  references: readonly string[],
): Promise<ReadonlyMap<string, readonly PinnedTool[] | Problem>> {
  if (references.length === 0) return new Map()
  const { resolveTools } = await import('./tools.ts')
  const resolved = new Map<string, readonly PinnedTool[] | Problem>()
  const mcp = await app.openMcp()
  for (const reference of references) {
    const { tools, problems } = await resolveTools(app, [reference], { mcp })
    resolved.set(reference, problems.find(isError) ?? tools)
  }
  return resolved
}

async function resolveRoles(app: App, names: readonly string[]): Promise<ReadonlyMap<string, Role>> {
  if (names.length === 0) return new Map()
  return (await readRoles(app.config)).roles
}

/** Scripts are pinned by digest: the digest stands in the definition, and the executor refuses a changed file. */
async function pinScripts(
  scripts: ReadonlyMap<string, PinnedScript | MissingScript>,
): Promise<{ name: string; content: string }[]> {
  const files = new Map<string, string>()
  for (const script of scripts.values())
    if (script.type === 'file')
      files.set(`script ${script.reference}`, await readFile(script.path, 'utf8').catch(() => ''))
  return [...files].map(([name, content]) => ({ name, content }))
}
