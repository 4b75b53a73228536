import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { findEnsemble } from '../config/find-ensemble.ts'
import { createBudgetExecutor } from '../effects/budget.ts'
import { countExecutor } from '../effects/count.ts'
import { createDefinitionExecutor } from '../effects/definition.ts'
import { guardDoor } from '../effects/door.ts'
import { createInventoryExecutor } from '../effects/inventory.ts'
import { createModelExecutor } from '../effects/model.ts'
import { createScriptExecutor } from '../effects/script.ts'
import { createSteerExecutor } from '../effects/steer.ts'
import { createTelemetryExecutor } from '../effects/telemetry.ts'
import { createTerminal } from '../effects/terminal.ts'
import { createToolExecutor } from '../effects/tool.ts'
import type { StepKind } from '../engine/step.ts'
import type { EnginePorts, Watcher } from '../engine/world.ts'
import { OrcError } from '../events/errors.ts'
import type { Json } from '../events/values.ts'
import { agentStep } from '../steps/agent.ts'
import { assembleStep } from '../steps/assemble.ts'
import { chatStep } from '../steps/chat.ts'
import { conditionStep } from '../steps/condition.ts'
import { dispatchStep } from '../steps/dispatch.ts'
import { eachStep } from '../steps/each.ts'
import { embedStep } from '../steps/embed.ts'
import { gateStep } from '../steps/gate.ts'
import { gracefulStep, portionStep } from '../steps/graceful.ts'
import { loopStep } from '../steps/loop.ts'
import { nestedStep } from '../steps/nested.ts'
import { planStep } from '../steps/plan.ts'
import { queriesStep } from '../steps/queries.ts'
import { scriptStep } from '../steps/script.ts'
import { toolStep } from '../steps/tool.ts'
import { verifiedStep } from '../steps/verified.ts'
import type { Asked } from '../trust/call.ts'
import type { App } from './app.ts'
import { openDoor } from './door.ts'
import { joinWatchers } from './driven.ts'
import { describeBreakers } from './governor.ts'
import { openPurse } from './left.ts'
import { doubtDefinitions } from './mcp-definitions.ts'
import { createNodeWorld } from './node-world.ts'
import { loadPolicy, type Permits } from './policy.ts'
import { createListening } from './spoken-words.ts'
import { findTarget } from './target.ts'
import { readTraceWish } from './trace-wish.ts'
import { describeWall } from './wall-wish.ts'

const CALLS_PER_PROVIDER = 64
const CALLS_PER_TOOL_SOURCE = 16

/** For a run that is only to be ended. */
const DENY_ALL: Pick<Awaited<ReturnType<typeof loadPolicy>>, 'judge' | 'levels' | 'digest'> = {
  judge: () => ({ verdict: 'deny', reason: 'the run is being cancelled' }),
  levels: [],
  digest: '',
}

/** Everything the engine is given in this process. */
export async function createPorts(
  app: App,
  {
    watcher,
    permits,
    ending = false,
    principal,
  }: {
    readonly watcher?: Watcher | undefined
    readonly permits?: Permits
    readonly ending?: boolean | undefined
    /** Whose run it is; default: the user's own. */
    readonly principal?: string | undefined
  } = {},
): Promise<EnginePorts> {
  // First: under a policy that cannot be read nothing is begun.
  const { judge, levels, digest } = ending ? DENY_ALL : await loadPolicy(app, permits, await watchCalls(app))
  const { journal, blobs } = await app.openJournal()
  const world = createNodeWorld()
  const purse = openPurse(journal)
  const door = openDoor(app, { policy: digest, principal, off: permits?.no_cache })
  const { settings } = app.config
  const scripts = 4 * availableParallelism()
  sayUntrusted(app)
  const wish = readTraceWish(app)
  const traces = wish && (await import('./tracing.ts')).watchTraces(app, wish)
  return {
    world,
    journal,
    blobs,
    kinds: stepKinds,
    executors: guardDoor(
      {
        model: door.model(
          createModelExecutor({
            provider: async (request) => {
              await app.models.cards.prepare(request.provider)
              return app.models.provider(request)
            },
            clock: world.clock,
            wake: world.wake,
            cost: app.models.cards.cost,
          }),
        ),
        script: door.script(
          createScriptExecutor({
            cwd: app.paths.project ?? app.paths.cwd,
            interactive: createTerminal(),
            digest: digestFile,
            walled: async (...asked) => (await import('./walls.ts')).createWalledScripts(app)(...asked),
          }),
        ),
        steer: createSteerExecutor(createListening(app)),
        count: countExecutor,
        inventory: createInventoryExecutor(async (place) =>
          (await import('./inventory.ts')).countBelow({ journal, blobs }, place),
        ),
        telemetry: createTelemetryExecutor(async (request) => {
          const { openTelemetry } = await import('./telemetry.ts')
          const isOpen = (provider: string, model: string) => isBroken(app, `${provider}/${model}`)
          return openTelemetry({ journal, clock: world.clock, isOpen }).tell(request)
        }, purse.left),
        budget: createBudgetExecutor(purse.budget),
        definition: createDefinitionExecutor((name) => findDefinition(app, name)),
        tool: createToolExecutor({
          cwd: app.paths.project ?? app.paths.cwd,
          find: async (request) => {
            const [{ createToolShop }, { createWalledCommands }] = await Promise.all([
              import('./tools.ts'),
              import('./walls.ts'),
            ])
            const mcp = await app.openMcp()
            return createToolShop(app, { levels, mcp, run: createWalledCommands(app) }).find(request)
          },
        }),
      },
      app.redaction,
    ),
    policy: { judge },
    poolLimit: (pool) => {
      if (pool === 'script') return scripts
      if (pool.startsWith('tool-serial:')) return 1
      if (pool.startsWith('tool:')) return CALLS_PER_TOOL_SOURCE
      const provider = pool.startsWith('provider:') ? pool.slice('provider:'.length) : undefined
      const usual = settings.performance?.concurrency?.max_per_provider ?? CALLS_PER_PROVIDER
      return provider === undefined ? undefined : (settings.providers?.[provider]?.connections ?? usual)
    },
    watcher: joinWatchers(watcher, door.watcher, traces) ?? {},
  }
}

const said = new Set<string>()

/** Once in a process: what the project wants and does not get. */
function sayUntrusted({ warnings, redact }: App): void {
  for (const { code, message, hint = '', file = '' } of warnings) {
    const text = redact(`${file}: ${message}. ${hint}`)
    if (code !== 'setting_untrusted' || said.has(text)) continue
    said.add(text)
    process.emitWarning(text, { type: 'TrustWarning', code })
  }
}

/** What policy looks at beside its rules. */
async function watchCalls(app: App) {
  return { doubt: await doubtDefinitions(app), wall: (asked: Asked) => describeWall(app, asked) }
}

/** Is the breaker of this model open, as far as this process knows? */
function isBroken(app: App, model: string): boolean {
  return describeBreakers(app).some(({ name, state }) => name === model && state === 'open')
}

/** The versions of step kinds, for verification: no executors, nothing is touched. */
export const stepKinds: { readonly [kind: string]: StepKind } = {
  agent: agentStep,
  chat: chatStep,
  embed: embedStep,
  script: scriptStep,
  condition: conditionStep,
  each: eachStep,
  loop: loopStep,
  nested: nestedStep,
  dispatch: dispatchStep,
  verified: verifiedStep,
  assemble: assembleStep,
  plan: planStep,
  gate: gateStep,
  queries: queriesStep,
  tool: toolStep,
  graceful: gracefulStep,
  portion: portionStep,
}

/** An ensemble that a run asks for. The name may come from a model, so it is never the path of a file. */
async function findDefinition(app: App, name: string): Promise<{ readonly name: string; readonly graph: Json }> {
  const looked = await findEnsemble(name, app.paths)
  if ('problem' in looked) throw new OrcError(looked.problem)
  const target = await findTarget(app, looked.found.file)
  const { prepareDispatched } = await import('./budget.ts')
  return { name: target.name, graph: (await prepareDispatched(app, target.graph)) as unknown as Json }
}

async function digestFile(path: string): Promise<string | undefined> {
  return readFile(path).then(
    (bytes) => hash('sha256', bytes, 'hex'),
    () => undefined,
  )
}
