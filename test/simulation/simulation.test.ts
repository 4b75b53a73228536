import { describe, expect, test } from 'vitest'
import { createRandom } from '../../src/events/random.ts'
import { POINT_NAMES } from './faults.ts'
import { findMisfits, gradeBug } from './grade.ts'
import { PLANTED } from './planted.ts'
import { type Mode, runSeed } from './run-seed.ts'

/** Simulates seeds and names the first that fails. */
async function runSeeds(
  mode: Mode,
  { from, count }: { from: number; count: number },
): Promise<{ fired: Set<string>; ends: Set<string> }> {
  const fired = new Set<string>()
  const ends = new Set<string>()
  for (let seed = from; seed < from + count; seed++) {
    const { violation, points, status } = await runSeed(seed, { mode })
    if (violation) throw new Error(`${mode} seed ${seed}: ${violation.invariant}: ${violation.message}`)
    for (const point of Object.keys(points)) fired.add(point)
    ends.add(status)
  }
  return { fired, ends }
}

describe('simulation', () => {
  // Thousands of seeds: `npm run simulate`.
  test('D5 safety: faults at all times, seeds 0 to 49', async () => {
    const { fired, ends } = await runSeeds('safety', { from: 0, count: 50 })
    expect(fired.size).toBeGreaterThan(30)
    expect([...ends].sort()).toEqual(['cancelled', 'exhausted', 'failed', 'partial', 'succeeded'])
  })

  test('D5 liveness: when faults stop, every run ends', async () => {
    await runSeeds('liveness', { from: 0, count: 50 })
  })

  test('D2 a seed gives the same bytes each time', async () => {
    const random = createRandom('twice')
    for (let i = 0; i < 10; i++) {
      const seed = Math.floor(random() * 1e6)
      const [first, second] = [await runSeed(seed), await runSeed(seed)]
      expect(second).toEqual(first)
      expect(first.head).toMatch(/^[0-9a-f]{64}$/)
    }
  })

  test('D10 there are at least thirty points where the ports misbehave', () => {
    expect(POINT_NAMES.length).toBeGreaterThanOrEqual(30)
  })
})

describe('D8 planted bugs', () => {
  test('there are at least 24, and each still fits the source', async () => {
    expect(PLANTED.length).toBeGreaterThanOrEqual(24)
    expect(new Set(PLANTED.map((bug) => bug.name)).size).toBe(PLANTED.length)
    expect(await findMisfits()).toEqual([])
  })

  test.for([
    'executors start before their intent is on disk',
    'unsafe effects are done again after a crash',
    'the lease is not checked',
  ])('%s', async (name) => {
    const bug = PLANTED.find((candidate) => candidate.name === name)
    if (!bug) throw new Error('there is no such bug')
    const { found, expected } = await gradeBug(bug, 300)
    expect(expected).toContain(found?.invariant)
  })
})
