import { HOSTILE } from './tool-results.fixture.ts'

const figures = { cost: 12_000_000, tokens: 900, calls: 1, ms: 4_000 }
const bounds = { least: figures, expected: figures, worst: { calls: 3 } }

/** Answers of `quote` and `usage` with foreign text in every place that may hold some. */
export const QUOTE_RESULTS = {
  quote: {
    target: { kind: 'ensemble', name: HOSTILE },
    runs: 1,
    steps: [{ id: HOSTILE, kind: 'agent', model: HOSTILE, basis: 'guess', ...bounds, inside: [] }],
    total: bounds,
    unbounded: [{ step: HOSTILE, what: 'cost', why: HOSTILE }],
    cap: 500_000_000,
    ok: false,
    provider_notes: [HOSTILE],
  },
  usage: {
    by: 'ensemble',
    lines: [
      {
        key: HOSTILE,
        calls: 3,
        failed_calls: 1,
        cached_calls: 0,
        unmetered: 0,
        unpriced: 1,
        cost: 4,
        estimated: 2,
        runs: 2,
        succeeded: 1,
        success_rate: 0.5,
        mean_cost: 2,
        mean_ms: 100,
      },
    ],
    total: { calls: 3, failed_calls: 1, cached_calls: 0, unmetered: 0, unpriced: 1, cost: 4, estimated: 2, runs: 2 },
    unreadable: [HOSTILE],
  },
}
