import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createReport } from '../events/views/report.ts'
import type { RunReport } from '../events/views/run-report.ts'
import { planned, SampleJournal } from '../events/views/sample-events.ts'
import { makeExecutionId, readExecutionId } from './artifact-folders.ts'
import { cleanupArtifacts, deleteArtifact, listArtifacts, showArtifact, writeArtifacts } from './artifacts.ts'

let root: string
let dir: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'artifacts-'))
  dir = join(root, 'artifacts')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const DAY = 86_400_000
const journalOf = (name: string) =>
  new SampleJournal()
    .start([planned('a')], { name })
    .begin('a')
    .finish('a', 'done')
    .end('succeeded')

/** A report of a run that ended at the given moment. */
function reportOf(name: string, ended = Date.UTC(2026, 0, 2, 3, 4, 5, 6)): RunReport {
  return { ...createReport(journalOf(name).events), ended: new Date(ended).toISOString() }
}

test('a run leaves execution.json, execution.md and a relative latest link', async () => {
  const place = await writeArtifacts({ dir, report: reportOf('demo'), events: journalOf('demo').events })
  expect(place).toEqual({
    ensemble: 'demo',
    id: '20260102-030405-006',
    folder: join(dir, 'demo', '20260102-030405-006'),
  })
  expect(readlinkSync(join(dir, 'demo', 'latest'))).toBe(place.id)
  const stored = JSON.parse(readFileSync(join(dir, 'demo', 'latest', 'execution.json'), 'utf8'))
  expect(stored).toMatchObject({ ensemble: 'demo', status: 'completed', run: 'run-1', report: { status: 'succeeded' } })
  expect(readFileSync(join(place.folder, 'execution.md'), 'utf8')).toContain('done')
  expect(readFileSync(join(place.folder, 'events.jsonl'), 'utf8').trim().split('\n')).toHaveLength(5)
  expect(readdirSync(join(dir, 'demo')).sort()).toEqual([place.id, 'latest'])
})

test('what was written is read back whole', async () => {
  const report = reportOf('group/sub/demo')
  await writeArtifacts({ dir, report })
  const { artifact, markdown, ensemble } = await showArtifact(dir, 'group/sub/demo')
  expect(ensemble).toBe('group/sub/demo')
  expect(artifact).toMatchObject({
    ensemble,
    status: 'completed',
    run: 'run-1',
    results: [{ agent: 'a', status: 'success', response: 'done' }],
  })
  expect(artifact.report).toEqual(report)
  expect(markdown).toContain('# group/sub/demo')
})

test('runs that end in the same millisecond take the next ones; latest is the newest', async () => {
  const places = await Promise.all(Array.from({ length: 8 }, () => writeArtifacts({ dir, report: reportOf('demo') })))
  expect(new Set(places.map(({ id }) => id)).size).toBe(8)
  await writeArtifacts({ dir, report: reportOf('demo', Date.UTC(2020, 0, 1)) })
  expect(readlinkSync(join(dir, 'demo', 'latest'))).toBe('20260102-030405-013')
  expect((await listArtifacts(dir, 'demo'))[0]?.id).toBe('20260102-030405-013')
  expect((await listArtifacts(dir)).map(({ id }) => id)).toHaveLength(9)
})

test('the id names a moment in UTC, both ways', () => {
  const at = Date.UTC(2026, 10, 21, 4, 5, 6, 78)
  expect(makeExecutionId(at)).toBe('20261121-040506-078')
  expect(readExecutionId(makeExecutionId(at))).toBe(at)
  for (const text of ['latest', '20269921-040506-078', '../20261121-040506-078', ''])
    expect(readExecutionId(text)).toBeUndefined()
})

test.each([
  '',
  '..',
  '.',
  '../x',
  'a/../../x',
  '/etc/x',
  'a//b',
  'a/',
  '..\\x',
  'a\\b',
  'C:x',
  'x\0y',
  'x\ny',
  '%2e%2e%2fx',
  'CON',
  'nul.txt',
  'a.',
  'a ',
  '.hidden',
  '~root',
  '-rf',
  'x'.repeat(300),
  'rtl\u202ex',
  '．．/x',
  'latest',
  'a/latest',
  'LATEST',
  '20260102-030405-006',
])('B08: the name %j is refused by every operation and touches nothing', async (name) => {
  const refused = { code: expect.stringMatching(/^(name|artifact)_refused$/) }
  await expect(writeArtifacts({ dir, report: reportOf(name) })).rejects.toMatchObject(refused)
  await expect(showArtifact(dir, name)).rejects.toMatchObject(refused)
  await expect(deleteArtifact(dir, name, '20260102-030405-006')).rejects.toMatchObject(refused)
  await expect(listArtifacts(dir, name)).rejects.toMatchObject(refused)
  await expect(
    cleanupArtifacts({ dir, ensemble: name, older_than_days: 0, dry_run: false, now: Date.now() }),
  ).rejects.toMatchObject(refused)
  expect(readdirSync(root)).toEqual([])
})

test.each(['..', '../demo', 'latest/..', '/etc', '', 'nothing', '20260102-030405-007'])(
  'B08: the execution %j does not exist',
  async (id) => {
    await writeArtifacts({ dir, report: reportOf('demo') })
    await expect(showArtifact(dir, 'demo', id)).rejects.toMatchObject({ code: 'not_found' })
    await expect(deleteArtifact(dir, 'demo', id)).rejects.toMatchObject({ code: 'not_found' })
    expect(await listArtifacts(dir)).toHaveLength(1)
  },
)

test('B08: links below the artifacts folder are neither written through nor read nor listed', async () => {
  const outside = join(root, 'outside')
  mkdirSync(join(outside, '20200101-000000-000'), { recursive: true })
  writeFileSync(join(outside, '20200101-000000-000', 'execution.json'), '{"ensemble":"x"}')
  mkdirSync(dir)
  symlinkSync(outside, join(dir, 'demo'))
  await expect(writeArtifacts({ dir, report: reportOf('demo') })).rejects.toMatchObject({ code: 'artifact_refused' })
  await expect(showArtifact(dir, 'demo')).rejects.toMatchObject({ code: 'artifact_refused' })
  expect(await listArtifacts(dir)).toEqual([])
  await cleanupArtifacts({ dir, older_than_days: 0, dry_run: false, now: Date.now() })
  expect(readdirSync(outside)).toHaveLength(1)
})

test('B08: a latest link that leads elsewhere is not followed', async () => {
  const { id, folder } = await writeArtifacts({ dir, report: reportOf('demo') })
  rmSync(join(dir, 'demo', 'latest'))
  symlinkSync('/etc', join(dir, 'demo', 'latest'))
  expect((await showArtifact(dir, 'demo')).id).toBe(id)
  rmSync(join(folder, 'execution.json'))
  symlinkSync('/etc/passwd', join(folder, 'execution.json'))
  await expect(showArtifact(dir, 'demo')).rejects.toMatchObject({ code: 'artifact_unreadable' })
})

test('cleanup removes by age, never through latest, and points latest anew', async () => {
  const now = Date.UTC(2026, 5, 1)
  for (const age of [40, 35, 2]) await writeArtifacts({ dir, report: reportOf('demo', now - age * DAY) })
  await writeArtifacts({ dir, report: reportOf('nested/old', now - 50 * DAY) })
  const outside = join(root, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'precious'), 'x')
  rmSync(join(dir, 'demo', 'latest'))
  symlinkSync(outside, join(dir, 'demo', 'latest'))

  const dry = await cleanupArtifacts({ dir, older_than_days: 30, dry_run: true, now })
  expect(dry.removed.map(({ ensemble }) => ensemble)).toEqual(['demo', 'demo', 'nested/old'])
  expect(await listArtifacts(dir)).toHaveLength(4)

  const one = await cleanupArtifacts({ dir, ensemble: 'demo', older_than_days: 30, dry_run: false, now })
  expect(one.removed).toHaveLength(2)
  expect(readlinkSync(join(dir, 'demo', 'latest'))).toBe(makeExecutionId(now - 2 * DAY))
  expect(readdirSync(outside)).toEqual(['precious'])

  await cleanupArtifacts({ dir, older_than_days: 0, dry_run: false, now })
  expect(readdirSync(dir)).toEqual([])
})

test('deleting the newest points latest at the one before; the last takes the folder with it', async () => {
  const first = await writeArtifacts({ dir, report: reportOf('demo', 1_000_000_000_000) })
  const second = await writeArtifacts({ dir, report: reportOf('demo', 1_100_000_000_000) })
  await expect(deleteArtifact(dir, 'demo', 'latest')).rejects.toMatchObject({ code: 'artifact_refused' })
  await deleteArtifact(dir, 'demo', second.id)
  expect(readlinkSync(join(dir, 'demo', 'latest'))).toBe(first.id)
  await deleteArtifact(dir, 'demo', first.id)
  expect(readdirSync(dir)).toEqual([])
})

test('no artifacts folder is an empty list; a negative age is bad input', async () => {
  expect(await listArtifacts(dir)).toEqual([])
  await expect(showArtifact(dir, 'demo')).rejects.toMatchObject({ code: 'not_found' })
  await expect(cleanupArtifacts({ dir, older_than_days: -1, dry_run: true, now: 0 })).rejects.toMatchObject({
    code: 'bad_input',
  })
})
