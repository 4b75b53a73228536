import { describe, expect, test } from 'vitest'
import { createRandom } from '../../src/events/random.ts'
import type { LawOptions } from '../laws.ts'
import { runWithLaws } from '../laws.ts'
import { FakeWorld, program, randomGraph } from './programs.ts'

function options(seed: string, more: Partial<LawOptions> = {}): LawOptions & { fake: FakeWorld } {
  const fake = new FakeWorld()
  let processes = 0
  return {
    fake,
    kinds: { program },
    executors: (world) => ({ fake: fake.executor(world, `${seed} process ${processes++}`) }),
    poolLimit: (pool) => (pool === 'narrow' ? 2 : undefined),
    seed,
    ...more,
  }
}

describe('the four laws', () => {
  test('a single step', async () => {
    const graph = {
      name: 'one',
      steps: [{ id: 'a', kind: 'program', spec: { ops: [{ op: 'effect', safety: 'billable' }] } }],
    }
    const { events, end } = await runWithLaws(graph, options('one'))
    expect(end).toEqual({ outcome: 'finished', status: 'succeeded' })
    expect(events.map((event) => event.type)).toEqual([
      'run-started',
      'steps-added',
      'step-started',
      'effect-intended',
      'effect-done',
      'step-finished',
      'run-finished',
    ])
  })

  // 500 graphs in all, each cut anywhere, under `npm run test:laws`; a sample of them here.
  const groups = process.env.LAWS === 'full' ? 25 : 3
  test.for(Array.from({ length: groups }, (_, i) => i * 20))(
    'random graphs %i to +19: fold, verify, JSON and every cut',
    async (from) => {
      for (let i = from; i < from + 20; i++) {
        const seed = `graph ${i}`
        const random = createRandom(seed)
        const limit = random() < 0.4 ? { max_concurrent: 1 + Math.floor(random() * 3) } : {}
        const timeout = random() < 0.1 ? { timeout_ms: 60 } : {}
        const cancel = random() < 0.15
        await runWithLaws(randomGraph(seed), {
          ...options(seed),
          plan: { limits: { ...limit, ...timeout, backoff_ms: 5, calls_per_step: 6 } },
          during: (run, world) => {
            if (cancel) world.wake(world.clock() + 40, () => run.cancel('enough'))
          },
        }).catch((error) => {
          throw new Error(`${seed}: ${error instanceof Error ? error.stack : error}`)
        })
      }
    },
  )
})
