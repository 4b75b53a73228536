import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNodeWorld } from '../../src/app/node-world.ts'
import type { Executor } from '../../src/engine/effect.ts'
import { readEvents, verifyRun } from '../../src/engine/engine.ts'
import type { Event } from '../../src/events/event.ts'
import { createRandom } from '../../src/events/random.ts'
import { openSqliteJournal } from '../../src/journal/sqlite.ts'
import { checkSqliteFile } from '../../src/journal/sqlite-check.ts'
import { driveRun } from './drive.ts'
import { prepareVictims, type Victims } from './victim.ts'
import { KINDS, type Workflow } from './workflows.ts'

const full = Number(process.env.KILLS ?? 0) >= 50
/** The log of SQLite: a header, then frames of one page each with a header of their own. */
const WAL_HEADER = 32
const FRAME_HEADER = 24

let victims: Victims
/** A folder in memory where there is one: what is tested here is reading, not the disk. */
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'llm-orc-damage-'))
beforeAll(async () => {
  victims = await prepareVictims()
})
afterAll(() => {
  victims.remove()
  rmSync(folder, { recursive: true, force: true })
})

const answer: Executor['run'] = async ({ key }) => ({ ok: true, answer: `answer to ${key}` })
const executors = { model: { kind: 'model', run: answer }, script: { kind: 'script', run: answer } }

/** The files of a run as a process leaves them that is killed after the last event. */
async function leaveFiles(workflow: Workflow): Promise<{ path: string; hashes: readonly string[] }> {
  const path = join(victims.newFolder(), 'journal.db')
  const victim = { path, log: `${path}.log`, workflow, crash: { point: 'end-after', n: 1 } } as const
  expect((await victims.run(victim)).end).toBe('killed')
  // A copy is opened: opening the files themselves would tidy them up.
  const copy = join(folder, 'copy.db')
  copyFileSync(path, copy)
  copyFileSync(`${path}-wal`, `${copy}-wal`)
  const hashes = (await readAll(copy)).map(({ hash }) => hash)
  removeFiles(copy)
  return { path, hashes }
}

async function readAll(path: string): Promise<Event[]> {
  const { journal, close } = await openSqliteJournal({ path })
  const events: Event[] = []
  for await (const event of readEvents({ journal }, 'run-1')) events.push(event)
  await close()
  return events
}

function removeFiles(path: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true })
}

test('F04 the log of a 50-event run cut anywhere: the longest prefix, a next append, an end', {
  timeout: 600_000,
}, async () => {
  const { path, hashes } = await leaveFiles('fifty')
  expect(hashes).toHaveLength(50)
  const database = readFileSync(path)
  const log = readFileSync(`${path}-wal`)
  const frame = FRAME_HEADER + log.readUInt32BE(8)
  /** Ends of the frames that complete a transaction. */
  const commits: number[] = []
  for (let at = WAL_HEADER; at + frame <= log.length; at += frame)
    if (log.readUInt32BE(at + 4) > 0) commits.push(at + frame)
  const cuts = new Set<number>([0, 1, WAL_HEADER - 1, log.length])
  for (let at = WAL_HEADER; at <= log.length; at += frame)
    for (const near of [-1, 0, 1]) cuts.add(Math.min(log.length, at + near))
  const boundaries = cuts.size
  const random = createRandom('cuts')
  while (cuts.size < boundaries + 500) cuts.add(Math.floor(random() * log.length))
  const chosen = [...cuts].filter((_, n) => full || n % 23 === 0)

  /** Events in each number of whole transactions, as a first look at exactly their end found it. */
  const expected = new Map<number, number>()
  const cutTo = (cut: number): string => {
    const torn = join(folder, 'torn.db')
    writeFileSync(torn, database)
    writeFileSync(`${torn}-wal`, log.subarray(0, cut))
    return torn
  }
  for (const [n, end] of [0, ...commits].entries()) {
    const torn = cutTo(end)
    expected.set(n, (await readAll(torn)).length)
    removeFiles(torn)
  }
  expect([...expected.values()]).toEqual([...expected.values()].sort((a, b) => a - b))
  expect(expected.get(commits.length)).toBe(50)

  const wrong = { prefix: 0, append: 0, end: 0, unsound: 0 }
  for (const cut of chosen) {
    const torn = cutTo(cut)
    const { journal, blobs, close } = await openSqliteJournal({ path: torn })
    const found: string[] = []
    for await (const event of readEvents({ journal }, 'run-1')) found.push(event.hash)
    const whole = commits.filter((end) => end <= cut).length
    if (found.length !== expected.get(whole) || found.some((hash, n) => hash !== hashes[n])) wrong.prefix += 1
    const next = await journal.append([{ stream: 'inbox/other', expected: 'any', records: ['next'] }])
    const read: unknown[] = []
    for await (const { data } of journal.read('inbox/other')) read.push(data)
    if (!next.ok || read.join() !== 'next') wrong.append += 1
    const end = await driveRun({ journal, blobs }, { workflow: 'fifty', executors })
    if (end === 'held' || end.outcome !== 'finished') wrong.end += 1
    await close()
    if ((await checkSqliteFile(torn)).length > 0 || !(await verifyFile(torn)).equal) wrong.unsound += 1
    removeFiles(torn)
  }
  console.log(
    `F04 ${chosen.length} cuts (${commits.length} transactions, ${(log.length - WAL_HEADER) / frame} frames): ${JSON.stringify(wrong)}`,
  )
  expect(wrong).toEqual({ prefix: 0, append: 0, end: 0, unsound: 0 })
})

test('F05 each byte of stored event rows flipped: found, and the event named', { timeout: 600_000 }, async () => {
  const { path } = await leaveFiles('retry')
  const { journal, blobs, close } = await openSqliteJournal({ path })
  const db = new DatabaseSync(path)
  db.exec('PRAGMA synchronous = OFF')
  const rows = db
    .prepare(`SELECT stream, seq, data FROM records WHERE stream = (SELECT id FROM streams WHERE name = 'run/run-1')`)
    .all() as { stream: number; seq: number; data: string }[]
  const update = db.prepare('UPDATE records SET data = ? WHERE stream = ? AND seq = ?')
  expect(await verify({ journal, blobs })).toMatchObject({ equal: true, events: rows.length })
  const tally = { bytes: 0, accepted: 0, unnamed: 0 }
  const samples: string[] = []
  for (const { stream, seq, data } of rows) {
    for (let at = 0; at < data.length; at += full ? 1 : 29) {
      const flipped = `${data.slice(0, at)}${String.fromCharCode(data.charCodeAt(at) ^ 1)}${data.slice(at + 1)}`
      update.run(flipped, stream, seq)
      const verdict = await verify({ journal, blobs })
      tally.bytes += 1
      const named = new RegExp(`(event|Record) ${seq}\\b`).test(verdict.message)
      if (verdict.equal) tally.accepted += 1
      else if (!named) tally.unnamed += 1
      if (verdict.equal ? samples.length < 2 : !named && samples.length < 12)
        samples.push(`event ${seq} byte ${at}: ${data.slice(at - 20, at + 20)} -> ${JSON.stringify(verdict)}`)
    }
    update.run(data, stream, seq)
  }
  db.close()
  await close()
  console.log(`F05 ${JSON.stringify(tally)} in ${rows.length} events${samples.map((line) => `\n  ${line}`).join('')}`)
  expect(tally).toMatchObject({ accepted: 0, unnamed: 0 })
})

async function verifyFile(path: string): ReturnType<typeof verify> {
  const { journal, blobs, close } = await openSqliteJournal({ path })
  try {
    return await verify({ journal, blobs })
  } finally {
    await close()
  }
}

/** What `runs doctor` says about one run. */
async function verify(
  store: Pick<Awaited<ReturnType<typeof openSqliteJournal>>, 'journal' | 'blobs'>,
): Promise<{ equal: boolean; message: string }> {
  const events: Event[] = []
  try {
    for await (const event of readEvents(store, 'run-1')) events.push(event)
    const means = {
      run: 'run-1',
      world: createNodeWorld(),
      blobs: store.blobs,
      kinds: KINDS,
      eventAt: async (seq: number) => events[seq - 1],
    }
    return { message: '', ...(await verifyRun(events, means)) }
  } catch (error) {
    return { equal: false, message: String(error) }
  }
}
