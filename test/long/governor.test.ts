import { expect, test } from 'vitest'
import { measureRate } from '../fixtures/rate.ts'

test.each(['sliding', 'fixed'] as const)(
  'F22 8 processes with 16 agents, %s window of 60 calls in 6 s',
  async (kind) => {
    const result = await measureRate({ processes: 8, agents: 16, requests: 60, window_ms: 6_000, kind, ms: 48_000 })
    console.log(kind, JSON.stringify(result))
    expect(result.refusedShare).toBeLessThanOrEqual(0.01)
    expect(result.rate).toBeGreaterThanOrEqual(0.95)
    expect(result.longest).toBeLessThanOrEqual(3 * result.mean)
  },
)

test.each([true, false])('F15 50 parallel steps, 3 calls a second, limits configured: %s', async (configured) => {
  const trial = {
    processes: 1,
    agents: 50,
    steps: 1,
    requests: 3,
    window_ms: 1_000,
    kind: 'sliding',
    ms: 60_000,
  } as const
  const result = await measureRate({ ...trial, configured })
  console.log(configured ? 'configured' : 'not configured', JSON.stringify(result))
  expect(result.taken).toBe(50)
  expect(result.taken + result.refused).toBeLessThanOrEqual(configured ? 60 : 50 + 47 + 15)
})
