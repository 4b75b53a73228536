import { describe, expect, test } from 'vitest'
import type { StepKind } from '../../src/engine/step.ts'
import type { PlannedStep } from '../../src/events/event.ts'
import { createRandom } from '../../src/events/random.ts'
import { agentStep } from '../../src/steps/agent.ts'
import { assembleStep } from '../../src/steps/assemble.ts'
import { planStep } from '../../src/steps/plan.ts'
import { verifiedStep } from '../../src/steps/verified.ts'
import { controlKinds, findDefinition, touchWorld } from '../fixtures/control.ts'
import { fakeModel } from '../fixtures/fake-model.ts'
import { runWithLaws } from '../laws.ts'
import { drawControl } from './control-graphs.ts'

const FULL = process.env['LAWS'] === 'full'
const GRAPHS = FULL ? 500 : 30
const GROUP = 10
const KINDS: { readonly [kind: string]: StepKind } = {
  ...controlKinds,
  agent: agentStep,
  verified: verifiedStep,
  assemble: assembleStep,
  plan: planStep,
}

describe('the four laws over every construct of control flow', () => {
  const kinds = new Set<string>()

  test.for(Array.from({ length: GRAPHS / GROUP }, (_, index) => index * GROUP))(
    `random graphs %i to +${GROUP - 1}`,
    { timeout: FULL ? 600_000 : 60_000 },
    async (from) => {
      for (let n = from; n < from + GROUP; n += 1) {
        const seed = `control ${n}`
        await runSeed(seed, kinds).catch((error: unknown) => {
          throw new Error(`${seed}: ${error instanceof Error ? error.stack : String(error)}`)
        })
      }
    },
  )

  test('every construct was among them', () => {
    expect([...kinds].toSorted()).toEqual(Object.keys(KINDS).toSorted())
  })
})

/** Calm graphs come to the same outputs whatever they are cut at; in stormy ones time limits, unknown outcomes and a cancel decide. */
async function runSeed(seed: string, kinds: Set<string>): Promise<void> {
  const random = createRandom(`${seed}/how`)
  const calm = random() < 0.7
  const { graph, ensembles } = drawControl(seed, { calm })
  const concurrent = random() < 0.4 ? { max_concurrent: 1 + Math.floor(random() * 3) } : {}
  const cancel = !calm && random() < 0.3
  let processes = 0
  const { events } = await runWithLaws(graph, {
    seed,
    kinds: KINDS,
    executors: (world) => ({
      world: touchWorld(world, `${seed} process ${processes++}`),
      definition: findDefinition(ensembles),
      model: fakeModel(world),
    }),
    orderInsensitive: calm,
    plan: { limits: { ...concurrent, backoff_ms: 5, calls_per_step: 6 } },
    during: (run, world) => {
      if (cancel) world.wake(world.clock() + 40, () => run.cancel('enough'))
    },
  })
  for (const { data } of events) if ('steps' in data && Array.isArray(data.steps)) addKinds(kinds, data.steps)
}

function addKinds(kinds: Set<string>, steps: readonly PlannedStep[]): void {
  for (const { kind } of steps) kinds.add(kind)
}
