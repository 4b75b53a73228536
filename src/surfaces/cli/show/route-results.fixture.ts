import { HOSTILE } from './tool-results.fixture.ts'

const PARTS = { skill: 1, success: 0.98, latency: 0.4, cost: 1, context: 1 }
const CHOICE = {
  method: 'weighted',
  weights: { skill: 0.3, success: 0.3, latency: 0.1, cost: 0.25, context: 0.05 },
  need: { input_tokens: 800, output_tokens: 600 },
  left: 5_000_000,
  exploration: 0.05,
  draw: 0.4,
  explored: false,
  same: true,
}

/** What the operations on routes answer with, hostile wherever a text may come from elsewhere. */
export const ROUTE_RESULTS: { readonly [operation: string]: unknown } = {
  'routes explain': {
    run: HOSTILE,
    routes: [
      {
        step: HOSTILE,
        attempt: 2,
        at: '2026-11-21T05:02:11.345Z',
        model: HOSTILE,
        reason: 'routed',
        why: `the best score of 2: 0.9 before 0.8 of ${HOSTILE}`,
        decision: {
          ...CHOICE,
          candidates: [
            { model: 'p/slow', place: 2, score: 0.8, parts: PARTS, samples: 0, obstacle: 'max_latency_ms' },
            {
              model: HOSTILE,
              place: 1,
              score: 0.9,
              parts: PARTS,
              samples: 12.4,
              success: 0.97,
              latency_ms: 812,
              cost: 120_000,
              age_ms: 65_000,
            },
            { model: 'p/poor', score: 0.3, parts: PARTS, samples: 3, success: 1, obstacle: 'min_quality' },
          ],
        },
      },
      {
        step: 'b',
        attempt: 1,
        at: '2026-11-21T05:02:12.345Z',
        model: 'p/m',
        reason: 'fallback',
        from: HOSTILE,
        because: 'rate_limited',
        why: `${HOSTILE} failed (rate_limited)`,
      },
    ],
  },
  'routes what-if': {
    runs: 2,
    choices: 9,
    changed: 1,
    cost: { was: 9_000_000, would: 2_000_000 },
    latency_ms: { was: 9_000, would: 21_000 },
    unpriced: 1,
    changes: [
      {
        run: HOSTILE,
        step: HOSTILE,
        attempt: 1,
        was: HOSTILE,
        would: 'p/cheap',
        changed: true,
        cost: { was: 1_000_000, would: 20_000 },
        latency_ms: { was: 900, would: undefined },
        success: { was: 0.9, would: 0.9 },
      },
    ],
  },
}
