import { expect, test } from 'vitest'
import { quoteRun } from '../../src/app/quote.ts'
import { addRun, createPast } from '../../src/app/quote-past.ts'
import { DEFAULT_LIMITS } from '../../src/engine/engine.ts'
import { drawCase, drawInput, runCase } from './quote-cases.ts'

const CASES = Number(process.env.QUOTE_CASES ?? 200)
const EARLIER = 4

test('F3: of 200 generated ensembles the real cost lies between least and worst, and near what was expected', async () => {
  const seen = { ended: 0, failed: 0, near: 0, endless: 0, timely: 0 }
  const wrong: string[] = []
  for (let index = 0; index < CASES; index += 1) {
    const seed = `case ${index}`
    const one = drawCase(seed)
    const past = createPast()
    for (let before = 0; before < EARLIER; before += 1)
      addRun(
        past,
        (await runCase(one, { input: drawInput(`${seed} ${before}`), seed: `${seed} before ${before}` })).events,
        true,
      )
    const input = drawInput(seed)
    const quote = quoteRun(one.graph, { input, past, limits: DEFAULT_LIMITS, isFree: () => false })
    const real = await runCase(one, { input, seed })
    const { least, expected, worst } = quote.total
    const endless = worst.cost === undefined && quote.unbounded.some(({ what }) => what === 'cost')
    if (endless) seen.endless += 1
    const above = !endless && real.cost > (worst.cost ?? -1)
    const below = real.status === 'succeeded' && real.cost < (least.cost ?? Infinity)
    if (above || below)
      wrong.push(
        `${seed} (${real.status}): ${least.cost} <= ${real.cost} <= ${worst.cost} ${JSON.stringify(quote.unbounded)}`,
      )
    if (real.status === 'succeeded') seen.ended += 1
    else seen.failed += 1
    if (Math.abs((expected.cost ?? Infinity) - real.cost) <= 0.2 * real.cost) seen.near += 1
    if (worst.ms === undefined || real.ms <= worst.ms) seen.timely += 1
  }
  console.info(
    `quotes: ${CASES} ensembles (${seen.ended} succeeded, ${seen.failed} otherwise, ${seen.endless} unbounded), outside of least and worst: ${wrong.length}, within 20 % of expected: ${seen.near}`,
  )
  expect(wrong).toEqual([])
  expect(seen.endless).toBeLessThan(0.1 * CASES)
  expect(seen.timely).toBe(CASES)
  expect(seen.near).toBeGreaterThanOrEqual(0.8 * CASES)
}, 120_000)
