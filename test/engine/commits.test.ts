import { hash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { EffectOutcome, Executor, Safety } from '../../src/engine/effect.ts'
import { readEvents, startRun } from '../../src/engine/engine.ts'
import type { StepKind } from '../../src/engine/step.ts'
import { createVirtualWorld } from '../../src/engine/virtual-world.ts'
import { createMemoryJournal } from '../../src/journal/memory.ts'

/** Two steps with one effect each, whose executors answer when told to, in a world whose time stands still. */
async function start(safety: Safety) {
  const { journal, blobs } = createMemoryJournal()
  const world = createVirtualWorld({
    seed: 's',
    sha256: (text) => hash('sha256', text, 'hex'),
    drain: () => turn(),
  })
  const answers = new Map<string, (outcome: EffectOutcome) => void>()
  const touch: Executor = {
    kind: 'touch',
    run: ({ step }) => new Promise((resolve) => answers.set(step, resolve)),
  }
  const asks: StepKind = {
    kind: 'asks',
    version: 1,
    run: async (step, _inputs, ctx) => ({ output: await ctx.effect({ kind: 'touch', safety, request: step.id }) }),
  }
  const shown: string[] = []
  const run = await startRun(
    {
      world,
      journal,
      blobs,
      kinds: { asks },
      executors: { touch },
      watcher: { events: (events) => shown.push(...events.map(({ type }) => type)) },
    },
    {
      run: 'r',
      graph: { name: 'two', steps: ['a', 'b'].map((id) => ({ id, kind: 'asks', spec: {} })) },
      input: null,
      seed: 's',
      run_key: 'k',
      target: { kind: 'graph', name: 'two' },
      started_by: 'code',
    },
  )
  const settle = async () => {
    for (let i = 0; i < 20; i++) await turn()
  }
  const kept = async () => {
    const types: string[] = []
    for await (const { type } of readEvents({ journal }, 'r')) types.push(type)
    return types
  }
  const answer = async (step: string) => {
    answers.get(step)?.({ ok: true, answer: step })
    await settle()
  }
  await settle()
  return { world, run, answers, answer, settle, kept, shown }
}

describe('what is on disk when', () => {
  test('an answer that nobody waits for shares a commit while others are under way, and is kept soon all the same', async () => {
    const { world, run, answers, answer, settle, kept, shown } = await start('billable')
    expect([...answers.keys()]).toEqual(['a', 'b'])
    await answer('a')
    expect(await kept()).not.toContain('effect-done')
    const began = world.clock()
    world.advance()
    await settle()
    expect(world.clock() - began).toBeLessThanOrEqual(20)
    expect((await kept()).slice(-2)).toEqual(['effect-done', 'step-finished'])
    expect(shown).toEqual(await kept())
    await answer('b')
    expect(await run.ended).toMatchObject({ outcome: 'finished' })
  })

  test('an outcome of an unsafe effect is kept at once', async () => {
    const { answer, kept } = await start('unsafe')
    await answer('a')
    expect(await kept()).toContain('effect-done')
  })

  test('the last answer is kept at once: no other will come', async () => {
    const { run, answer, kept } = await start('billable')
    await answer('a')
    await answer('b')
    expect((await kept()).at(-1)).toBe('run-finished')
    expect(await run.ended).toMatchObject({ outcome: 'finished' })
  })
})
