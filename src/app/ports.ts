import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { createModelExecutor } from '../effects/model.ts'
import { createScriptExecutor } from '../effects/script.ts'
import { createTerminal } from '../effects/terminal.ts'
import type { EnginePorts, Watcher } from '../engine/world.ts'
import { agentStep } from '../steps/agent.ts'
import { scriptStep } from '../steps/script.ts'
import type { App } from './app.ts'
import { createNodeWorld } from './node-world.ts'

const CALLS_PER_PROVIDER = 64

/** Everything the engine is given in this process. */
export async function createPorts(app: App, watcher?: Watcher): Promise<EnginePorts> {
  const { journal, blobs } = await app.openJournal()
  const world = createNodeWorld()
  const { settings } = app.config
  const scripts = 4 * availableParallelism()
  return {
    world,
    journal,
    blobs,
    kinds: { agent: agentStep, script: scriptStep },
    executors: {
      model: createModelExecutor({
        provider: (request) => app.models.provider(request),
        clock: world.clock,
        wake: world.wake,
        cost: (request) => (app.models.isFree(request.provider) ? 0 : undefined),
      }),
      script: createScriptExecutor({
        cwd: app.paths.project ?? app.paths.cwd,
        interactive: createTerminal(),
        digest: digestFile,
      }),
    },
    poolLimit: (pool) => {
      if (pool === 'script') return scripts
      const provider = pool.startsWith('provider:') ? pool.slice('provider:'.length) : undefined
      return provider === undefined ? undefined : (settings.providers?.[provider]?.connections ?? CALLS_PER_PROVIDER)
    },
    ...(watcher ? { watcher } : {}),
  }
}

/** The versions of step kinds, for verification: no executors, nothing is touched. */
export const stepKinds = { agent: agentStep, script: scriptStep }

async function digestFile(path: string): Promise<string | undefined> {
  return readFile(path).then(
    (bytes) => hash('sha256', bytes, 'hex'),
    () => undefined,
  )
}
