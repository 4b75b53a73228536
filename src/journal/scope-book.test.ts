import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Need } from '../events/money.ts'
import { createRandom } from '../events/random.ts'
import { createMemoryJournal } from './memory.ts'
import { type Scope, ScopeBook, type ScopeTerms } from './scope-book.ts'
import { openSqliteJournal } from './sqlite.ts'

const NEED: Need = {
  input_tokens: 100,
  input_cost: 100,
  output_tokens: 900,
  least_output: 100,
  output_price: 1_000_000,
}
const WORST = { cost: 1_000, tokens: 1_000 }
const day = (max_cost: number): Scope => ({ title: 'the day', stream: 'scope/all-2026-11-21', limits: { max_cost } })

function termsOf(more: Partial<ScopeTerms> = {}): ScopeTerms {
  const { journal } = createMemoryJournal()
  return { journal, clock: () => 0, owner: { id: 'me' }, isDead: () => false, ...more }
}

const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

describe('a budget outside of runs', () => {
  test('holds the worst, settles what was told, and charges what nobody told as it was held', async () => {
    const book = new ScopeBook(termsOf())
    expect(await book.hold('r|a|1', NEED, [day(5_000)])).toMatchObject({ answer: 'yes', amount: WORST })
    await book.settle('r|a|1', [day(5_000)], { cost: 300, tokens: 200 })
    await book.hold('r|b|1', NEED, [day(5_000)])
    await book.settle('r|b|1', [day(5_000)], {})
    await book.hold('r|c|1', NEED, [day(5_000)])
    await book.settle('r|c|1', [day(5_000)], 'untouched')
    expect(await book.look(day(0).stream)).toMatchObject({
      settled: { cost: 1_300, tokens: 1_200 },
      reserved: { cost: 0, tokens: 0 },
      calls: 2,
    })
  })

  test('gives less output where that is all there is, waits for others, refuses when nobody can give back', async () => {
    const book = new ScopeBook(termsOf())
    const scopes = [day(1_500)]
    await book.hold('r|a|1', NEED, scopes)
    expect(await book.hold('r|b|1', NEED, scopes)).toEqual({ answer: 'later' })
    await book.settle('r|a|1', scopes, WORST)
    expect(await book.hold('r|b|1', NEED, scopes)).toMatchObject({ answer: 'yes', output_tokens: 400 })
    await book.settle('r|b|1', scopes, { cost: 500, tokens: 500 })
    expect(await book.hold('r|c|1', NEED, scopes)).toMatchObject({
      answer: 'no',
      code: 'budget_exhausted',
      message: expect.stringContaining('the day'),
    })
  })

  test('U13 a price that is missing is refused under a limit on cost, unless that is allowed', async () => {
    const book = new ScopeBook(termsOf())
    const need = { input_tokens: 100, output_tokens: 900, least_output: 100 }
    expect(await book.hold('r|a|1', need, [day(5_000)])).toMatchObject({ answer: 'no', code: 'price_unknown' })
    expect(await book.hold('r|a|1', need, [{ ...day(5_000), unpriced: 'allow' }])).toMatchObject({ answer: 'yes' })
  })

  test('a call is held in all its scopes or in none', async () => {
    const book = new ScopeBook(termsOf())
    const cheap: Scope = { title: 'the profile cheap', stream: 'scope/profiles-x-2026-11-21', limits: { max_calls: 1 } }
    await book.hold('r|a|1', NEED, [day(9_000), cheap])
    await book.settle('r|a|1', [day(9_000), cheap], WORST)
    expect(await book.hold('r|b|1', NEED, [day(9_000), cheap])).toMatchObject({
      answer: 'no',
      message: expect.stringContaining('the profile cheap'),
    })
    expect(await book.look(day(0).stream)).toMatchObject({ settled: WORST, reserved: { cost: 0 } })
  })

  test('U12 nobody waits for ever for a holder of another machine that is never heard of again', async () => {
    const { journal } = createMemoryJournal()
    const scopes = [day(1_000)]
    let now = 0
    const gone = new ScopeBook(termsOf({ journal, owner: { id: 'elsewhere' } }))
    const live = new ScopeBook(termsOf({ journal, clock: () => now }))
    await gone.hold('r|a|1', NEED, scopes)
    expect(await live.hold('r|b|1', NEED, scopes)).toEqual({ answer: 'later' })
    now = 3_600_001
    expect(await live.hold('r|b|1', NEED, scopes)).toEqual({ answer: 'later' })
    expect(await live.hold('r|b|1', NEED, scopes)).toMatchObject({ answer: 'no', code: 'budget_exhausted' })
    expect((await live.look(day(0).stream)).settled).toEqual(WORST)
  })

  test('U12 what a dead process held is charged, leaks nothing, and its late word corrects it', async () => {
    const { journal } = createMemoryJournal()
    const scopes = [day(2_000)]
    const dead = new ScopeBook(termsOf({ journal, owner: { id: 'dead' } }))
    const live = new ScopeBook(termsOf({ journal, isDead: ({ id }) => id === 'dead' }))
    await dead.hold('r|a|1', NEED, scopes)
    await dead.hold('r|b|1', NEED, scopes)
    const held = await live.look(day(0).stream)
    expect(live.countGone(held)).toEqual({ cost: 2_000, tokens: 2_000, calls: 2 })
    expect(dead.countGone(held)).toEqual({ cost: 0, tokens: 0, calls: 0 })
    expect(await live.hold('s|a|1', NEED, scopes)).toEqual({ answer: 'later' })
    expect(await live.hold('s|a|1', NEED, scopes)).toEqual({ answer: 'later' })
    expect(await live.hold('s|a|1', NEED, scopes)).toMatchObject({ answer: 'no' })
    expect(await live.look(day(0).stream)).toMatchObject({ settled: { cost: 2_000 }, reserved: { cost: 0 } })
    await dead.settle('r|a|1', scopes, { cost: 200, tokens: 200 })
    expect(await live.look(day(0).stream)).toMatchObject({ settled: { cost: 1_200 } })
    expect(await live.hold('s|a|1', NEED, scopes)).toMatchObject({ answer: 'yes' })
  })
})

test('U11 I10 several books on one store: never over the limit, nothing held at the end', async () => {
  for (let seed = 0; seed < 6; seed++) {
    const random = createRandom(`books ${seed}`)
    const folder = await mkdtemp(join(tmpdir(), 'orc-scope-'))
    folders.push(folder)
    const limit = 5_000 + Math.floor(random() * 30_000)
    const scopes = [day(limit)]
    let billed = 0
    const stores = await Promise.all(
      Array.from({ length: 4 }, () => openSqliteJournal({ path: join(folder, 'journal.db') })),
    )
    const callers = stores.flatMap(({ journal }, store) => {
      const book = new ScopeBook(termsOf({ journal, owner: { id: String(store) } }))
      return Array.from({ length: 8 }, async (_, caller) => {
        for (let n = 1; ; n++) {
          const held = await book.hold(`${store}|${caller}|${n}`, NEED, scopes)
          if (held.answer === 'no') return
          await new Promise((resolve) => setTimeout(resolve, random() * 4))
          if (held.answer === 'later') {
            n -= 1
            continue
          }
          const cost = random() < 0.5 ? held.amount.cost : Math.floor(held.amount.cost * random())
          const told = random() < 0.8
          billed += told ? cost : held.amount.cost
          await book.settle(`${store}|${caller}|${n}`, scopes, told ? { cost, tokens: cost } : {})
        }
      })
    })
    await Promise.all(callers)
    const last = stores[0] as (typeof stores)[number]
    const state = await new ScopeBook(termsOf({ journal: last.journal })).look(day(0).stream)
    expect(state.settled.cost).toBe(billed)
    expect(billed).toBeLessThanOrEqual(limit)
    expect(billed).toBeGreaterThan(limit - 1_100)
    expect(state.reserved).toEqual({ cost: 0, tokens: 0 })
    await Promise.all(stores.map((store) => store.close()))
  }
}, 60_000)
