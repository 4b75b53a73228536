import { expect, test } from 'vitest'
import { markedGraph, markedOptions } from '../../../test/engine/bundle.fixture.ts'
import { createRoom, eventsOf, planOf, runToEnd } from '../../../test/laws.ts'
import { startRun } from '../../engine/engine.ts'
import { forkRun } from '../../engine/fork.ts'
import type { Event } from '../event.ts'
import type { Json, Value } from '../values.ts'
import { nameSetting, reportCause } from './cause-words.ts'
import { findDifferences, withoutCircumstances } from './difference.ts'
import { type BisectedRun, findFirstCause } from './first-cause.ts'

const graph = markedGraph(
  ['a', 'small'],
  ['b', 'large', 'a'],
  ['l', 'lead', 'b'],
  ['f', 'fails', 'a'],
  ['z', 'small', 'l', 'f'],
)

async function runWith(seed: string, input: Json = 'same') {
  const room = createRoom(markedOptions)
  const plan = { ...planOf(graph, { seed }), input, run: `run-${seed}` }
  await runToEnd(await startRun(room.ports, plan), room.world)
  const sideOf = async (run: string): Promise<BisectedRun> => ({
    events: await eventsOf(room, run),
    read: async (value: Value) => {
      const blob = await room.blobs.get(run, value.sha256)
      return blob && (JSON.parse(blob.text) as Json)
    },
  })
  return { room, plan, sideOf, ...(await sideOf(plan.run)) }
}

test('F20 runs that did the same have no cause, and steps of both that ended in another order neither', async () => {
  const [a, b] = [await runWith('one'), await runWith('two')]
  expect(await findFirstCause(a, b)).toMatchObject({ cause: undefined, chain: [], same_end: true, seeds_differ: true })
})

test('F20 wherever one answer is another, it is the first cause, with both sides', async () => {
  const [a, b] = [await runWith('one'), await runWith('two')]
  let planted = 0
  for (const { seq, type } of b.events) {
    if (type !== 'effect-done') continue
    const events = structuredClone(b.events) as Event[]
    const event = events[seq - 1] as Event & { type: 'effect-done' }
    if (!event.data.answer.inline) continue
    planted += 1
    Object.assign(event.data.answer, { sha256: 'planted', inline: { salt: '', text: '"planted"' } })
    Object.assign(event, { hash: 'planted' })
    const found = await findFirstCause(a, { ...b, events })
    expect(found.cause?.name).toBe(`answer ${event.data.key}#0`)
    expect(found.cause && reportCause(found.cause, found)).toMatchObject({
      kind: 'answer',
      words: expect.stringContaining('asked the same and got different answers'),
      differences: [{ path: 'answer', b: 'planted' }],
    })
  }
  expect(planted).toBeGreaterThan(2)
})

test('F20 another input is the cause of all that follows', async () => {
  const found = await findFirstCause(await runWith('one', 'this'), await runWith('two', 'that'))
  expect(found.cause).toMatchObject({ name: 'input', differences: [{ a: 'this', b: 'that' }] })
})

test('F16 a fork is explained by what it changed, at whichever event it was made', async () => {
  const { room, plan, events, sideOf } = await runWith('one')
  let forks = 0
  for (const { seq } of events) {
    const run = `fork-${seq}`
    const change = { specs: { b: { ...graph.steps[1]?.spec, marks: 'changed' } } }
    const forked = await forkRun(room.ports, plan.run, { run, at: seq, change, started_by: 'code', run_key: 'k' })
    if ('refused' in forked) continue
    forks += 1
    await runToEnd(forked, room.world)
    const found = await findFirstCause(await sideOf(plan.run), await sideOf(run))
    expect(found.shared).toBe(seq)
    const names = [found.cause, ...found.also].map((parting) => parting?.name)
    expect(names).toContain('plan b')
  }
  expect(forks).toBeGreaterThan(1)
})

test('differences: at most so many, and nothing of how a call went', () => {
  expect(findDifferences({ a: [1, 2], b: 'x' }, { a: [1, 3], c: 'x' })).toEqual([
    { path: 'a/1', a: 2, b: 3 },
    { path: 'b', a: 'x', b: undefined },
    { path: 'c', a: undefined, b: 'x' },
  ])
  expect(findDifferences([1, 2, 3], [3, 2, 1], 1)).toHaveLength(1)
  const answer = { content: [], finish: 'stop', usage: { input: 1 }, first_part_ms: 7 }
  expect(withoutCircumstances(answer)).toEqual({ content: [], finish: 'stop' })
  expect(withoutCircumstances({ usage: 1 })).toEqual({ usage: 1 })
})

test.each([
  ['spec/system', 'system prompt'],
  ['spec/candidates/0/model', 'model'],
  ['spec/candidates/1', 'fallback models'],
  ['spec/body/steps/2/spec/system', 'system prompt (body/steps/2/spec/system)'],
  ['after/0/on', 'what it waits for'],
  ['spec/strange/key', 'strange/key'],
])('the setting at %s is called %s', (path, words) => expect(nameSetting(path)).toBe(words))
