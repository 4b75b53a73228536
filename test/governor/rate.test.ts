import { expect, test } from 'vitest'
import { measureRate } from '../fixtures/rate.ts'

test.each(['sliding', 'fixed'] as const)(
  'F22 processes keep the limit of a server with a %s window together',
  async (kind) => {
    const result = await measureRate({ processes: 3, agents: 8, requests: 40, window_ms: 2_000, kind, ms: 4_000 })
    console.log(kind, JSON.stringify(result))
    expect(result.refusedShare).toBeLessThanOrEqual(0.05)
    expect(result.rate).toBeGreaterThanOrEqual(0.6)
    expect(result.longest).toBeLessThanOrEqual(3 * result.mean)
  },
)

test('F22 when a process is killed, the others have its turns within 2 s', async () => {
  const trial = { processes: 3, agents: 8, requests: 10, window_ms: 2_000, kind: 'sliding', ms: 7_000 } as const
  const result = await measureRate({ ...trial, kill_after: 3_500 })
  console.log('killed', JSON.stringify(result))
  expect(result.gap).toBeLessThan(3_500)
})
