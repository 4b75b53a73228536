import { HOSTILE } from './tool-results.fixture.ts'

const catalogue = { version: '1', as_of: '2026-09-23', days: 59 }
const prices = { input: 3, output: 15, cache_read: 0.3, cache_write: 3.75, cache_write_long: 6 }

/** Results of the operations on models, as hostile as files can make them. */
export const MODEL_RESULTS = {
  'models list': {
    models: [
      {
        provider: HOSTILE,
        model: HOSTILE,
        profiles: [HOSTILE],
        context_window: 200_000,
        prices,
        capabilities: ['tools', HOSTILE],
        sources: ['catalogue'],
      },
      { provider: 'p', model: 'm', capabilities: [], sources: [] },
    ],
    catalogue,
    problems: [{ code: 'config_invalid', message: HOSTILE, file: HOSTILE }],
  },
  'models show': {
    provider: HOSTILE,
    model: HOSTILE,
    profile: HOSTILE,
    known: true,
    taken_for: HOSTILE,
    facts: [
      { fact: 'context_window', value: 200_000, source: 'catalogue' },
      { fact: 'tools', value: true, source: 'models.yaml', file: HOSTILE, line: 3 },
      { fact: 'skills', value: { [HOSTILE]: 0.5 }, source: 'capabilities.json', file: HOSTILE },
    ],
    prices: { ...prices, above: [{ input_tokens: 200_000, ...prices }], batch: 0.5 },
    bad_price: { file: HOSTILE, line: 2 },
    prices_as_of: '2026-09-23',
    catalogue,
  },
}
