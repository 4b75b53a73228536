import { expect, test } from 'vitest'
import { createNodeWorld } from '../../src/app/node-world.ts'
import { startRun } from '../../src/engine/engine.ts'
import type { StepKind } from '../../src/engine/step.ts'
import { createMemoryJournal } from '../../src/journal/memory.ts'

const noop: StepKind = { kind: 'noop', version: 1, run: async () => ({ output: null }) }

/** Microseconds of processor time per step of a fan-out without dependencies; other programs would distort the wall clock. */
async function measure(steps: number): Promise<number> {
  const { journal, blobs } = createMemoryJournal()
  const graph = {
    name: 'wide',
    steps: Array.from({ length: steps }, (_, i) => ({ id: `s${i}`, kind: 'noop', spec: {} })),
  }
  const began = process.cpuUsage()
  const run = await startRun(
    { world: createNodeWorld(), journal, blobs, kinds: { noop }, executors: {} },
    {
      run: `run-${steps}`,
      graph,
      input: null,
      seed: 's',
      run_key: 'k',
      target: { kind: 'graph', name: 'wide' },
      started_by: 'code',
    },
  )
  expect(await run.ended).toEqual({ outcome: 'finished', status: 'succeeded' })
  const { user, system } = process.cpuUsage(began)
  return (user + system) / steps
}

test('the time of a step at 10,000 steps is within twice that at 100', async () => {
  for (let i = 0; i < 5; i++) await measure(100)
  // Other programs on the machine only ever make it slower: the quickest of several says what it costs.
  let small = Infinity
  let large = Infinity
  for (let round = 0; round < 5 && (round < 2 || large / small >= 2); round++) {
    for (let i = 0; i < 5; i++) small = Math.min(small, await measure(100))
    large = Math.min(large, await measure(10_000))
  }
  const memory = Math.round(process.memoryUsage().rss / 1024 / 1024)
  console.log(`per step: ${small.toFixed(1)} us at 100, ${large.toFixed(1)} us at 10,000; memory ${memory} MiB`)
  expect(large / small).toBeLessThan(2)
})
