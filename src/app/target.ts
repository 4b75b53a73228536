import { readFile } from 'node:fs/promises'
import { findEnsemble } from '../config/find-ensemble.ts'
import { readRoles } from '../config/roles.ts'
import { resolveScript } from '../config/scripts.ts'
import { OrcError, type Problem } from '../events/errors.ts'
import type { Ensemble } from '../graph/ensemble.ts'
import type { Role } from '../graph/ensemble-compile.ts'
import type { MissingScript, PinnedScript } from '../graph/script.ts'
import type { GraphStep, StepGraph } from '../graph/step-graph.ts'
import type { App } from './app.ts'

/** Something that can be run: its graph, and the files it was made from. */
export interface Target {
  readonly kind: 'ensemble' | 'prompt'
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
  const looked = await findEnsemble(name, app.paths, { files: true })
  if ('problem' in looked) throw new OrcError(looked.problem)
  const { found } = looked
  const { parseEnsemble } = await import('../graph/ensemble-parse.ts')
  const { checkRunnable } = await import('../graph/runnable.ts')
  const { compileEnsemble } = await import('../graph/ensemble-compile.ts')
  const parsed = parseEnsemble(found.text, found.file)
  const unsupported = parsed.ensemble ? checkRunnable(parsed.ensemble) : []
  const problems: Problem[] = [...parsed.problems, ...unsupported]
  if (!parsed.ensemble || problems.some(isError)) throw new OrcError(problems.filter(isError))
  const { ensemble } = parsed
  const scripts = await resolveScripts(app, parsed.references.scripts)
  const roles = await resolveRoles(app, parsed.references.roles)
  const choice = await app.models.chooseDefault()
  let defaultUsed = false
  const compiled = compileEnsemble(ensemble, {
    profile: (profile) => app.profiles.profiles.get(profile),
    profileNames: () => [...app.profiles.profiles.keys()],
    defaultProfile: () => {
      defaultUsed = true
      return choice.profile
    },
    script: (reference) => scripts.get(reference),
    role: (role) => roles.get(role),
  })
  problems.push(...compiled.problems)
  if (!compiled.graph)
    throw new OrcError([...brokenProfiles(app, parsed.references.profiles), ...problems.filter(isError)])
  return {
    kind: 'ensemble',
    name: ensemble.name,
    graph: limitSteps(compiled.graph, app),
    files: [{ name: `ensemble ${ensemble.name}`, content: found.text }, ...(await pinScripts(compiled.graph.steps))],
    ensemble,
    ...(ensemble.default_task === undefined ? {} : { default_input: ensemble.default_task }),
    warnings: problems.filter((problem) => !isError(problem)),
    notes: defaultUsed ? [choice.why] : [],
  }
}

/** A profile that is there and cannot be read says more than one that is missing. */
function brokenProfiles(app: App, names: readonly string[]): readonly Problem[] {
  return names.flatMap((name) => app.profiles.broken.get(name) ?? [])
}

/** The older time limit for every agent applies only when it is set, and only to steps without one of their own. */
function limitSteps(graph: StepGraph, app: App): StepGraph {
  const { execution, timeout_seconds } = app.config.settings.performance ?? {}
  const seconds = execution?.default_timeout ?? timeout_seconds
  if (seconds === undefined) return graph
  const timeout_ms = Math.max(1, Math.round(seconds * 1000))
  return { ...graph, steps: graph.steps.map((step) => ({ timeout_ms, ...step })) }
}

/** A plain prompt to one or several models: one step each, side by side. */
export async function makePromptTarget(app: App, models: readonly string[]): Promise<Target> {
  const notes: string[] = []
  const steps: GraphStep[] = []
  for (const model of models.length > 0 ? models : [undefined]) {
    const { profile, why } = model === undefined ? await app.models.chooseDefault() : await app.models.findModel(model)
    if (why) notes.push(why)
    const { name, provider, fallback: _, system_prompt, timeout_seconds, ...rest } = profile
    const id = uniqueId(model ?? name, steps)
    const candidate = {
      ...(name === '' ? {} : { profile: name }),
      provider,
      ...rest,
      ...(timeout_seconds === undefined ? {} : { timeout_ms: timeout_seconds * 1000 }),
    }
    const system = system_prompt ?? ''
    steps.push({ id, kind: 'agent', spec: { agent: id, title: id, system, candidates: [candidate], blocks: [] } })
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

async function resolveRoles(app: App, names: readonly string[]): Promise<ReadonlyMap<string, Role>> {
  if (names.length === 0) return new Map()
  return (await readRoles(app.config)).roles
}

/** Scripts are pinned by digest: the digest stands in the definition, and the executor refuses a changed file. */
async function pinScripts(steps: readonly GraphStep[]): Promise<{ name: string; content: string }[]> {
  const files = new Map<string, string>()
  for (const step of steps) {
    const script = step.kind === 'script' ? (step.spec.script as unknown as PinnedScript) : undefined
    if (script?.type === 'file')
      files.set(`script ${script.reference}`, await readFile(script.path, 'utf8').catch(() => ''))
  }
  return [...files].map(([name, content]) => ({ name, content }))
}

function isError(problem: Problem): boolean {
  return problem.severity !== 'warning'
}
