import { type FoundChain, type FoundWorkflow, readChains, readWorkflows } from '../config/chains.ts'
import { readRoles } from '../config/roles.ts'
import { errorsFirst, OrcError, type Place, type Problem } from '../events/errors.ts'
import { compileChain, parseChain } from '../graph/chain.ts'
import type { ChainWords } from '../graph/chain-words.ts'
import { suggest } from '../graph/nearest.ts'
import type { ModelProfile } from '../graph/profile.ts'
import { hasErrors } from '../graph/report.ts'
import type { StepGraph } from '../graph/step-graph.ts'
import { compileWorkflow, listModels } from '../graph/workflow-compile.ts'
import { fillParams, type Params, promptParam } from '../graph/workflow-params.ts'
import type { App } from './app.ts'
import { findChainModel } from './chain-models.ts'
import { defaultTimeout, type Target } from './target.ts'

/** A chain of the configuration by its name. Throws OrcError with everything that is wrong with it. */
export async function findChainTarget(app: App, name: string): Promise<Target> {
  const chain = requireChain(app, name)
  if (hasErrors(chain.problems)) throw new OrcError(chain.problems)
  const compiled = await compileSteps(app, chain.steps, { name, place: (index) => chain.place([index]) })
  return makeTarget(app, { kind: 'chain', ...compiled, files: [pinChain(chain)] })
}

/** A chain that was given step by step. */
export async function makeStepsTarget(app: App, steps: readonly string[]): Promise<Target> {
  return makeTarget(app, { kind: 'chain', ...(await compileSteps(app, steps, { name: 'chain' })), files: [] })
}

/** A workflow with its parameters; they are the run's input. `prompt` fills the parameter that is meant for it. */
export async function findWorkflowTarget(
  app: App,
  name: string,
  given: { readonly params: Params; readonly prompt?: string | undefined },
): Promise<{ readonly target: Target; readonly params: Params }> {
  const found = requireWorkflow(app, name)
  const { workflow, problems } = found
  if (!workflow) throw new OrcError(problems)
  const main = promptParam(workflow)
  const takesPrompt = given.prompt !== undefined && main !== undefined && !Object.hasOwn(given.params, main)
  if (given.prompt !== undefined && main === undefined) {
    const message = `the workflow "${name}" has no parameter that a prompt could fill`
    throw new OrcError({ code: 'param_invalid', message, hint: 'Give parameters as: --param NAME=VALUE' })
  }
  const filled = fillParams(workflow, { ...given.params, ...(takesPrompt ? { [main]: given.prompt as string } : {}) })
  if (!filled.ok) throw new OrcError(filled.problems)
  const { params } = filled
  const choice = await app.models.chooseDefault()
  let defaultUsed = false
  const models = await findModels(app, listModels(workflow, params))
  const compiled = await app.models.cards.compile((card) =>
    compileWorkflow(workflow, params, {
      card,
      model: (model) => models.get(model) ?? missingModel(model),
      profile: (profile) => app.profiles.profiles.get(profile),
      profileNames: () => [...app.profiles.profiles.keys()],
      defaultProfile: () => {
        defaultUsed = true
        return choice.profile
      },
    }),
  )
  const target = makeTarget(app, {
    kind: 'workflow',
    ...compiled,
    problems: [...problems, ...compiled.problems],
    files: [pinWorkflow(found)],
    notes: defaultUsed ? [choice.why] : [],
  })
  return { target, params }
}

/** What a run of a chain or workflow was made from, as it is now; undefined when it is gone. */
export function readPinned(app: App, kind: string, name: string): string | undefined {
  const chain = kind === 'chain' ? readChains(app.config).get(name) : undefined
  if (chain) return pinChain(chain).content
  const workflow = kind === 'workflow' ? readWorkflows(app.config).get(name) : undefined
  return workflow && pinWorkflow(workflow).content
}

export function requireChain(app: App, name: string): FoundChain {
  const chains = readChains(app.config)
  return chains.get(name) ?? refuse('chain', name, [...chains.keys()])
}

export function requireWorkflow(app: App, name: string): FoundWorkflow {
  const workflows = readWorkflows(app.config)
  return workflows.get(name) ?? refuse('workflow', name, [...workflows.keys()])
}

function refuse(what: 'chain' | 'workflow', name: string, known: readonly string[]): never {
  const none =
    what === 'chain'
      ? 'Save one with: llm-orc chain save NAME --step …'
      : 'Write one under `workflows:` in config.yaml.'
  const listed = known.length === 0 ? none : `There are: ${known.slice(0, 12).join(', ')}.`
  const hint = suggest(name, known).hint ?? listed
  throw new OrcError({ code: 'not_found', message: `there is no ${what} ${JSON.stringify(name)}`, hint })
}

/** Compiles steps with the user's models, roles and personas. Nothing is thrown. */
export async function compileSteps(
  app: App,
  steps: readonly string[],
  { name, place = () => ({}) }: { readonly name: string; readonly place?: (index: number) => Place },
): Promise<{ readonly graph?: StepGraph; readonly problems: readonly Problem[] }> {
  const parsed = parseChain(steps, place)
  const models = await findModels(
    app,
    parsed.steps.flatMap((step) => step?.model ?? []),
  )
  const choice = await app.models.chooseDefault()
  const words = await readWords(app)
  return app.models.cards.compile((card) =>
    compileChain(name, steps, {
      ...words,
      card,
      model: (model) => models.get(model) ?? missingModel(model),
      profile: (profile) => app.profiles.profiles.get(profile),
      profileNames: () => [...app.profiles.profiles.keys()],
      defaultProfile: () => choice.profile,
      place,
    }),
  )
}

async function findModels(app: App, names: readonly string[]): Promise<ReadonlyMap<string, ModelProfile | Problem>> {
  const found = new Map<string, ModelProfile | Problem>()
  for (const name of new Set(names)) found.set(name, await findChainModel(app, name))
  return found
}

function missingModel(name: string): Problem {
  return { code: 'profile_missing', message: `there is no model "${name}"` }
}

/** Roles and personas of every level: the nearest wins, and `models.yaml` over `roles/*.yaml`. */
async function readWords(app: App): Promise<ChainWords> {
  const files = app.config.layers.flatMap(({ models }) => models ?? [])
  const { roles } = await readRoles(app.config)
  const first = (maps: readonly ReadonlyMap<string, string>[], name: string) =>
    maps.find((map) => map.has(name))?.get(name)
  return {
    role: (name) => {
      const role = roles.get(name)
      const own = first(
        files.map((file) => file.roles),
        name,
      )
      return own ?? (role && [role.prompt, role.context].filter(Boolean).join('\n\n'))
    },
    persona: (name) =>
      first(
        files.map((file) => file.personas),
        name,
      ),
    roleNames: () => [...files.flatMap((file) => [...file.roles.keys()]), ...roles.keys()],
    personaNames: () => files.flatMap((file) => [...file.personas.keys()]),
  }
}

interface Made {
  readonly kind: 'chain' | 'workflow'
  readonly graph?: StepGraph
  readonly problems: readonly Problem[]
  readonly files: Target['files']
  readonly notes?: readonly string[]
}

function makeTarget(app: App, { kind, graph, problems, files, notes = [] }: Made): Target {
  if (!graph) throw new OrcError(errorsFirst(problems))
  return { kind, name: graph.name, graph: limitSteps(graph, defaultTimeout(app)), files, warnings: problems, notes }
}

/** The time limit that settings give every agent; people may take as long as they like. */
function limitSteps(graph: StepGraph, timeout_ms: number | undefined): StepGraph {
  if (timeout_ms === undefined) return graph
  return { ...graph, steps: graph.steps.map((step) => (step.kind === 'agent' ? { timeout_ms, ...step } : step)) }
}

function pinChain({ name, steps }: FoundChain): { name: string; content: string } {
  return { name: `chain ${name}`, content: `${steps.join('\n')}\n` }
}

function pinWorkflow({ name, data }: FoundWorkflow): { name: string; content: string } {
  return { name: `workflow ${name}`, content: `${JSON.stringify(data, null, 2)}\n` }
}
