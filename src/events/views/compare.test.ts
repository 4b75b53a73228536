import { describe, expect, test } from 'vitest'
import { markedGraph, markedOptions, runMarked } from '../../../test/engine/bundle.fixture.ts'
import { createRoom, eventsOf, planOf, type Room, runToEnd } from '../../../test/laws.ts'
import { startRun } from '../../engine/engine.ts'
import { forkRun } from '../../engine/fork.ts'
import type { Event } from '../event.ts'
import type { Json, Value } from '../values.ts'
import { type ComparedRun, compareRuns } from './compare.ts'

const graph = markedGraph(
  ['a', 'small'],
  ['b', 'large', 'a'],
  ['l', 'lead', 'b'],
  ['f', 'fails', 'a'],
  ['z', 'small', 'l', 'f'],
)

function sideOf(room: Room, events: readonly Event[]): ComparedRun {
  return {
    events,
    read: async (value: Value) => {
      const blob = await room.blobs.get(events[0]?.run ?? '', value.sha256)
      return blob && (JSON.parse(blob.text) as Json)
    },
  }
}

async function runWith(input: Json, seed: string): Promise<ComparedRun & { events: readonly Event[] }> {
  const room = createRoom(markedOptions)
  const plan = { ...planOf(graph, { seed }), input, run: `run-${seed}` }
  await runToEnd(await startRun(room.ports, plan), room.world)
  const events = await eventsOf(room, plan.run)
  return { ...sideOf(room, events), events }
}

describe('F20 comparing two runs', () => {
  test('two runs that did the same have no difference, whatever their names, keys and times', async () => {
    const [a, b] = [await runWith('same', 'one'), await runWith('same', 'two')]
    const compared = await compareRuns(a, b)
    expect(compared.divergence).toBeUndefined()
    expect(compared.shared).toBe(0)
    expect(compared.steps.map(({ step, same }) => [step, same])).toEqual(
      ['a', 'b', 'l', 'f', 'z', 'l/x', 'l/y'].map((step) => [step, true]),
    )
    expect(compared.a).toMatchObject({ run: 'run-one', status: 'partial', spent: compared.b.spent })
    expect(compared.a.spent).toMatchObject({ calls: 0, cost: 30_000 })
    // Without a reader, large contents under other salts cannot be told to be the same.
    expect((await compareRuns({ events: a.events }, { events: b.events })).divergence).toMatchObject({ step: 'b' })
  })

  test('one planted difference is found at its place, with both sides', async () => {
    const [a, b] = [await runWith('same', 'one'), await runWith('same', 'two')]
    for (const event of b.events) {
      if (event.type !== 'effect-done' || !event.data.answer.inline) continue
      const events = structuredClone(b.events) as Event[]
      const planted = events[event.seq - 1] as Event & { type: 'effect-done' }
      ;(planted.data.answer.inline as { text: string }).text = '"planted"'
      const { divergence } = await compareRuns(a, { ...b, events })
      expect(divergence).toMatchObject({ index: event.seq, path: 'data/answer', right: 'planted' })
      expect(divergence?.left).toContain('answer to')
      expect(divergence?.step).toBe(event.data.key.split('@')[0])
      expect(divergence?.a).toEqual({ ...divergence?.b })
    }
    const other = await compareRuns(a, await runWith('other', 'two'))
    expect(other.divergence).toMatchObject({ index: 1, path: 'data/input', left: 'same', right: 'other' })
    expect(other.steps.every(({ same }) => same)).toBe(true)
  })

  test('a fork: the shared past, the change, outputs, cost and time side by side', async () => {
    const { room, events } = await runMarked(graph)
    const at = events.findIndex((event) => event.type === 'step-started' && event.data.step === 'z')
    const specs = { z: { body: 'lead', mark: 'another spec' } }
    const made = await forkRun(room.ports, 'run-1', {
      run: 'fork',
      at,
      change: { specs },
      started_by: 'code',
      run_key: '',
    })
    if ('refused' in made) throw new Error(made.refused.message)
    await runToEnd(made, room.world)
    const compared = await compareRuns(sideOf(room, events), sideOf(room, await eventsOf(room, 'fork')))
    expect(compared.shared).toBe(at)
    expect(compared.divergence).toMatchObject({
      index: at + 1,
      path: 'type',
      a: { type: 'step-started' },
      b: { type: 'run-forked' },
    })
    expect(compared.steps.filter(({ same }) => !same).map(({ step }) => step)).toEqual(['z/x', 'z/y'])
    const z = compared.steps.find(({ step }) => step === 'z')
    expect(z).toMatchObject({
      a: { output: 'output of z', spent: { cost: 5_000 } },
      b: { output: 'output of z' },
      same: true,
    })
    expect(z?.b?.spent.cost).toBeUndefined()
    expect(compared.steps.find(({ step }) => step === 'z/x')).toMatchObject({
      a: undefined,
      b: { status: 'succeeded', attempts: 1 },
    })
    expect(compared.b.spent.cost).toBe((compared.a.spent.cost ?? 0) + 5_000)
    expect(compared.b.own_cost).toBe(10_000)
    expect(compared.a.ms).toBe((events.at(-1) as Event).at - (events[0] as Event).at)
  })

  test('a run that ends earlier, and an empty one', async () => {
    const { events } = await runMarked(graph)
    const cut = await compareRuns({ events }, { events: events.slice(0, 10) })
    expect(cut.divergence).toMatchObject({ index: 11, b: undefined, right: undefined, path: '' })
    expect(cut.b).toMatchObject({ events: 10, status: 'unfinished' })
    expect((await compareRuns({ events }, { events: [] })).divergence).toMatchObject({ index: 1 })
    expect(await compareRuns({ events: [] }, { events: [] })).toMatchObject({
      shared: 0,
      divergence: undefined,
      steps: [],
    })
  })
})
