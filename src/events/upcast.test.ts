import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { markedGraph, markedOptions } from '../../test/engine/bundle.fixture.ts'
import { eventsOf, runWithLaws } from '../../test/laws.ts'
import { verifyRun } from '../engine/engine.ts'
import { OrcError } from './errors.ts'
import { type Event, FORMAT } from './event.ts'
import { createChainCheck, hashEvent, NO_HASH } from './hash.ts'
import { type StoredEvent, storedForm, type Upcast, upcast } from './upcast.ts'

const sha256 = (text: string): string => hash('sha256', text, 'hex')

/** A format that never was, one before the first: the steps were called tasks, and the limits stood one by one. */
const OLDER = FORMAT - 1
const table: { readonly [format: number]: Upcast } = {
  [OLDER]: ({ type, data }) => {
    const { task, ...rest } = data as { task?: string }
    if (type !== 'run-started') return task === undefined ? data : { step: task, ...rest }
    const { tries, calls, ...more } = rest as { tries: number; calls: number; limits: object }
    return { ...more, limits: { ...more.limits, tries, calls_per_step: calls } }
  },
}

/** A record as a program of that format would have written it: its own data, its own hashes. */
function writeOlder(events: readonly Event[]): StoredEvent[] {
  let prev = NO_HASH
  return events.map((event) => {
    const stored = { ...event, v: OLDER, data: lower(event), prev } as Event
    prev = hashEvent(stored, sha256)
    return { ...stored, hash: prev }
  })
}

function lower({ type, data }: Event): object {
  if (type === 'run-started') {
    const { tries, calls_per_step: calls, ...limits } = data.limits
    return { ...data, limits, tries, calls }
  }
  if (!('step' in data)) return data
  const { step, ...rest } = data
  return { task: step, ...rest }
}

function codeOf(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (error instanceof OrcError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'read'
}

const graph = markedGraph(['a', 'small'], ['b', 'fails', 'a'], ['c', 'wide', 'a'])

describe('every event passes here when it is read', () => {
  test('one of this format is handed back as it is', async () => {
    const { events } = await runWithLaws(graph, { ...markedOptions, cuts: () => [] })
    for (const event of events) {
      expect(upcast(event)).toBe(event)
      expect(storedForm(event)).toBe(event)
    }
  })

  test('one of an older format looks like one of this, and is hashed as it was written', async () => {
    const { events, room } = await runWithLaws(graph, { ...markedOptions, cuts: () => [] })
    const stored = writeOlder(await eventsOf(room))
    const lifted = stored.map((event) => upcast(event, table))
    expect(lifted.map(({ data }) => data)).toEqual(events.map(({ data }) => data))
    expect(lifted.map((event) => storedForm(event))).toEqual(stored)
    expect(new Set(lifted.map(({ v }) => v))).toEqual(new Set([OLDER]))
    const check = createChainCheck(sha256)
    for (const event of lifted) expect(check(event)).toBeUndefined()

    const means = { ...room, kinds: markedOptions.kinds, eventAt: async (seq: number) => lifted[seq - 1] }
    const verdict = await verifyRun(lifted, means)
    expect(verdict).toMatchObject({ equal: true, events: events.length, taken: [], head: stored.at(-1)?.hash })

    const altered = stored.map((event) => (event.seq === 5 ? { ...event, data: { ...event.data, more: 1 } } : event))
    const found = await verifyRun(
      altered.map((event) => upcast(event, table)),
      means,
    )
    expect(found).toMatchObject({ equal: false, seq: 5, code: 'altered' })
  })

  test('formats are lifted one after the other', () => {
    const event = { v: FORMAT - 2, run: 'r', seq: 3, type: 'timer-fired', data: { a: 1 } }
    const steps = { [FORMAT - 2]: () => ({ b: 2 }), [FORMAT - 1]: ({ data }: StoredEvent) => ({ ...data, c: 3 }) }
    expect(upcast(event, steps).data).toEqual({ b: 2, c: 3 })
    expect(event.data).toEqual({ a: 1 })
  })

  test('a newer format, and one that never was, are refused; what is no event is left to the check of the chain', () => {
    const event = { v: FORMAT + 1, run: 'r', seq: 3 }
    expect(codeOf(() => upcast(event))).toMatch(/^journal_newer: event 3 of the run r has format 2/)
    expect(codeOf(() => upcast({ ...event, v: 0 }))).toMatch(/^journal_damaged: event 3 of the run r has format 0/)
    for (const odd of [null, 7, 'x', {}, { v: '1' }]) expect(upcast(odd)).toBe(odd)
  })
})
