import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findPhases } from './phases.ts'
import { makeRandomRun, planned, SampleJournal, seedRandom } from './sample-events.ts'
import { timelineView } from './timeline.ts'
import { foldEvents } from './view.ts'

test('parallel steps have a lane each, and a free lane is taken again from the top', () => {
  const journal = new SampleJournal().start([planned('a'), planned('b'), planned('c'), planned('d')])
  journal.begin('a').begin('b').begin('c').finish('b').finish('a').begin('d').end('cancelled')
  const { spans, lanes } = foldEvents(timelineView, journal.events)
  expect(spans.map(({ step, lane, status }) => `${step}${lane} ${status}`)).toEqual([
    'a0 succeeded',
    'b1 succeeded',
    'c2 cancelled',
    'd0 cancelled',
  ])
  expect(lanes).toBe(3)
})

test('each attempt is a span of its own', () => {
  const journal = new SampleJournal()
    .start([planned('a')])
    .begin('a')
    .fail('a', { retry_at: 1 })
  journal.wait(500).add('step-retried', { step: 'a', attempt: 2, version: 1 }).finish('a')
  const { spans } = foldEvents(timelineView, journal.events)
  expect(spans.map(({ attempt, status, lane }) => [attempt, status, lane])).toEqual([
    [1, 'failed', 0],
    [2, 'succeeded', 0],
  ])
})

test('B24: spans of one lane never overlap, in any run', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const { spans, lanes } = foldEvents(timelineView, makeRandomRun(seedRandom(seed)))
      const free = new Map<number, number>()
      for (const span of spans) {
        expect(span.lane).toBeLessThan(lanes)
        expect(span.start).toBeGreaterThanOrEqual(free.get(span.lane) ?? 0)
        expect(span.end ?? Infinity).toBeGreaterThanOrEqual(span.start)
        free.set(span.lane, span.end ?? Infinity)
      }
    }),
    { numRuns: 300 },
  )
})

test('phases are levels, in the order written', () => {
  const steps = [planned('c', ['a', 'b']), planned('a'), planned('b'), planned('d', ['c', 'a'])]
  expect(findPhases(steps)).toEqual([['a', 'b'], ['c'], ['d']])
})

test('phases bear circles, unknown names and doubled edges', () => {
  const steps = [planned('a', ['b']), planned('b', ['a']), planned('c', ['zzz']), planned('d', ['c', 'c'])]
  expect(findPhases(steps)).toEqual([['c'], ['d'], ['a', 'b']])
})

test('phases of a long chain need no stack', () => {
  const steps = Array.from({ length: 20_000 }, (_, n) => planned(`s${n}`, n === 0 ? [] : [`s${n - 1}`]))
  expect(findPhases(steps)).toHaveLength(20_000)
})
