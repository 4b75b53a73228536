import { mkdtemp, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { bundleOf, joinLines, markedGraph, runMarked } from '../../test/engine/bundle.fixture.ts'
import { type ErrorCode, OrcError, type Problem } from '../events/errors.ts'
import { createRandom } from '../events/random.ts'
import { readJournal, writeBundle } from './bundle.ts'
import { nodeTools, openBundleFile, writeBundleFile } from './bundle-file.ts'
import { importBundle } from './bundle-import.ts'
import { type Bundle, bytesSource, openBundle } from './bundle-reader.ts'
import { createMemoryJournal } from './memory.ts'

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const bytesOf = (lines: readonly string[]) => new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''))
const open = (bytes: Uint8Array): Promise<Bundle> => openBundle(bytesSource(bytes), nodeTools)

async function problemOf(bytes: Uint8Array): Promise<Problem & { code: ErrorCode }> {
  const answer = await open(bytes).catch((error) => error)
  if (!(answer instanceof OrcError)) throw new Error(`not refused: ${String(answer)}`)
  return answer.problems[0] as Problem
}

/** A bundle whose last line fits again, as someone would write who wants to deceive. */
function sealed(lines: readonly string[]): Uint8Array {
  const digest = nodeTools.startDigest()
  for (const line of lines) digest.update(`${line}\n`)
  return bytesOf([...lines, `{"digest":"${digest.hex()}"}`])
}

let run: Awaited<ReturnType<typeof runMarked>>
let lines: readonly string[]
beforeAll(async () => {
  run = await runMarked(markedGraph(['a', 'small'], ['b', 'large', 'a'], ['c', 'small', 'a'], ['d', 'small', 'b', 'c']))
  lines = text(run.bytes).trimEnd().split('\n')
})

describe('a bundle is one file with everything in it', () => {
  test('manifest, events, blobs in the order they are named, digest; neither key nor path', async () => {
    const { room, events } = run
    expect(events).toHaveLength(20)
    expect(JSON.parse(lines[0] as string)).toEqual({
      bundle: 1,
      format: 1,
      engine: '0.1.0',
      run: 'run-1',
      events: 20,
      blobs: 3,
      removed: 0,
      head: events.at(-1)?.hash,
    })
    expect(lines.map((line) => line.slice(2, 7).replace(/".*/, '')).slice(1)).toEqual([
      ...Array(20).fill('event'),
      ...Array(3).fill('blob'),
      'diges',
    ])
    for await (const record of room.journal.read('key/run-1')) {
      expect(text(run.bytes)).not.toContain((record.data as { key: string }).key)
    }
    const bundle = await open(run.bytes)
    const back: unknown[] = []
    for await (const event of bundle.events()) back.push(event)
    expect(back).toEqual(JSON.parse(JSON.stringify(events)))
    for (const event of events) expect(await bundle.eventAt(event.seq)).toEqual(JSON.parse(JSON.stringify(event)))
    expect(await bundle.eventAt(21)).toBeUndefined()
  })

  test('what was imported is exported as the same bytes; a second import writes nothing', async () => {
    const other = createMemoryJournal()
    expect(await importBundle(await open(run.bytes), other)).toBe(20)
    expect(text(await bundleOf(other))).toBe(text(run.bytes))
    expect(await importBundle(await open(run.bytes), other)).toBe(0)
    expect(await other.journal.list({ prefix: '' })).toMatchObject([{ stream: 'run/run-1' }])
  })

  test('an import cut short goes on; another run of the same name is left alone', async () => {
    const other = createMemoryJournal()
    await other.journal.append([{ stream: 'run/run-1', expected: 'new', records: run.events.slice(0, 7) }])
    expect(await importBundle(await open(run.bytes), other)).toBe(13)
    expect(text(await bundleOf(other))).toBe(text(run.bytes))

    const strange = await runMarked(markedGraph(['z', 'small']))
    const mine = createMemoryJournal()
    await mine.journal.append([
      { stream: 'run/run-1', expected: 'new', records: run.events.slice(0, 7) },
      { stream: 'key/run-1', expected: 'new', records: [{ key: 'mine' }] },
    ])
    for (const target of [strange.room, mine]) {
      const before = text(await bundleOf(target))
      await expect(importBundle(await open(run.bytes), target)).rejects.toMatchObject({ code: 'run_differs' })
      expect(text(await bundleOf(target))).toBe(before)
    }
    const longer = createMemoryJournal()
    await importBundle(await open(run.bytes), longer)
    await longer.journal.append([{ stream: 'run/run-1', expected: 20, records: [{ hash: 'more' }] }])
    await expect(importBundle(await open(run.bytes), longer)).rejects.toMatchObject({ code: 'run_differs' })
  })

  test('a run that grows while it is written is written up to where it was', async () => {
    const record = readJournal(run.room, 'run-1')
    let passes = 0
    const growing = {
      ...record,
      async *events() {
        passes += 1
        for await (const event of record.events()) if (passes > 1 || event.seq <= 12) yield event
      },
    }
    const bundle = await open(await joinLines(writeBundle(growing, nodeTools)))
    expect(bundle.manifest).toMatchObject({ events: 12 })
  })

  test('files: complete or not there, for their owner alone; what is no file is refused', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bundle-'))
    const path = join(folder, 'run.bundle')
    expect(await writeBundleFile(path, writeBundle(readJournal(run.room, 'run-1'), nodeTools))).toEqual({
      bytes: run.bytes.length,
    })
    expect(text(await readFile(path))).toBe(text(run.bytes))
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const bundle = await openBundleFile(path)
    expect(bundle.manifest.events).toBe(20)
    expect(await bundle.eventAt(20)).toMatchObject({ type: 'run-finished' })
    await bundle.close()
    const broken = async function* () {
      yield 'one\n'
      throw new Error('broken off')
    }
    await expect(writeBundleFile(join(folder, 'other'), broken())).rejects.toThrow('broken off')
    expect(await readdir(folder)).toEqual(['run.bundle'])
    await expect(openBundleFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'not_found' })
    await expect(openBundleFile(folder)).rejects.toMatchObject({ code: 'file_unreadable' })
    await symlink('/dev/zero', join(folder, 'zero'))
    await expect(openBundleFile(join(folder, 'zero'))).rejects.toMatchObject({ code: 'file_unreadable' })
    await writeFile(join(folder, 'cut'), run.bytes.subarray(0, 900))
    await expect(openBundleFile(join(folder, 'cut'))).rejects.toMatchObject({
      problems: [{ file: join(folder, 'cut') }],
    })
  })
})

describe('F05 every change of a bundle is found, and its place named', () => {
  test('each flipped byte of a 20-event bundle is detected, and the event it stands in is named', async () => {
    const steps = markedGraph(['a', 'small'], ['b', 'wide', 'a'], ['c', 'small', 'a'], ['d', 'small', 'b'])
    const { events, bytes } = await runMarked({ ...steps, output: 'd' })
    expect(events).toHaveLength(20)
    const random = createRandom('flips')
    const tally = { bytes: 0, detected: 0, in_events: 0, event_named: 0, in_blobs: 0, blob_line_named: 0, around: 0 }
    const unnamed: string[] = []
    let offset = 0
    for (const [index, line] of text(bytes).trimEnd().split('\n').entries()) {
      const length = Buffer.byteLength(line) + 1
      for (let at = offset; at < offset + length; at++) {
        const flipped = bytes.slice()
        flipped[at] = (bytes[at] as number) ^ (1 + Math.floor(random() * 255))
        const problem = await problemOf(flipped)
        tally.bytes += 1
        tally.detected += 1
        const isLineNamed = problem.line === index + 1
        if (line.startsWith('{"event"')) {
          tally.in_events += 1
          const isNamed = isLineNamed && new RegExp(`\\bevent ${index}\\b`).test(problem.message)
          if (isNamed) tally.event_named += 1
          else unnamed.push(`byte ${at}, event ${index}: ${problem.message}`)
        } else if (line.startsWith('{"blob"')) {
          tally.in_blobs += 1
          if (isLineNamed) tally.blob_line_named += 1
          else unnamed.push(`byte ${at}, line ${index + 1}: ${problem.message}`)
        } else tally.around += 1
      }
      offset += length
    }
    console.log(`F05 bundle of ${events.length} events: ${JSON.stringify(tally)}`)
    expect(unnamed.slice(0, 5)).toEqual([])
    expect(tally).toMatchObject({ bytes: bytes.length, detected: bytes.length })
    expect(tally.event_named).toBe(tally.in_events)
    expect(tally.blob_line_named).toBe(tally.in_blobs)
  })

  test('cut at every line, and inside of every line', async () => {
    for (let kept = 0; kept < lines.length; kept++) {
      const whole = bytesOf(lines.slice(0, kept))
      expect(await problemOf(whole)).toMatchObject({ code: 'bundle_damaged', line: kept + 1 })
      const half = new TextEncoder().encode((lines[kept] as string).slice(0, 9))
      const cut = new Uint8Array([...whole, ...half])
      expect(await problemOf(cut)).toMatchObject({ code: 'bundle_damaged', line: kept + 1 })
    }
  })

  test('lines left out, doubled, swapped or added, with and without a fitting digest', async () => {
    const body = lines.slice(0, -1)
    for (let at = 0; at < body.length; at++) {
      const changes = {
        out: body.toSpliced(at, 1),
        doubled: body.toSpliced(at, 0, body[at] as string),
        swapped: at + 1 < body.length ? body.toSpliced(at, 2, body[at + 1] as string, body[at] as string) : [],
        empty: body.toSpliced(at, 0, ''),
      }
      for (const [how, changed] of Object.entries(changes)) {
        if (changed.length === 0) continue
        for (const bytes of [sealed(changed), bytesOf([...changed, lines.at(-1) as string])]) {
          const { code, line = 0 } = await problemOf(bytes)
          expect(code, `${how} ${at}`).toBe('bundle_damaged')
          expect(Math.abs(line - at - 1), `${how} ${at}`).toBeLessThanOrEqual(1)
        }
      }
    }
    expect(await problemOf(bytesOf([...lines, '{"more":1}']))).toMatchObject({ line: lines.length + 1 })
  })
})

describe('B09 bundles from strangers', () => {
  const altered = (line: number, change: (text: string) => string) =>
    sealed(lines.slice(0, -1).map((text, index) => (index === line - 1 ? change(text) : text)))

  test('wrong forms, with a digest that fits', async () => {
    const blob = lines.findIndex((line) => line.startsWith('{"blob"')) + 1
    const cases: readonly [what: string, bytes: Uint8Array, code: ErrorCode, line: number][] = [
      ['empty', new Uint8Array(), 'bundle_damaged', 1],
      ['other text', bytesOf(['hello']), 'bundle_damaged', 1],
      ['a zip', new Uint8Array([0x50, 0x4b, 3, 4, 10]), 'bundle_damaged', 1],
      ['newer bundle', altered(1, (text) => text.replace('"bundle":1', '"bundle":2')), 'bundle_newer', 1],
      ['newer events', altered(1, (text) => text.replace('"format":1', '"format":7')), 'bundle_newer', 1],
      ['too many events', altered(1, (text) => text.replace('"events":20', '"events":1000001')), 'bundle_too_large', 1],
      ['a path as name', altered(1, (text) => text.replace('"run-1"', '"../run-1"')), 'bundle_damaged', 1],
      ['an absolute path', altered(1, (text) => text.replace('"run-1"', '"/etc/x"')), 'bundle_damaged', 1],
      ['an unknown key', altered(1, (text) => text.replace('{', '{"a":1,')), 'bundle_damaged', 1],
      ['another run inside', altered(5, (text) => text.replace('"run-1"', '"run-2"')), 'bundle_damaged', 5],
      ['an unknown type', altered(4, (text) => text.replace('step-started', 'constructor')), 'bundle_damaged', 4],
      ['an unknown actor', altered(4, (text) => text.replace('"engine"', '"__proto__"')), 'bundle_damaged', 4],
      [
        'content with more in it',
        altered(2, (text) => text.replace('"salt":', '"more":1,"salt":')),
        'bundle_damaged',
        2,
      ],
      ['altered blob', altered(blob, (text) => text.replace('.....', '.,...')), 'bundle_damaged', blob],
      [
        'a character moved from text to salt',
        altered(blob, (text) => text.replace(/(","sha256.*"text":")(.)(.)/, '$3$1$2')),
        'bundle_damaged',
        blob,
      ],
      ['two ways to write one text', altered(blob, (text) => text.replace('.', '\\u002e')), 'bundle_damaged', blob],
      ['a key twice', altered(3, (text) => text.replace('"actor"', '"actor":"x","actor"')), 'bundle_damaged', 3],
      ['deep nesting', altered(3, () => `{"event":${'['.repeat(1e5)}${']'.repeat(1e5)}}`), 'bundle_damaged', 3],
      ['a reserved name', altered(3, () => '{"event":{"__proto__":{"x":1}}}'), 'bundle_damaged', 3],
      ['a lone surrogate', altered(3, (text) => text.replace('definition', '\\ud800')), 'bundle_damaged', 3],
      ['1e400', altered(3, (text) => text.replace('"lamport":2', '"lamport":1e400')), 'bundle_damaged', 3],
      ['not UTF-8', new Uint8Array([...bytesOf(lines.slice(0, 3)), 0xff, 10]), 'bundle_damaged', 4],
      ['a mark of byte order', new Uint8Array([0xef, 0xbb, 0xbf, ...run.bytes]), 'bundle_damaged', 1],
    ]
    for (const [what, bytes, code, line] of cases) expect(await problemOf(bytes), what).toMatchObject({ code, line })
  })

  test('a blob nobody names', async () => {
    const body = lines.slice(0, -1)
    body[0] = (body[0] as string).replace('"blobs":3', '"blobs":4')
    const salt = 'a'.repeat(64)
    const more = `{"blob":{"salt":"${salt}","sha256":"${nodeTools.sha256(`${salt}x`)}","text":"x"}}`
    expect(await problemOf(sealed([...body, more]))).toMatchObject({ code: 'bundle_damaged' })
    body[0] = (body[0] as string).replace('"removed":0', '"removed":-1')
    expect(await problemOf(sealed([...body, more]))).toMatchObject({ code: 'bundle_damaged', line: 1 })
  })

  test('endless lines and endless files end at the cap, in bounded memory', async () => {
    let given = 0
    const endless = (chunk: Uint8Array) => ({
      async *read() {
        for (;;) {
          given += chunk.length
          yield chunk
        }
      },
    })
    const long = new Uint8Array(1024 * 1024).fill(0x61)
    await expect(openBundle(endless(long), nodeTools)).rejects.toMatchObject({ code: 'bundle_too_large' })
    expect(given).toBeLessThan(70 * 1024 * 1024)
  })

  test('nothing is written before the whole file was checked', async () => {
    const other = createMemoryJournal()
    const bytes = run.bytes.slice()
    const last = bytes.length - 10
    bytes[last] = (bytes[last] as number) ^ 1
    await expect(open(bytes).then((bundle) => importBundle(bundle, other))).rejects.toMatchObject({
      code: 'bundle_damaged',
    })
    expect(await other.journal.list({ prefix: '' })).toEqual([])
    const good = await open(run.bytes)
    expect(good.run).toBe('run-1')
  })

  test('a file changed after it was checked does not get in', async () => {
    const bytes = run.bytes.slice()
    const bundle = await open(bytes)
    const at = text(bytes).indexOf('answer to a@1')
    bytes[at] = (bytes[at] as number) ^ 1
    const other = createMemoryJournal()
    await expect(importBundle(bundle, other)).rejects.toMatchObject({ code: 'bundle_damaged' })
  })
})
