import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../events/values.ts'
import { type Migration, migrateArguments } from './migrate.ts'

/** Adds its name to a list on the way, and takes it away on the way back. */
function link(from: string, to: string, broken: 'migrate' | 'rollback' | 'both' | 'none' = 'none'): Migration {
  return {
    from,
    to,
    apply: async (direction, args) => {
      if (broken === direction || broken === 'both')
        return { ok: false, code: 'tool_failed', message: 'no', detail: 'why', touched: 'yes' }
      const done = args['done'] as readonly string[]
      const name = `${from}->${to}`
      if (direction === 'migrate') return { ok: true, output: { done: [...done, name] } }
      return done.at(-1) === name
        ? { ok: true, output: { done: done.slice(0, -1) } }
        : { ok: false, code: 'tool_failed', message: `${name} was not the last`, touched: 'yes' }
    },
  }
}

const start: JsonObject = { done: [] }
const chain = [link('1.0.0', '1.1.0'), link('1.1.0', '2.0.0'), link('2.0.0', '3.0.0')]

describe('a chain of migrations', () => {
  test('forth and back is where it began', async () => {
    const forth = await migrateArguments(start, { from: '1.0.0', to: '3.0.0' }, chain)
    expect(forth).toEqual({
      success: true,
      data: { done: ['1.0.0->1.1.0', '1.1.0->2.0.0', '2.0.0->3.0.0'] },
      path: ['1.0.0', '1.1.0', '2.0.0', '3.0.0'],
    })
    const back = await migrateArguments(forth.data, { from: '3.0.0', to: '1.0.0', rollback: true }, chain)
    expect(back).toEqual({ success: true, data: start, path: ['3.0.0', '2.0.0', '1.1.0', '1.0.0'] })
  })

  test('the fewest links are taken, circles are no trouble, and nothing is done for the same version', async () => {
    const more = [...chain, link('1.0.0', '3.0.0'), link('3.0.0', '1.0.0')]
    expect(await migrateArguments(start, { from: '1.0.0', to: '3.0.0' }, more)).toMatchObject({ path: { length: 2 } })
    expect(await migrateArguments(start, { from: '2.0.0', to: '2.0.0' }, more)).toEqual({
      success: true,
      data: start,
      path: ['2.0.0'],
    })
  })

  test('without a way it says so', async () => {
    for (const [from, to] of [
      ['3.0.0', '1.0.0'],
      ['1.0.0', '9.0.0'],
    ] as const)
      expect(await migrateArguments(start, { from, to }, chain)).toMatchObject({
        success: false,
        data: start,
        error: { code: 'migration_missing' },
      })
  })

  test('when a link fails, those before it are undone', async () => {
    const undone: string[] = []
    const watched = chain.map((each) => ({
      ...each,
      apply: (direction: 'migrate' | 'rollback', args: JsonObject) => {
        if (direction === 'rollback') undone.push(each.to)
        return each.apply(direction, args)
      },
    }))
    const broken = [...watched.slice(0, 2), link('2.0.0', '3.0.0', 'migrate')]
    expect(await migrateArguments(start, { from: '1.0.0', to: '3.0.0' }, broken)).toMatchObject({
      success: false,
      data: start,
      rolled_back: true,
      error: { code: 'migration_failed', detail: 'why' },
    })
    expect(undone).toEqual(['2.0.0', '1.1.0'])
  })

  test('a rollback that fails, or that loses something, is not said to have worked', async () => {
    const bad = [link('1.0.0', '1.1.0', 'rollback'), link('1.1.0', '2.0.0', 'migrate')]
    expect(await migrateArguments(start, { from: '1.0.0', to: '2.0.0' }, bad)).toMatchObject({
      data: start,
      rolled_back: false,
    })
    const lossy: Migration = { from: '1.0.0', to: '1.1.0', apply: async () => ({ ok: true, output: { other: 1 } }) }
    expect(
      await migrateArguments(start, { from: '1.0.0', to: '2.0.0' }, [lossy, link('1.1.0', '2.0.0', 'both')]),
    ).toMatchObject({ data: start, rolled_back: false })
  })

  test('what is no object is no arguments', async () => {
    const odd: Migration = { from: '1.0.0', to: '1.1.0', apply: async () => ({ ok: true, output: [1] }) }
    expect(await migrateArguments(start, { from: '1.0.0', to: '1.1.0' }, [odd])).toMatchObject({
      success: false,
      error: { code: 'migration_failed' },
    })
  })

  test('wherever it breaks, the arguments are those that were given', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 8 }), async (length, at) => {
        const links = Array.from({ length }, (_, n) => link(`${n}.0.0`, `${n + 1}.0.0`, n === at ? 'migrate' : 'none'))
        const result = await migrateArguments(start, { from: '0.0.0', to: `${length}.0.0` }, links)
        expect(result.success).toBe(at >= length)
        if (result.success) expect(result.data['done']).toHaveLength(length)
        else expect(result).toMatchObject({ data: start, rolled_back: true })
      }),
      { numRuns: 100, seed: 4 },
    )
  })
})
