import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Appended, BlobStore, Entry, Journal, StoredRecord } from './journal.ts'

/** A journal under test. */
export interface JournalStore {
  readonly journal: Journal
  readonly blobs: BlobStore
  /** The same store seen by somebody else, as another process would; a journal bound to one process answers itself. */
  another(): Promise<{ readonly journal: Journal; readonly blobs: BlobStore }>
  /** Closes everything opened. */
  close(): Promise<void>
}

/** What every journal must do. `open` gives an empty store for each test. */
export function describeJournal(name: string, open: () => Promise<JournalStore>): void {
  describe(`${name} keeps the contract of a journal`, () => {
    let store: JournalStore
    let journal: Journal
    beforeEach(async () => {
      store = await open()
      journal = store.journal
    })
    afterEach(() => store.close())

    describe('append', () => {
      test('numbers records from 1 without gaps and answers with the last number', async () => {
        expect(await append(journal, 'run/a', 'new', ['x', 'y'])).toEqual({ ok: true, last: { 'run/a': 2 } })
        expect(await append(journal, 'run/a', 2, ['z'])).toEqual({ ok: true, last: { 'run/a': 3 } })
        expect(await contents(journal, 'run/a')).toEqual([
          [1, 'x'],
          [2, 'y'],
          [3, 'z'],
        ])
      })

      test('keeps any JSON as it was given', async () => {
        const data = [null, true, 0, -1.5, '', 'a\u0000b \u{1F600} \ud800', [], {}, { 10: 1, 9: [2], b: { c: '"' } }]
        await append(journal, 'run/a', 'new', data)
        expect((await all(journal, 'run/a')).map((record) => record.data)).toEqual(data)
      })

      test('takes a stream without records as new or 0', async () => {
        expect((await append(journal, 'run/a', 'new', [1])).ok).toBe(true)
        expect((await append(journal, 'run/b', 0, [1])).ok).toBe(true)
      })

      test('B01 a conflict answers with the actual number and changes nothing', async () => {
        await append(journal, 'run/a', 'new', [1, 2])
        const conflict = { ok: false, stream: 'run/a', actual: 2 }
        for (const expected of ['new', 0, 1, 3] as const)
          expect(await append(journal, 'run/a', expected, ['lost'])).toEqual(conflict)
        expect(await append(journal, 'run/b', 7, ['lost'])).toEqual({ ok: false, stream: 'run/b', actual: 0 })
        expect(await contents(journal, 'run/a')).toHaveLength(2)
        expect(await journal.list({ prefix: 'run/b' })).toEqual([])
      })

      test('takes any number in an inbox, and only there', async () => {
        expect((await append(journal, 'inbox/a', 'any', ['x'])).ok).toBe(true)
        expect(await append(journal, 'inbox/a', 'any', ['y'])).toEqual({ ok: true, last: { 'inbox/a': 2 } })
        await expect(append(journal, 'run/a', 'any', ['x'])).rejects.toThrow()
      })

      test('refuses what is not an append: a stream twice, a record that is not JSON', async () => {
        const entry: Entry = { stream: 'run/a', expected: 'new', records: [1] }
        await expect(journal.append([entry, entry])).rejects.toThrow()
        await expect(append(journal, 'run/a', 'new', [undefined])).rejects.toThrow()
        expect(await contents(journal, 'run/a')).toEqual([])
      })

      test('over several streams it is all or nothing', async () => {
        await append(journal, 'lease/a', 'new', ['mine'])
        const entries = (fence: number): Entry[] => [
          { stream: 'run/a', expected: 'new', records: [1] },
          { stream: 'inbox/a', expected: 'any', records: ['done'] },
          { stream: 'lease/a', expected: fence, records: [] },
        ]
        expect(await journal.append(entries(2))).toEqual({ ok: false, stream: 'lease/a', actual: 1 })
        expect(await contents(journal, 'run/a')).toEqual([])
        expect(await contents(journal, 'inbox/a')).toEqual([])
        expect(await journal.append(entries(1))).toEqual({
          ok: true,
          last: { 'run/a': 1, 'inbox/a': 1, 'lease/a': 1 },
        })
      })

      test('an entry without records only guards', async () => {
        const guard = { stream: 'inbox/a', expected: 'new', records: [] } as const
        expect(await journal.append([guard])).toEqual({ ok: true, last: { 'inbox/a': 0 } })
        expect(await journal.list({ prefix: '' })).toEqual([])
        await append(journal, 'inbox/a', 'any', ['slipped in'])
        expect(await journal.append([guard])).toEqual({ ok: false, stream: 'inbox/a', actual: 1 })
      })

      test('1,000 appends at once are applied in the order of the calls', async () => {
        const answers = await Promise.all(
          Array.from({ length: 1_000 }, (_, n) => append(journal, 'run/a', n === 0 ? 'new' : n, [n])),
        )
        expect(answers.every(({ ok }) => ok)).toBe(true)
        expect(await contents(journal, 'run/a')).toEqual(Array.from({ length: 1_000 }, (_, n) => [n + 1, n]))
      })

      test('1,000 appends to 1,000 streams at once all get their own answer', async () => {
        const answers = await Promise.all(
          Array.from({ length: 1_000 }, (_, n) => append(journal, `run/${n}`, n % 2 ? 'new' : 5, [n])),
        )
        expect(answers.map(({ ok }) => ok)).toEqual(Array.from({ length: 1_000 }, (_, n) => n % 2 === 1))
        expect(await journal.list({ prefix: 'run/' })).toHaveLength(500)
      })

      test('B02 of two writers that expect the same number exactly one wins, every time', async () => {
        const other = (await store.another()).journal
        for (let last = 0; last < 40; last++) {
          const both = [append(journal, 'run/a', last, ['one']), append(other, 'run/a', last, ['two'])]
          const answers = await Promise.all(last % 2 ? both : both.reverse())
          expect(answers.filter(({ ok }) => ok)).toHaveLength(1)
          expect(answers.find(({ ok }) => !ok)).toEqual({ ok: false, stream: 'run/a', actual: last + 1 })
        }
        expect(await contents(other, 'run/a')).toEqual(await contents(journal, 'run/a'))
      })
    })

    describe('read', () => {
      test('gives the range asked for, as far as it exists', async () => {
        const count = 1_000
        await append(
          journal,
          'run/a',
          'new',
          Array.from({ length: count }, (_, n) => n + 1),
        )
        const seqs = async (from?: number, to?: number): Promise<number[]> =>
          (await all(journal, 'run/a', from, to)).map(({ seq }) => seq)
        expect(await seqs()).toEqual(Array.from({ length: count }, (_, n) => n + 1))
        expect(await seqs(998)).toEqual([998, 999, 1000])
        expect(await seqs(3, 5)).toEqual([3, 4, 5])
        expect(await seqs(7, 7)).toEqual([7])
        expect(await seqs(999, 5_000)).toEqual([999, 1000])
        expect(await seqs(1_001)).toEqual([])
        expect(await seqs(5, 4)).toEqual([])
        expect(await seqs(-3, 2)).toEqual([1, 2])
        expect(await all(journal, 'run/b')).toEqual([])
      })

      test('tells when a record was appended', async () => {
        await append(journal, 'run/a', 'new', [1])
        const [record] = await all(journal, 'run/a')
        expect(Number.isSafeInteger(record?.at)).toBe(true)
      })

      test('may be left in the middle', async () => {
        await append(journal, 'run/a', 'new', [1, 2, 3])
        for await (const record of journal.read('run/a')) if (record.seq === 2) break
        expect((await append(journal, 'run/a', 3, [4])).ok).toBe(true)
      })
    })

    describe('follow', () => {
      test('gives what is there, then what comes, and ends with its signal', async () => {
        await append(journal, 'run/a', 'new', [1, 2])
        const stop = new AbortController()
        const seen: unknown[] = []
        const following = (async () => {
          for await (const { seq } of journal.follow('run/a', 2, stop.signal)) {
            seen.push(seq)
            if (seq < 6) await append(journal, 'run/a', seq, [seq + 1])
            else stop.abort()
          }
        })()
        await following
        expect(seen).toEqual([2, 3, 4, 5, 6])
      })

      test('waits for a stream that does not exist yet, and sees the appends of others', async () => {
        const other = (await store.another()).journal
        const stop = new AbortController()
        const seen = collect(other.follow('run/a', 1, stop.signal), 3)
        for (let last = 0; last < 3; last++) {
          await append(journal, 'run/b', last, ['not asked for'])
          await append(journal, 'run/a', last, [last])
        }
        expect((await seen).map(({ seq }) => seq)).toEqual([1, 2, 3])
        stop.abort()
      })

      test('ends at once when it waits, or when the signal was aborted before', async () => {
        const stop = new AbortController()
        const waiting = collect(journal.follow('run/a', 1, stop.signal))
        await append(journal, 'run/b', 'new', [1])
        stop.abort()
        expect(await waiting).toEqual([])
        expect(await collect(journal.follow('run/b', 1, stop.signal))).toEqual([])
      })

      test('many followers see the same', async () => {
        const stop = new AbortController()
        const seen = Array.from({ length: 20 }, () => collect(journal.follow('run/a', 1, stop.signal), 50))
        for (let last = 0; last < 50; last += 5)
          await append(
            journal,
            'run/a',
            last,
            Array.from({ length: 5 }, () => 'x'),
          )
        for (const records of await Promise.all(seen)) expect(records.map(({ seq }) => seq)).toEqual(upTo(50))
        stop.abort()
      })
    })

    describe('list', () => {
      test('names streams, the newest first', async () => {
        for (const [n, stream] of ['run/b', 'run/a', 'lease/b', 'run/c', 'runaway/x'].entries())
          await append(journal, stream, 'new', upTo(n + 1))
        await append(journal, 'run/b', 1, ['a later record does not make it newer'])
        const found = await journal.list({ prefix: 'run/' })
        expect(found.map(({ stream, last }) => [stream, last])).toEqual([
          ['run/c', 4],
          ['run/a', 2],
          ['run/b', 2],
        ])
        for (const { created, updated } of found) expect(updated).toBeGreaterThanOrEqual(created)
        expect((await journal.list({ prefix: 'run/', limit: 2 })).map(({ stream }) => stream)).toEqual([
          'run/c',
          'run/a',
        ])
        expect(await journal.list({ prefix: '' })).toHaveLength(5)
        expect(await journal.list({ prefix: 'nothing/' })).toEqual([])
      })

      test('takes a prefix literally', async () => {
        for (const stream of ['run/a%', 'run/ab', 'run/a_', 'RUN/a', 'run/ä']) await append(journal, stream, 'new', [1])
        expect((await journal.list({ prefix: 'run/a%' })).map(({ stream }) => stream)).toEqual(['run/a%'])
        expect(await journal.list({ prefix: 'run/a' })).toHaveLength(3)
      })
    })

    describe('blobs', () => {
      const blob = { salt: 'f'.repeat(64), text: 'a\u0000b ä \u{1F600}\r\n' }

      test('are seen at once by the same journal, and by others with the next append', async () => {
        const other = await store.another()
        store.blobs.put('a', 'digest', blob)
        expect(await store.blobs.get('a', 'digest')).toEqual(blob)
        await append(journal, 'run/a', 'new', [1])
        expect(await store.blobs.get('a', 'digest')).toEqual(blob)
        expect(await other.blobs.get('a', 'digest')).toEqual(blob)
      })

      test('outlive an append that was refused', async () => {
        const other = await store.another()
        store.blobs.put('a', 'digest', blob)
        await append(journal, 'run/a', 5, [1])
        await append(journal, 'run/a', 'new', [1])
        expect(await other.blobs.get('a', 'digest')).toEqual(blob)
      })

      test('belong to the run they were put for', async () => {
        store.blobs.put('a', 'digest', blob)
        await append(journal, 'run/a', 'new', [1])
        expect(await store.blobs.get('b', 'digest')).toBeUndefined()
        expect(await store.blobs.get('a', 'other')).toBeUndefined()
      })

      test('may be put twice', async () => {
        for (const seq of [0, 1]) {
          store.blobs.put('a', 'digest', blob)
          store.blobs.put('a', 'digest', blob)
          await append(journal, 'run/a', seq, [1])
        }
        expect(await store.blobs.get('a', 'digest')).toEqual(blob)
      })
    })

    describe('remove', () => {
      test('takes all streams of the run and nothing of others', async () => {
        const kinds = ['run', 'inbox', 'lease', 'key']
        for (const run of ['a', 'ab', 'b']) for (const kind of kinds) await append(journal, `${kind}/${run}`, 0, [1])
        await append(journal, 'scope/a', 'new', [1])
        await journal.remove('a')
        const left = (await journal.list({ prefix: '' })).map(({ stream }) => stream).sort()
        expect(left).toEqual([...kinds.flatMap((kind) => [`${kind}/ab`, `${kind}/b`]), 'scope/a'].sort())
        expect(await all(journal, 'run/a')).toEqual([])
        expect((await append(journal, 'run/a', 'new', ['again'])).ok).toBe(true)
      })

      test('keeps the blobs another run holds', async () => {
        const blob = { salt: 's', text: 'shared' }
        for (const run of ['parent', 'fork']) {
          store.blobs.put(run, 'shared', blob)
          store.blobs.put(run, `only ${run}`, { salt: 's', text: run })
          await append(journal, `run/${run}`, 'new', [1])
        }
        store.blobs.put('parent', 'not yet written', blob)
        await journal.remove('parent')
        for (const digest of ['shared', 'only parent', 'not yet written'])
          expect(await store.blobs.get('parent', digest)).toBeUndefined()
        expect(await store.blobs.get('fork', 'shared')).toEqual(blob)
        await journal.remove('fork')
        expect(await store.blobs.get('fork', 'shared')).toBeUndefined()
      })

      test('of a run that does not exist does nothing', async () => {
        await journal.remove('nobody')
        expect(await journal.list({ prefix: '' })).toEqual([])
      })
    })

    test('drop takes one stream, which then begins anew', async () => {
      for (const stream of ['scope/a', 'scope/ab', 'scope/a/b']) await append(journal, stream, 'new', [1, 2])
      await journal.drop('scope/a')
      await journal.drop('scope/none')
      expect((await journal.list({ prefix: '' })).map(({ stream }) => stream)).toEqual(['scope/a/b', 'scope/ab'])
      expect(await all(journal, 'scope/a')).toEqual([])
      expect(await append(journal, 'scope/a', 2, [3])).toEqual({ ok: false, stream: 'scope/a', actual: 0 })
      expect(await append(journal, 'scope/a', 'new', [3])).toEqual({ ok: true, last: { 'scope/a': 1 } })
    })

    test('any sequence of appends does what the rules say', async () => {
      let round = 0
      const entry = fc.record({
        stream: fc.constantFrom('run/x', 'run/y', 'inbox/x'),
        // `right` is replaced by the number the stream has by then.
        expected: fc.constantFrom('new', 'right', 'right', 1, 2, 3),
        records: fc.array(fc.constantFrom(null, 'text', 1.5, { a: [1] }), { maxLength: 3 }),
      })
      const script = fc.array(fc.uniqueArray(entry, { selector: ({ stream }) => stream, minLength: 1 }), {
        maxLength: 8,
      })
      const law = fc.asyncProperty(script, async (appends) => {
        const suffix = `${round++}`
        const model = new Map<string, unknown[]>()
        for (const planned of appends) {
          const entries = planned.map(({ stream, expected, records }): Entry => {
            const name = stream + suffix
            const right = expected === 'right' ? (model.get(name)?.length ?? 0) : expected
            return { stream: name, expected: right as Entry['expected'], records }
          })
          expect(await journal.append(entries)).toEqual(applyToModel(model, entries))
          for (const [stream, data] of model)
            expect((await all(journal, stream)).map((record) => record.data)).toEqual(data)
        }
      })
      await fc.assert(law, { numRuns: 60, seed: 20 })
    })
  })
}

/** The rules in their shortest form. */
function applyToModel(model: Map<string, unknown[]>, entries: readonly Entry[]): Appended {
  for (const { stream, expected } of entries) {
    const actual = model.get(stream)?.length ?? 0
    if (expected !== 'any' && actual !== (expected === 'new' ? 0 : expected)) return { ok: false, stream, actual }
  }
  const last: Record<string, number> = {}
  for (const { stream, records } of entries) {
    const data = [...(model.get(stream) ?? []), ...records]
    model.set(stream, data)
    last[stream] = data.length
  }
  return { ok: true, last }
}

function append(
  journal: Journal,
  stream: string,
  ...[expected, records]: [Entry['expected'], readonly unknown[]]
): Promise<Appended> {
  return journal.append([{ stream, expected, records }])
}

async function all(journal: Journal, stream: string, from?: number, to?: number): Promise<StoredRecord[]> {
  return collect(journal.read(stream, from, to))
}

async function contents(journal: Journal, stream: string): Promise<unknown[]> {
  return (await all(journal, stream)).map(({ seq, data }) => [seq, data])
}

async function collect(
  records: AsyncIterable<StoredRecord>,
  count = Number.POSITIVE_INFINITY,
): Promise<StoredRecord[]> {
  const found: StoredRecord[] = []
  for await (const record of records) if (found.push(record) >= count) break
  return found
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n + 1)
}
