import { HOSTILE } from './tool-results.fixture.ts'

const BATCH = {
  batch: 'b',
  status: 'running',
  target: HOSTILE,
  started: '2026-11-21T05:02:11.345Z',
  counts: { succeeded: 1, refused: 1 },
  items: [
    { item: 1, run: 'b-0001', status: 'succeeded' },
    { item: 2, run: 'b-0002', status: 'refused', message: HOSTILE },
  ],
}

export const BATCH_RESULTS = {
  batch: BATCH,
  'batches show': BATCH,
  'batches resume': BATCH,
  'batches cancel': BATCH,
  'batches list': { batches: [{ ...BATCH, items: 2 }] },
  serve: { served: 'http://127.0.0.1:8765', stopped: true },
}
