import { expect, test } from 'vitest'
import { createNodeWorld } from '../../src/app/node-world.ts'
import type { EffectOutcome } from '../../src/engine/effect.ts'
import { readEvents, startRun, verifyRun } from '../../src/engine/engine.ts'
import type { Event } from '../../src/events/event.ts'
import type { ModelRequest } from '../../src/events/messages.ts'
import { listRecoveries, recoveryView } from '../../src/events/views/recovery.ts'
import { foldEvents } from '../../src/events/views/view.ts'
import { createMemoryJournal } from '../../src/journal/memory.ts'
import { agentStep } from '../../src/steps/agent.ts'

const TRIES = 3

async function run(
  models: readonly string[],
  answer: (model: string, call: number) => EffectOutcome,
  calls_per_step = 50,
) {
  const world = createNodeWorld()
  const { journal, blobs } = createMemoryJournal()
  const asked: string[] = []
  const ports = {
    world,
    journal,
    blobs,
    kinds: { agent: agentStep },
    executors: {
      model: {
        kind: 'model',
        run: async ({ request }: { readonly request: unknown }) => {
          const { model } = request as ModelRequest
          asked.push(model)
          return answer(model, asked.length)
        },
      },
    },
  }
  const candidates = models.map((model) => ({ provider: 'p', model }))
  const spec = { agent: 'a', title: 'a', system: '', candidates, blocks: [] }
  const { ended } = await startRun(ports, {
    run: 'r',
    graph: { name: 'g', steps: [{ id: 'a', kind: 'agent', spec }] },
    input: 'hello',
    seed: 's',
    run_key: world.sha256('key'),
    target: { kind: 'graph', name: 'g' },
    started_by: 'code',
    limits: { tries: TRIES, calls_per_step, backoff_ms: 1, backoff_cap_ms: 2 },
  })
  const end = await ended
  const events: Event[] = []
  for await (const event of readEvents(ports, 'r')) events.push(event)
  const verdict = await verifyRun(events, { world, blobs, kinds: ports.kinds, eventAt: async (seq) => events[seq - 1] })
  expect(verdict).toMatchObject({ equal: true })
  return { end, asked, recoveries: listRecoveries(foldEvents(recoveryView, events)) }
}

const down: EffectOutcome = { ok: false, code: 'provider_error', message: 'down', touched: 'yes', retry: true }
const done: EffectOutcome = {
  ok: true,
  answer: { content: [{ type: 'text', text: 'hi' }], finish: 'stop', usage: {} },
}

test('F19 all fail: each model is asked as often as a call may be tried, and not once more', async () => {
  const { end, asked, recoveries } = await run(['a', 'b', 'c'], () => down)
  expect(end).toMatchObject({ status: 'failed' })
  expect(asked).toEqual(['a', 'b', 'c'].flatMap((model) => Array<string>(TRIES).fill(model)))
  expect(recoveries).toEqual([
    { code: 'provider_error', action: 'retry', tried: 6, succeeded: 0, failed: 6 },
    { code: 'provider_error', action: 'fallback', tried: 2, succeeded: 0, failed: 2 },
  ])
})

test('F19 the calls of a step have one limit, over repetitions and models together', async () => {
  const { end, asked } = await run(['a', 'b', 'c'], () => down, 5)
  expect(end).toMatchObject({ status: 'failed' })
  expect(asked).toEqual(['a', 'a', 'a', 'b', 'b'])
})

test('what was done and what helped is counted from the journal alone', async () => {
  const limited: EffectOutcome = { ...down, code: 'rate_limited', retry_after_ms: 1 }
  const { end, recoveries } = await run(['a', 'b'], (model, call) =>
    model === 'a' ? down : call === 4 ? limited : done,
  )
  expect(end).toMatchObject({ status: 'succeeded' })
  expect(recoveries).toEqual([
    { code: 'provider_error', action: 'retry', tried: 2, succeeded: 0, failed: 2 },
    { code: 'provider_error', action: 'fallback', tried: 1, succeeded: 1, failed: 0 },
    { code: 'rate_limited', action: 'wait', tried: 1, succeeded: 1, failed: 0 },
  ])
})
