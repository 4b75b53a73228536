import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Ballot, Tally } from './ballot.ts'
import { countBorda } from './borda.ts'
import { countCondorcet } from './condorcet.ts'
import { countInstantRunoff } from './instant-runoff.ts'
import { countMajority } from './majority.ts'
import { makeTieRule, type TieRule } from './tie-rule.ts'

const ties = makeTieRule('seed')

/** `3 A>B>C` as three ballots. */
function ballots(...groups: readonly string[]): Ballot[] {
  return groups.flatMap((group, index) => {
    const [count = '', order = ''] = group.split(' ')
    return Array.from({ length: Number(count) }, (_, n) => ({ voter: `${index}-${n}`, ranking: order.split('>') }))
  })
}

/** Where Tennessee's capital should be: the usual example of all methods. */
const tennessee = ballots(
  '42 Memphis>Nashville>Chattanooga>Knoxville',
  '26 Nashville>Chattanooga>Knoxville>Memphis',
  '15 Chattanooga>Knoxville>Nashville>Memphis',
  '17 Knoxville>Chattanooga>Nashville>Memphis',
)
const cities = ['Memphis', 'Nashville', 'Chattanooga', 'Knoxville']

describe('textbook elections', () => {
  test('majority: most first choices', () => {
    const tally = countMajority(cities, tennessee, ties)
    expect(tally.order[0]).toBe('Memphis')
    expect(tally.scores).toEqual({ Memphis: 42, Nashville: 26, Chattanooga: 15, Knoxville: 17 })
    expect(tally.tied).toEqual([])
  })

  test('Borda: points by place', () => {
    const tally = countBorda(cities, tennessee, ties)
    expect(tally.order).toEqual(['Nashville', 'Chattanooga', 'Memphis', 'Knoxville'])
    expect(tally.scores).toEqual({ Memphis: 126, Nashville: 194, Chattanooga: 173, Knoxville: 107 })
  })

  test('Borda: those left out share the places that are left', () => {
    expect(countBorda(['a', 'b', 'c', 'd'], ballots('1 a'), ties).scores).toEqual({ a: 3, b: 1, c: 1, d: 1 })
  })

  test('instant run-off: the last one is out until somebody has more than half', () => {
    const tally = countInstantRunoff(cities, tennessee, ties)
    expect(tally.order).toEqual(['Knoxville', 'Memphis', 'Nashville', 'Chattanooga'])
    expect(tally.rounds?.map(({ out }) => out)).toEqual(['Chattanooga', 'Nashville', undefined])
    expect(tally.rounds?.at(-1)?.votes).toEqual({ Knoxville: 58, Memphis: 42 })
  })

  test('instant run-off: used-up ballots count no more, and a dead heat goes to the tie rule', () => {
    const tally = countInstantRunoff(['a', 'b', 'c'], ballots('2 a', '2 b', '1 c'), ties)
    expect(tally.tied.toSorted()).toEqual(['a', 'b'])
    expect(tally.rounds?.at(-1)?.votes).toEqual({ a: 2, b: 2 })
  })

  test('Condorcet: one beats all others in pairs', () => {
    const tally = countCondorcet(cities, tennessee, ties)
    expect(tally).toMatchObject({ beats_all: true, tied: [] })
    expect(tally.order).toEqual(['Nashville', 'Chattanooga', 'Knoxville', 'Memphis'])
  })

  test('Condorcet: a circle is broken at its weakest link (Schulze)', () => {
    const circle = ballots('4 A>B>C', '3 B>C>A', '2 C>A>B')
    const tally = countCondorcet(['A', 'B', 'C'], circle, ties)
    expect(tally).toMatchObject({ order: ['A', 'B', 'C'], beats_all: false, tied: [] })
  })

  test('Condorcet: an even circle is a tie of all three', () => {
    const tally = countCondorcet(['A', 'B', 'C'], ballots('1 A>B>C', '1 B>C>A', '1 C>A>B'), ties)
    expect(tally.tied.toSorted()).toEqual(['A', 'B', 'C'])
    expect(tally.beats_all).toBe(false)
  })

  test('Schulze: the election of 45 voters over five candidates', () => {
    const many = ballots(
      '5 A>C>B>E>D',
      '5 A>D>E>C>B',
      '8 B>E>D>A>C',
      '3 C>A>B>E>D',
      '7 C>A>E>B>D',
      '2 C>B>A>D>E',
      '7 D>C>E>B>A',
      '8 E>B>A>D>C',
    )
    expect(countCondorcet(['A', 'B', 'C', 'D', 'E'], many, ties).order).toEqual(['E', 'A', 'C', 'B', 'D'])
  })

  test('no ballots, one candidate', () => {
    for (const count of methods) {
      expect(count(['a'], [], ties).order).toEqual(['a'])
      expect(count(['a', 'b'], [], ties).tied.toSorted()).toEqual(['a', 'b'])
    }
  })
})

const methods: readonly ((candidates: readonly string[], cast: readonly Ballot[], rule: TieRule) => Tally)[] = [
  countMajority,
  countBorda,
  countInstantRunoff,
  countCondorcet,
]

describe('order plays no part', () => {
  const names = ['a', 'b', 'c', 'd', 'e']
  const election = fc.record({
    cast: fc.array(fc.shuffledSubarray(names, { minLength: 1 }), { maxLength: 9 }),
    candidates: fc.shuffledSubarray(names, { minLength: 5 }),
    order: fc.infiniteStream(fc.nat()),
    seed: fc.string(),
  })

  test.each(methods.map((count) => [count.name, count] as const))('%s', (_, count) => {
    fc.assert(
      fc.property(election, ({ cast, candidates, order, seed }) => {
        const voters = cast.map((ranking, index) => ({ voter: `v${index}`, ranking }))
        const lots = new Map(voters.map(({ voter }) => [voter, order.next().value ?? 0]))
        const shuffled = voters.toSorted((a, b) => (lots.get(a.voter) ?? 0) - (lots.get(b.voter) ?? 0))
        const rule = makeTieRule(seed)
        expect(count(candidates, shuffled, rule)).toEqual(count(names, voters, rule))
      }),
      { numRuns: 300 },
    )
  })

  test('the tie rule is fair: each of three equals wins about as often', () => {
    const wins = new Map<string, number>()
    for (let n = 0; n < 3000; n++) {
      const [winner = ''] = countMajority(['x', 'y', 'z'], [], makeTieRule(`seed ${n}`)).order
      wins.set(winner, (wins.get(winner) ?? 0) + 1)
    }
    for (const name of ['x', 'y', 'z']) expect(wins.get(name)).toBeGreaterThan(800)
  })
})
