/** Named points at which a victim ends itself. They lie in wrappers around the journal and the executors: the product has none. */
import type { Executor } from '../../src/engine/effect.ts'
import type { Event } from '../../src/events/event.ts'
import type { Entry, Journal } from '../../src/journal/journal.ts'

/** Which appends have a point before and after them. */
const APPENDS = ['lease', 'intent', 'answer', 'rest', 'resume', 'end'] as const
type AppendName = (typeof APPENDS)[number] | 'approval'

export const POINTS = [
  ...APPENDS.flatMap((name) => [`${name}-before`, `${name}-after`] as const),
  /** Given to the journal, its transaction not begun. */
  'append-asked',
  /** The intent is on disk, nothing was touched. */
  'dispatch',
  /** The world was touched, the executor has not ended. */
  'touched',
  /** The executor has ended, its event is not written. */
  'answered',
] as const

/** Where somebody is asked first: the question and the word of a person are written, too. */
export const APPROVAL_POINTS = [...POINTS, 'approval-before', 'approval-after'] as const

/** Within a transaction: the next write to the log, and the sync that makes it durable. Only a tracer can stop there. */
export const CALLS = { 'append-mid': 'pwrite64', 'append-unsynced': 'fsync,fdatasync' } as const

export type Point = (typeof APPROVAL_POINTS)[number]

export interface Crash {
  readonly point: Point
  /** The n-th time the point is reached. */
  readonly n: number
}

export type Reach = (point: Point) => void

export function createReach(crash: Crash | undefined): Reach {
  let reached = 0
  return (point) => {
    if (point === crash?.point && ++reached === crash.n) process.kill(process.pid, 'SIGKILL')
  }
}

export function guardJournal(journal: Journal, reach: Reach): Journal {
  return {
    read: (...place) => journal.read(...place),
    follow: (...place) => journal.follow(...place),
    list: (query) => journal.list(query),
    remove: (run) => journal.remove(run),
    drop: (stream) => journal.drop(stream),
    append: async (entries) => {
      const names = [...namesOf(entries)]
      for (const name of names) reach(`${name}-before`)
      const appended = journal.append(entries)
      reach('append-asked')
      const answer = await appended
      for (const name of names) reach(`${name}-after`)
      return answer
    },
  }
}

function* namesOf(entries: readonly Entry[]): Iterable<AppendName> {
  const events = entries.filter(({ stream }) => stream.startsWith('run/')).flatMap(({ records }) => records as Event[])
  const has = (...types: string[]) => events.some(({ type }) => types.includes(type))
  if (events.length === 0) yield 'lease'
  if (has('effect-intended')) yield 'intent'
  if (has('effect-done', 'effect-failed')) yield 'answer'
  if (has('approval-requested', 'approval-given', 'approval-denied')) yield 'approval'
  if (has('run-paused')) yield 'rest'
  if (has('run-resumed')) yield 'resume'
  if (has('run-finished')) yield 'end'
}

/** `executor` must reach `touched` itself, where its deed is done. */
export function guardExecutor(executor: Executor, reach: Reach): Executor {
  return {
    kind: executor.kind,
    run: async (order, means) => {
      reach('dispatch')
      const outcome = await executor.run(order, means)
      reach('answered')
      return outcome
    },
  }
}
