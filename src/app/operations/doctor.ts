import { join } from 'node:path'
import * as z from 'zod'
import { readEvent, readEvents, verifyRun } from '../../engine/engine.ts'
import { OrcError } from '../../events/errors.ts'
import { CHECKED_INVARIANTS, InvariantCheck, type Violation } from '../../events/views/invariants.ts'
import type { App } from '../app.ts'
import { createNodeWorld } from '../node-world.ts'
import { defineOperation } from '../operation.ts'
import { stepKinds } from '../ports.ts'
import { findRunId } from '../run-id.ts'
import { holdLease } from '../runs.ts'

/** More violations of one run than this are only counted. */
const SHOWN = 20

/** The last records of a run are unreadable or do not belong to it. */
export interface TornTail {
  /** The first of them. */
  readonly from: number
  readonly records: number
  /** The file they were moved to; absent: they are where they were. */
  readonly moved_to?: string
}

export interface RunHealth {
  readonly run: string
  /** Sound events. */
  readonly events: number
  readonly healthy: boolean
  readonly violations: readonly Violation[]
  /** Violations beyond those listed. */
  readonly more: number
  readonly torn?: TornTail
}

export const doctor = defineOperation({
  name: 'runs doctor',
  summary: 'Check a journal: the file, hash chains, the rules of every run, and each run by replay.',
  input: z.object({
    run: z.string().min(1).optional().describe('The id of the run, its beginning, or `latest`; default: all.'),
    repair: z
      .boolean()
      .default(false)
      .describe('Move the torn end of a run aside, into a file of its own; nothing else is changed.'),
  }),
  run: async (input, { app, signal }) => {
    const { checkSqliteFile } = await import('../../journal/sqlite-check.ts')
    const { journal, path } = await app.openJournal()
    const ids =
      input.run === undefined
        ? (await journal.list({ prefix: 'run/' })).map((info) => info.stream.slice('run/'.length))
        : [await findRunId(app, input.run)]
    const runs: RunHealth[] = []
    for (const id of ids) {
      signal.throwIfAborted()
      runs.push(await examineRun(app, id, input.repair))
    }
    const problems = await checkSqliteFile(path)
    const healthy = problems.length === 0 && runs.every((each) => each.healthy)
    return { file: path, problems, runs, rules: { ...CHECKED_INVARIANTS, ...OF_THE_RECORD }, healthy }
  },
})

/** What is told by more than the events themselves. */
export const OF_THE_RECORD: { readonly [invariant: string]: string } = {
  I3: 'every record up to the end can be read',
  I4: 'the same events come out when the run is executed again from its record',
  I24: 'the same answers lead to the same routes, which I4 would find',
}

async function examineRun(app: App, run: string, repair: boolean): Promise<RunHealth> {
  const first = await checkRules(app, run)
  if (first.newer) return describe(run, first)
  if (first.bad === undefined) return replay(app, run, first)
  const { examineTail } = await import('../../journal/quarantine.ts')
  const { path } = await app.openJournal()
  const tail = await examineTail(path, run, first.bad)
  if (tail.sound !== undefined) {
    const message = `the damage is not at the end: event ${tail.sound} is sound, so nothing can be cut off`
    return describe(run, { ...first, found: [...first.found, { invariant: 'I3', seq: first.bad, message }] })
  }
  const torn = { from: tail.from, records: tail.records }
  if (!repair) return { ...describe(run, first), torn }
  const moved_to = await moveAside(app, run, tail.from)
  const again = await checkRules(app, run)
  return { ...(await replay(app, run, again)), torn: { ...torn, moved_to } }
}

interface Findings {
  readonly events: number
  readonly found: readonly Violation[]
  readonly more: number
  /** The first record that is unreadable or breaks the chain. */
  readonly bad: number | undefined
  /** A newer version of this program wrote on: nothing is damaged, and nothing more can be told. */
  readonly newer?: true
}

/** One pass over the record, one event in memory at a time. */
async function checkRules(app: App, run: string): Promise<Findings> {
  const check = new InvariantCheck(createNodeWorld().sha256)
  const found: Violation[] = []
  let more = 0
  const note = (violations: readonly Violation[]) => {
    const room = Math.max(0, SHOWN - found.length)
    found.push(...violations.slice(0, room))
    more += Math.max(0, violations.length - room)
  }
  try {
    for await (const event of readEvents(await app.openJournal(), run)) {
      note(check.take(event))
      if (check.broken !== undefined) break
    }
  } catch (error) {
    const bad = check.events + 1
    if (error instanceof OrcError && error.code === 'journal_newer') {
      note([{ invariant: 'I3', seq: bad, message: `${error.message}. Update this program.` }])
      return { events: check.events, found, more, bad, newer: true }
    }
    if (error instanceof OrcError && error.code !== 'journal_damaged') throw error
    const message = error instanceof OrcError ? error.message : `event ${bad} is not an event: ${String(error)}`
    note([{ invariant: 'I3', seq: bad, message }])
    return { events: check.events, found, more, bad }
  }
  note(check.end())
  return { events: check.events, found, more, bad: check.broken }
}

async function replay(app: App, run: string, findings: Findings): Promise<RunHealth> {
  const store = await app.openJournal()
  const means = {
    run,
    world: createNodeWorld(),
    blobs: store.blobs,
    kinds: stepKinds,
    eventAt: (seq: number) => readEvent(store, run, seq),
  }
  const verdict = await verifyRun(readEvents(store, run), means)
  if (verdict.equal) return describe(run, findings)
  const differs = { invariant: 'I4', seq: verdict.seq, message: verdict.message }
  return describe(run, { ...findings, found: [...findings.found, differs] })
}

function describe(run: string, { events, found, more }: Findings): RunHealth {
  return { run, events, healthy: found.length === 0, violations: found, more }
}

/** Nobody drives the run meanwhile: OrcError `run_held` when somebody does. */
async function moveAside(app: App, run: string, from: number): Promise<string> {
  const { quarantineTail } = await import('../../journal/quarantine.ts')
  const { path } = await app.openJournal()
  const stamp = new Date().toISOString().replaceAll(/[-:.]/g, '')
  const to = join(app.paths.state, 'quarantine', `${run}-from-${from}-${stamp}.jsonl`)
  const lease = await holdLease(app, run)
  try {
    await quarantineTail(path, run, { from, to })
    return to
  } finally {
    await lease.release()
  }
}
