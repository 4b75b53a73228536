import { describe, expect, it } from 'vitest'
import { act, after, type ControlRun, runControl } from '../../test/fixtures/control.ts'
import type { Json } from '../events/values.ts'
import type { GraphStep } from '../graph/step-graph.ts'

const list = (value: Json): GraphStep => act('list', JSON.stringify(value))
const each = (step: GraphStep, more: { readonly [key: string]: Json } = {}, on: string[] = ['list']): GraphStep => ({
  id: 'map',
  kind: 'each',
  spec: { step: step as unknown as Json, ...more },
  ...after(...on),
})
const echo = act('', 'input.item')

/** How many items ran at once, at most. */
function widthOf({ events }: ControlRun): number {
  let [now, most] = [0, 0]
  for (const { type, data } of events) {
    if (!('step' in data) || !/^map\[\d+\]$/.test(data.step as string)) continue
    if (type === 'step-started') most = Math.max(most, ++now)
    if (type === 'step-finished' || type === 'step-failed') now -= 1
  }
  return most
}

describe('each: where the list comes from', () => {
  it.each<[string, Json]>([
    ['a list', ['a', 2, null]],
    ['a list under data', { data: ['a', 2, null], status: 'success' }],
    ['a text that is a list', '["a", 2, null]'],
    ['a text that is an object with a list under data', '{"data": ["a", 2, null]}'],
  ])('%s', async (_, value) => {
    const run = await runControl([list(value), each(echo)])
    expect(run.steps['map']?.output).toEqual({
      data: ['a', 2, null],
      status: 'success',
      items: [0, 1, 2].map((index) => ({ index, status: 'success' })),
    })
    expect(run.steps['map']).not.toHaveProperty('verdict')
    expect(run.status).toBe('succeeded')
  })

  it('the key that input_key picks', async () => {
    const run = await runControl([list({ files: ['a', 'b'] }), each(echo, { rules: { input_key: 'files' } })])
    expect(run.steps['map']?.output).toMatchObject({ data: ['a', 'b'] })
  })

  it('an expression over input and steps', async () => {
    const run = await runControl([list({ n: [1, 2, 3] }), each(echo, { over: 'steps.list.output.n.filter(n, n > 1)' })])
    expect(run.steps['map']?.output).toMatchObject({ data: [2, 3] })
  })

  it('the output of another each, failed items included', async () => {
    const first = each(act('', 'input.item * 10', { fails: 'input.item == 2' }))
    const second: GraphStep = { ...each(act('', 'input.item == null ? "none" : "got"'), {}, ['map']), id: 'again' }
    const run = await runControl([list([1, 2, 3]), first, second])
    expect(run.steps['again']?.output).toMatchObject({ data: ['got', 'none', 'got'], status: 'success' })
    expect(run.status).toBe('partial')
  })

  it.each<[Json, string]>([
    ['words', 'items_invalid'],
    [{ list: [1] }, 'items_invalid'],
    [7, 'items_invalid'],
    [null, 'items_invalid'],
  ])('%j is none', async (value, code) => {
    const run = await runControl([list(value), each(echo)])
    expect(run.steps['map']).toMatchObject({ status: 'failed', code })
    expect(run.steps['map']?.message).toContain('the output of "list"')
  })

  it('a dependency without an output is named with how it ended', async () => {
    const run = await runControl([act('list', '[]', { fails: 'true' }), each(echo)])
    expect(run.steps['map']?.message).toContain('"list", which the list comes from, has no output: it was failed')
  })

  it('more items than a step takes', async () => {
    const run = await runControl([act('list', '"start"'), each(echo, { over: 'input' })], {
      input: Array.from({ length: 10_001 }, () => 0),
    })
    expect(run.steps['map']).toMatchObject({
      code: 'items_too_many',
      message: 'input has 10001 items; a step takes 10000 at most',
    })
  })

  it('an empty list is no failure', async () => {
    for (const width of [{}, { width: 2 }]) {
      const run = await runControl([list([]), each(echo, width)])
      expect(run.steps['map']).toEqual({ status: 'succeeded', output: { data: [], status: 'success', items: [] } })
    }
  })
})

describe('each: what an item sees', () => {
  it('its input, and the dependencies that the list does not come from', async () => {
    const look = act('', '{"input": input, "sees": sees, "style": steps.style.output}')
    const style = act('style', '"brief"')
    for (const [more, on] of [
      [{}, ['list', 'style']],
      [{ over: 'steps.list.output' }, ['style', 'list']],
    ] as const) {
      const run = await runControl([list(['a', { b: 1 }]), style, each(look, more, [...on])])
      expect(run.steps['map[1]']?.output).toEqual({
        input: { item: { b: 1 }, chunk_index: 1, total_chunks: 2, base_input: 'the input' },
        sees: ['style'],
        style: 'brief',
      })
    }
  })

  it('not the original input when the rules leave it out', async () => {
    const run = await runControl([list([1]), each(act('', 'input'), { rules: { input_scope: 'dependencies' } })])
    expect(run.steps['map[0]']?.output).toMatchObject({ item: 1, base_input: null })
  })

  it('nor when its copies would fill the journal, and a note says so', async () => {
    const run = await runControl([list(Array(40).fill(1)), each(act('', 'input.base_input'))], {
      input: 'x'.repeat(1_000_000),
    })
    expect(run.steps['map']?.output).toMatchObject({ data: Array(40).fill(null), status: 'success' })
    expect(run.events.find(({ type }) => type === 'note-written')?.data).toMatchObject({
      facts: { about: 'base_input', left_out: true, characters: 1_000_002, items: 40 },
    })
  })
})

describe('each: gathering', () => {
  const odd = { ...echo, spec: { value: 'input.item', touches: 'pure', fails: 'input.item % 20 == 7' } }

  it.each([undefined, 1, 7, 300])(
    'a hundred items, five of which fail, width %s: in order, the failures named, the run partial',
    async (width) => {
      const items = Array.from({ length: 100 }, (_, index) => index)
      const spec = width === undefined ? {} : { width }
      const run = await runControl([list(items), each(odd, spec)], { seed: `width ${width}` })
      const { output, verdict } = run.steps['map'] as unknown as {
        output: { data: Json[]; items: Json[]; status: Json }
        verdict: Json
      }
      expect(output.data).toEqual(items.map((item) => (item % 20 === 7 ? null : item)))
      expect(output.status).toBe('partial')
      expect(output.items[27]).toEqual({
        index: 27,
        status: 'failed',
        error: { code: 'planned', message: 'it was planned' },
      })
      expect(output.items[28]).toEqual({ index: 28, status: 'success' })
      expect(verdict).toEqual({ partial: true, failed: [7, 27, 47, 67, 87].map((index) => `map[${index}]`) })
      expect(run.status).toBe('partial')
      expect(widthOf(run)).toBe(Math.min(width ?? 100, 100))
    },
  )

  it('fails when every item did, and keeps what is known', async () => {
    const run = await runControl([list([1, 2, 3, 4]), each(act('', '1', { fails: 'true' }))])
    expect(run.steps['map']).toMatchObject({
      status: 'failed',
      code: 'inner_failed',
      message:
        'every item failed: map[0] (planned: it was planned); map[1] (planned: it was planned); map[2] (planned: it was planned); and 1 more',
      output: { data: [null, null, null, null], status: 'failed' },
    })
    expect(run.status).toBe('failed')
  })

  it('many items without a width come in several events of bounded size', async () => {
    const run = await runControl([each(echo, { over: 'input' }, [])], {
      input: Array.from({ length: 450 }, (_, n) => n),
    })
    const added = run.events.filter(({ type, data }) => type === 'steps-added' && 'proposal' in data)
    expect(added.map(({ data }) => (data as { steps: unknown[] }).steps.length)).toEqual([200, 200, 50])
    expect(run.steps['map']?.output).toMatchObject({ status: 'success' })
  })

  it('cancelling the run ends all lanes', async () => {
    const run = await runControl(
      [list([...Array(30).keys()]), each({ ...odd, spec: { value: '1', touches: 'pure' } }, { width: 3 })],
      {
        during: (live, world) => void world.wake(world.clock() + 60, () => live.cancel('enough')),
      },
    )
    expect(run.status).toBe('cancelled')
    expect(run.steps['map']).toEqual({ status: 'cancelled' })
  })
})
