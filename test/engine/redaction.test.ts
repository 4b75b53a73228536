import { beforeAll, describe, expect, test } from 'vitest'
import { resumeRun, type Verdict, verifyRun } from '../../src/engine/engine.ts'
import { forkRun } from '../../src/engine/fork.ts'
import { type Event, originOf } from '../../src/events/event.ts'
import { valuesOf } from '../../src/events/hash.ts'
import { readJournal } from '../../src/journal/bundle.ts'
import { nodeTools } from '../../src/journal/bundle-file.ts'
import { importBundle } from '../../src/journal/bundle-import.ts'
import { type Bundle, bytesSource, openBundle } from '../../src/journal/bundle-reader.ts'
import { type ChooseContent, parseRedactions, redactBundle } from '../../src/journal/bundle-redaction.ts'
import { checkRecord, createRoom, eventsOf, type Room, runToEnd } from '../laws.ts'
import { bundleOf, joinLines, marked, markedGraph, markedOptions, runMarked } from './bundle.fixture.ts'

const graph = markedGraph(
  ['a', 'small'],
  ['b', 'large', 'a'],
  ['l', 'lead', 'b'],
  ['f', 'fails', 'a'],
  ['z', 'small', 'l', 'f'],
  ['e', 'small', 'z'],
)

let run: Awaited<ReturnType<typeof runMarked>>
beforeAll(async () => {
  run = await runMarked(graph)
})

/** Verifies a bundle where it stands, with what it holds and nothing else. */
function verifyBundle(bundle: Bundle): Promise<Verdict> {
  const { world } = createRoom(markedOptions)
  const blobs = { put: () => {}, get: bundle.blobs.get }
  return verifyRun(bundle.events(), { world, blobs, kinds: { marked }, eventAt: bundle.eventAt })
}

async function redact(choose: ChooseContent, room: Pick<Room, 'journal' | 'blobs'> = run.room) {
  const { lines, places } = await redactBundle(readJournal(room, 'run-1'), choose, nodeTools)
  const bytes = await joinLines(lines)
  return {
    bytes,
    places,
    text: new TextDecoder().decode(bytes),
    bundle: await openBundle(bytesSource(bytes), nodeTools),
  }
}

async function stored(bytes: Uint8Array): Promise<Room> {
  const room = createRoom(markedOptions)
  await importBundle(await openBundle(bytesSource(bytes), nodeTools), room)
  return room
}

/** Every content of the run: its place, and words that stand in no other. */
function contentsOf(events: readonly Event[], text: (sha256: string) => string) {
  return events
    .filter((event) => originOf(event.type, event.actor) !== 'decision')
    .flatMap((event) =>
      valuesOf(event).map(({ path, value }) => {
        const words =
          /(\w+ (of|to|by) [^"\s]+|the input|text of the file)/.exec(value.inline?.text ?? text(value.sha256))?.[0] ??
          '?'
        return { place: `${event.seq}/${path}`, words, sha256: value.sha256 }
      }),
    )
}

describe('a bundle verifies where it stands', () => {
  test('equal, with the head of the original, at other speeds of draining too', async () => {
    const bundle = await openBundle(bytesSource(run.bytes), nodeTools)
    const verdict = await verifyBundle(bundle)
    expect(verdict).toMatchObject({
      equal: true,
      taken: [],
      redacted: [],
      finished: true,
      head: run.events.at(-1)?.hash,
    })
  })

  test('F05 content altered in a journal is named by verification', async () => {
    const { blobs } = run.room
    const lying = {
      ...blobs,
      get: async (id: string, sha256: string) => {
        const blob = await blobs.get(id, sha256)
        return blob && { ...blob, text: blob.text.replace('output', 'OUTPUT') }
      },
    }
    const { world } = createRoom(markedOptions)
    const verdict = await verifyRun(run.events, { world, blobs: lying, kinds: { marked } })
    expect(verdict).toMatchObject({ equal: false, code: 'altered', message: expect.stringContaining('output') })
  })

  test('a record that is chained well and makes no sense is named, not thrown', async () => {
    const { world } = createRoom(markedOptions)
    const events = run.events.slice(0, 1).concat(run.events.slice(2, 3))
    const { hashEvent } = await import('../../src/events/hash.ts')
    const second = { ...(events[1] as Event), seq: 2, prev: (events[0] as Event).hash }
    const forged = [events[0] as Event, { ...second, hash: hashEvent(second, world.sha256) } as Event]
    expect(await verifyRun(forged, { world, blobs: run.room.blobs, kinds: { marked } })).toMatchObject({
      equal: false,
      seq: 2,
    })
  })
})

describe('F18 redacted and still verifiable', () => {
  test('every content alone: absent from the file, reported at exactly its places, the rest verified', async () => {
    expect(run.events.length).toBeGreaterThanOrEqual(40)
    const texts = new Map<string, string>()
    for (const line of new TextDecoder().decode(run.bytes).split('\n')) {
      if (line.startsWith('{"blob"')) texts.set(JSON.parse(line).blob.sha256, JSON.parse(line).blob.text)
    }
    const contents = contentsOf(run.events, (sha256) => texts.get(sha256) ?? '')
    expect(contents.length).toBeGreaterThan(35)
    let taken = 0
    for (const { place, words, sha256 } of contents) {
      expect(words).not.toBe('?')
      const { bundle, text, places } = await redact(({ seq, path }) => `${seq}/${path}` === place)
      expect(places, place).toEqual(contents.filter((other) => other.sha256 === sha256).map((other) => other.place))
      expect(new RegExp(`${words}(?![\\w/@])`).test(text), place).toBe(false)
      const verdict = await verifyBundle(bundle)
      expect(verdict, place).toMatchObject({ equal: true, redacted: places, head: run.events.at(-1)?.hash })
      if (verdict.equal) taken += verdict.taken.length
      expect(bundle.manifest.removed).toBe(1)
      expect((await stored(new TextEncoder().encode(text))).journal).toBeDefined()
    }
    expect(taken).toBeGreaterThan(contents.length / 4)
  })

  test('only steps that had read it are taken from the record', async () => {
    const takenAfter = async (...patterns: string[]) => {
      const verdict = await verifyBundle((await redact(parseRedactions(patterns))).bundle)
      if (!verdict.equal) throw new Error(verdict.message)
      return [...verdict.taken].sort()
    }
    expect(await takenAfter('effect-intended.request')).toEqual([])
    expect(await takenAfter('text:answer to b@1')).toEqual(['b'])
    expect(await takenAfter('text:output of a')).toEqual(['b', 'f'])
    expect(await takenAfter('text:spec of x')).toEqual(['l/x'])
    expect(await takenAfter('step:l/*')).toEqual(['l', 'l/x', 'l/y'])
    expect(await takenAfter('text:detail of f@1')).toEqual(['f'])
    expect(await takenAfter('input')).toEqual(['a', 'b', 'e', 'f', 'l', 'l/x', 'l/y', 'z'])
  })

  test('everything together: nothing readable is left, and it verifies', async () => {
    const { bundle, text, places } = await redact(parseRedactions(['all']))
    for (const words of [
      'answer to',
      'output of',
      'spec of',
      'request of',
      'the input',
      'text of',
      'detail of',
      '"salt"',
    ]) {
      expect(text.includes(words), words).toBe(false)
    }
    expect(bundle.manifest).toMatchObject({ blobs: 0, events: run.events.length })
    expect(await verifyBundle(bundle)).toMatchObject({ equal: true, redacted: places, head: run.events.at(-1)?.hash })
    // Redacting what is redacted changes nothing.
    const again = await redact(parseRedactions(['input']), await stored(new TextEncoder().encode(text)))
    expect(again.text).toBe(text)
    expect(again.places).toEqual(places)
  })

  test('patterns name places, steps, words; anything else is refused', async () => {
    const chosen = async (pattern: string) => (await redact(parseRedactions([pattern]))).places
    expect(await chosen('run-started.files.*.content')).toEqual(['1/files.0.content'])
    expect(await chosen('run-started.steps.1.spec')).toEqual(['1/steps.1.spec'])
    expect((await chosen('effect-done')).length).toBe(run.events.filter((event) => event.type === 'effect-done').length)
    expect(await chosen('effect-done')).toEqual(await chosen('effect-done.answer'))
    expect(await chosen('step:a')).toHaveLength(4)
    for (const pattern of ['', 'effect-done.nothing', 'nothing', 'step:', 'run-finished', '__proto__']) {
      expect(() => parseRedactions([pattern]), pattern).toThrow('names no content')
    }
  })
})

describe('imported runs', () => {
  test('can be verified and forked to the end, but not continued; the fork verifies and can be forked again', async () => {
    for (let cut = 3; cut < run.events.length; cut += 4) {
      const cutRoom = createRoom(markedOptions)
      await cutRoom.journal.append([{ stream: 'run/run-1', expected: 'new', records: run.events.slice(0, cut) }])
      for (const event of run.events.slice(0, cut)) {
        for (const { value } of valuesOf(event)) {
          const blob = await run.room.blobs.get('run-1', value.sha256)
          if (blob) cutRoom.blobs.put('run-1', value.sha256, blob)
        }
      }
      const room = await stored(await bundleOf(cutRoom))
      await expect(resumeRun(room.ports, 'run-1')).rejects.toMatchObject({ code: 'run_sealed' })
      const order = { run: 'mine', at: cut, started_by: 'code' as const, run_key: 'e'.repeat(64) }
      const made = await forkRun(room.ports, 'run-1', order)
      if ('refused' in made) throw new Error(made.refused.message)
      expect(await runToEnd(made, room.world)).toMatchObject({ outcome: 'finished' })
      const events = await eventsOf(room, 'mine')
      await checkRecord(events, room, markedOptions)
      const again = await forkRun(room.ports, 'mine', { ...order, run: 'third', at: events.length - 2 })
      if ('refused' in again) throw new Error(again.refused.message)
      await runToEnd(again, room.world)
      await checkRecord(await eventsOf(room, 'third'), room, markedOptions)
    }
  })

  test('content that a step has yet to read stops a continuation before anything is written, and names the step', async () => {
    const cut = run.events.findIndex((event) => event.type === 'step-started' && event.data.step === 'l') + 1
    const { bytes } = await redact(parseRedactions(['text:output of b']))
    const room = await stored(bytes)
    const order = { run: 'mine', at: cut, started_by: 'code' as const, run_key: 'e'.repeat(64) }
    expect(await forkRun(room.ports, 'run-1', order)).toMatchObject({
      refused: { code: 'content_removed', message: expect.stringContaining('step l') },
    })
    expect(await eventsOf(room, 'mine')).toEqual([])
    const early = run.events.findIndex((event) => event.type === 'step-started' && event.data.step === 'b')
    const made = await forkRun(room.ports, 'run-1', { ...order, at: early })
    if ('refused' in made) throw new Error(made.refused.message)
    await runToEnd(made, room.world)
    await checkRecord(await eventsOf(room, 'mine'), room, markedOptions)
  })
})
