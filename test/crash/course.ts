/** One run through all its deaths: what was shown on the way, and what must hold at its end. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createNodeWorld } from '../../src/app/node-world.ts'
import { readEvents, verifyRun } from '../../src/engine/engine.ts'
import type { Event } from '../../src/events/event.ts'
import type { Json, Value } from '../../src/events/values.ts'
import { openSqliteJournal } from '../../src/journal/sqlite.ts'
import type { Shown, Victims, Violence } from './victim.ts'
import type { Victim } from './worker.ts'
import type { Workflow } from './workflows.ts'
import { KINDS } from './workflows.ts'

export interface Tally {
  runs: number
  kills: number
  /** Events that had been shown and were gone. */
  lost: number
  /** Touches without an intent of their own, or of something that had its answer. */
  repeated: number
  /** Unsafe effects that happened more than once. */
  doubled: number
  /** Effects of which nobody knew, so that a person was asked. */
  parked: number
  /** Calls of which nobody, or not the right person, had said that they may be made. */
  unapproved: number
  /** Runs without exactly one end. */
  stuck: number
  /** Runs that do not verify. */
  differing: number
}

export const CLEAN = { lost: 0, repeated: 0, doubled: 0, unapproved: 0, stuck: 0, differing: 0 } as const

export const createTally = (): Tally => ({ ...CLEAN, runs: 0, kills: 0, parked: 0 })

/** What became of an unsafe effect; the key is the journal's, the other the one that was handed out. */
export type FindOut = (effect: { readonly key: string; readonly idempotency_key: string }) => Promise<boolean>

/** What a person says to a call that waits for approval; to wait is to say nothing yet. */
export type Judge = (call: { readonly key: string; readonly request: Json }) => 'approve' | 'deny' | 'wait'

export interface CourseOptions {
  readonly victims: Victims
  readonly workflow: Workflow
  readonly tally: Tally
  readonly victim?: Partial<Victim>
  readonly findOut?: FindOut
  readonly judge?: Judge
}

export class Course {
  readonly path: string
  readonly log: string
  readonly #options: CourseOptions
  readonly #shown = new Map<number, string>()
  readonly #answered = new Set<string>()

  constructor(options: CourseOptions, folder = options.victims.newFolder()) {
    this.#options = options
    this.path = join(folder, 'journal.db')
    this.log = join(folder, 'touched.log')
    options.tally.runs += 1
  }

  /** One life of a victim. Answers how it ended; a person has seen to a run at rest. */
  async live(how: { readonly crash?: Victim['crash']; readonly violence?: Violence } = {}): Promise<string> {
    const { victims, workflow, tally } = this.#options
    const before = this.touches().length
    const victim = { path: this.path, log: this.log, workflow, ...this.#options.victim }
    const ended = await victims.run(how.crash ? { ...victim, crash: how.crash } : victim, how.violence)
    // What was answered and shown in an earlier life is never asked of the world again.
    for (const { key } of this.touches().slice(before)) if (this.#answered.has(key)) tally.repeated += 1
    this.#note(ended.shown)
    if (ended.end === 'killed') tally.kills += 1
    if (ended.end === 'resting') await this.#resolve()
    return ended.end
  }

  /** Lives without violence until the run is finished, and checks it. */
  async finish(): Promise<readonly Event[]> {
    const { tally } = this.#options
    for (let lives = 0; lives < 30; lives++) if ((await this.live()) === 'finished') break
    const { journal, blobs, close } = await openSqliteJournal({ path: this.path })
    const events: Event[] = []
    for await (const event of readEvents({ journal }, 'run-1')) events.push(event)
    const means = { world: createNodeWorld(), blobs, kinds: KINDS, eventAt: async (seq: number) => events[seq - 1] }
    const verdict = await verifyRun(events, means)
    await close()
    if (!verdict.equal) tally.differing += 1
    for (const [seq, hash] of this.#shown) if (events[seq - 1]?.hash !== hash) tally.lost += 1
    const ends = events.filter(({ type }) => type === 'run-finished').length
    if (ends !== 1 || events.at(-1)?.type !== 'run-finished') tally.stuck += 1
    this.#checkTouches(events)
    return events
  }

  #note(shown: readonly Shown[]): void {
    for (const { seq, hash, type, of } of shown) {
      this.#shown.set(seq, hash)
      if (type === 'effect-done') this.#answered.add(of)
    }
  }

  /** Every touch has an intent that came before any answer, and an unsafe one happened once. */
  #checkTouches(events: readonly Event[]): void {
    const { tally } = this.#options
    const intents = new Map<string, number>()
    const done = new Set<string>()
    const approved = new Set<string>()
    for (const event of events) {
      if (event.type === 'approval-given' && event.actor === 'person') approved.add(event.data.key)
      if (event.type === 'effect-done') done.add(event.data.key)
      if (event.type !== 'effect-intended') continue
      if (done.has(event.data.key)) tally.repeated += 1
      intents.set(event.data.key, (intents.get(event.data.key) ?? 0) + 1)
    }
    const touches = new Map<string, number>()
    for (const { safety, key } of this.touches()) {
      touches.set(key, (touches.get(key) ?? 0) + 1)
      if (safety === 'unsafe' && touches.get(key) === 2) tally.doubled += 1
      if (key.includes('/tool:') && !approved.has(key)) tally.unapproved += 1
    }
    for (const [key, times] of touches) if (times > (intents.get(key) ?? 0)) tally.repeated += 1
  }

  /** The person: says what calls may be made, finds out what really happened, and says so. */
  async #resolve(): Promise<void> {
    const { judge = () => 'approve', findOut = this.#lookIntoLog, tally } = this.#options
    const { journal, close } = await openSqliteJournal({ path: this.path })
    let asks: readonly string[] = []
    const questions = new Map<string, Value>()
    for await (const event of readEvents({ journal }, 'run-1')) {
      if (event.type === 'run-paused') asks = event.data.asks
      if (event.type === 'approval-requested') questions.set(event.data.key, event.data.request)
      if (event.type === 'effect-intended') questions.delete(event.data.key)
    }
    const say = (command: Json) => journal.append([{ stream: 'inbox/run-1', expected: 'any', records: [command] }])
    for (const key of asks) {
      const question = questions.get(key)
      if (question) {
        const word = judge({ key, request: JSON.parse(question.inline?.text ?? 'null') as Json })
        if (word !== 'wait') await say({ type: word, key, request: question.sha256 })
        continue
      }
      tally.parked += 1
      const idempotency_key = createNodeWorld().sha256(`run-1/${key}`)
      const happened = await findOut({ key, idempotency_key })
      await say({
        type: 'resolve',
        key,
        ...(happened ? { outcome: 'done', answer: 'it happened' } : { outcome: 'not-done' }),
      })
    }
    await close()
  }

  #lookIntoLog: FindOut = async ({ key }) => this.touches().some((touch) => touch.key === key)

  /** What really happened, in order. */
  touches(): { readonly safety: string; readonly key: string }[] {
    if (!existsSync(this.log)) return []
    const lines = readFileSync(this.log, 'utf8').split('\n').filter(Boolean)
    return lines.map((line) => line.split(' ')).map(([safety = '', key = '']) => ({ safety, key }))
  }
}
