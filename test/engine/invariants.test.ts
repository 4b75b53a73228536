/** The checks that `runs doctor` makes: nothing is said of real journals, and each altered one is named. */
import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { OF_THE_RECORD } from '../../src/app/operations/doctor.ts'
import { resumeRun, verifyRun } from '../../src/engine/engine.ts'
import { createFork } from '../../src/engine/fork.ts'
import type { StepKind } from '../../src/engine/step.ts'
import type { Event, EventData, EventType } from '../../src/events/event.ts'
import { type ChainFault, createChainCheck, hashEvent } from '../../src/events/hash.ts'
import { createRandom } from '../../src/events/random.ts'
import { CHECKED_INVARIANTS, findViolations } from '../../src/events/views/invariants.ts'
import { planned, SampleJournal } from '../../src/events/views/sample-events.ts'
import { eventsOf, type LawOptions, resumeFrom, runToEnd, runWithLaws } from '../laws.ts'
import { FakeWorld, program, randomGraph } from './programs.ts'

const sha256 = (text: string): string => hash('sha256', text, 'hex')

function options(seed: string): LawOptions {
  const fake = new FakeWorld()
  const random = createRandom(seed)
  const limit = random() < 0.4 ? { max_concurrent: 1 + Math.floor(random() * 3) } : {}
  const timeout = random() < 0.1 ? { timeout_ms: 60 } : {}
  const cancel = random() < 0.2
  let processes = 0
  return {
    kinds: { program },
    executors: (world) => ({ fake: fake.executor(world, `${seed} process ${processes++}`) }),
    poolLimit: (pool) => (pool === 'narrow' ? 2 : undefined),
    seed,
    plan: { limits: { ...limit, ...timeout, backoff_ms: 5, calls_per_step: 6 } },
    during: (run, world) => {
      if (cancel) world.wake(world.clock() + 40, () => run.cancel('enough'))
    },
    cuts: () => [],
  }
}

describe('journals that the engine wrote break no rule', () => {
  test.for([0, 15, 95, 150, 285])('random graphs %i to +14: whole, cut anywhere, resumed, forked', async (from) => {
    for (let i = from; i < from + 15; i++) {
      const seed = `invariants ${i}`
      const how = options(seed)
      const { events, room } = await runWithLaws(randomGraph(seed), how)
      expect(findViolations(events, sha256), seed).toEqual([])
      for (let cut = 1; cut < events.length; cut += 3)
        expect(findViolations(events.slice(0, cut), sha256), `${seed} cut ${cut}`).toEqual([])
      const cut = 1 + ((i * 7) % (events.length - 1))
      const resumed = await resumeFrom(events, { cut, room, options: how })
      expect(findViolations(resumed, sha256), `${seed} resumed at ${cut}`).toEqual([])
      const order = { run: 'fork', at: cut, started_by: 'code', run_key: 'f'.repeat(64) } as const
      if (await createFork(room.ports, 'run-1', order)) continue
      const fork = await resumeRun(room.ports, 'fork')
      if ('seq' in fork) throw new Error(fork.message)
      await runToEnd(fork, room.world)
      expect(findViolations(await eventsOf(room, 'fork'), sha256), `${seed} forked at ${cut}`).toEqual([])
    }
  })

  test('forks that change settings and bring answers break none either', async () => {
    let made = 0
    for (let i = 0; i < 40; i++) {
      const seed = `invariant forks ${i}`
      const how = options(seed)
      const { events, room } = await runWithLaws(randomGraph(seed, { size: 4 }), how)
      const step = `s${i % 2}`
      const spec = {
        ops: [
          { op: 'effect', safety: 'unsafe' },
          { op: 'effect', safety: 'billable' },
        ],
      }
      const changes = [
        { specs: { [step]: spec } },
        { answers: [{ step, answer: { n: 7, text: '' } }] },
        { limits: { max_concurrent: 1 } },
      ]
      const change = changes[i % 3] as (typeof changes)[0]
      const place = { started_by: 'code', run_key: 'f'.repeat(64) } as const
      let refused = await createFork(room.ports, 'run-1', { ...place, run: 'fork', at: events.length >> 1, change })
      if (refused?.latest)
        refused = await createFork(room.ports, 'run-1', { ...place, run: 'fork', at: refused.latest, change })
      if (refused) continue
      const fork = await resumeRun(room.ports, 'fork')
      if ('seq' in fork) throw new Error(fork.message)
      await runToEnd(fork, room.world)
      expect(findViolations(await eventsOf(room, 'fork'), sha256), seed).toEqual([])
      made += 1
    }
    expect(made).toBeGreaterThan(20)
  })
})

type Alter = (journal: SampleJournal) => void

/** Hashed and chained, so that only what is altered is wrong. */
function seal(events: readonly Event[]): Event[] {
  const sealed: Event[] = []
  for (const [index, event] of events.entries()) {
    const prev = sealed.at(-1)?.hash ?? '0'.repeat(64)
    const bare = { ...strip(event), seq: index + 1, prev } as Event
    sealed.push({ ...bare, hash: hashEvent(bare, sha256) })
  }
  return sealed
}

/** Sample values have no digest that fits their content. */
function strip(event: Event): Event {
  return JSON.parse(JSON.stringify(event, (key, value) => (key === 'inline' ? undefined : value)))
}

function byWorld(journal: SampleJournal, from: { actor: string; cause?: number }): void {
  Object.assign(journal.events.at(-1) as object, { actor: from.actor, causes: from.cause ? [from.cause] : [] })
}

const value = { sha256: '0'.repeat(64), bytes: 2, type: 'application/json' }

function intend(journal: SampleJournal, step: string, more: Partial<EventData['effect-intended']> = {}): number {
  const key = `${step}/x`
  const data = { step, attempt: 1, key, kind: 'fake', safety: 'billable' as const, request: value, ...more }
  journal.add('effect-intended', data)
  return journal.events.length
}

function answer<T extends EventType>(journal: SampleJournal, type: T, data: EventData[T], cause?: number): void {
  journal.add(type, data)
  byWorld(journal, { actor: 'world', ...(cause ? { cause } : {}) })
}

const failed = (more: Partial<EventData['effect-failed']> = {}): EventData['effect-failed'] => ({
  key: 'a/x',
  code: 'flaky',
  message: '',
  touched: 'no',
  retry: true,
  ...more,
})
const settled: EventData['budget-settled'] = {
  step: 'a',
  key: 'a/x',
  amount: { cost: 1, tokens: 1 },
  basis: 'told',
}

/** What the run may spend. */
function limit(journal: SampleJournal, limits: object): void {
  const { data } = journal.events[0] as Event & { data: { limits: object } }
  Object.assign(data, { limits: { ...data.limits, ...limits } })
}

const resumed: EventData['run-resumed'] = { kinds: {}, files: [] }

/** The limits of sample journals: 3 tries, 10 calls, waits of 1 to 10 ms. */
function askAbout(journal: SampleJournal, sha256 = value.sha256): SampleJournal {
  if (!journal.events.some(({ type }) => type === 'step-started')) journal.begin('a')
  return journal.add('approval-requested', { step: 'a', key: 'a/x', request: { ...value, sha256 }, grant: {} })
}

function approve(journal: SampleJournal, request = value.sha256): SampleJournal {
  return journal.add('approval-given', { step: 'a', key: 'a/x', request, grant: {} })
}

const ALTERED: readonly (readonly [invariant: string, what: string, alter: Alter])[] = [
  ['I5', 'a step that ends twice', (j) => j.begin('a').finish('a').finish('a')],
  ['I5', 'an intent of a step that does not run', (j) => void intend(j, 'a')],
  ['I5', 'a run that ends while a step runs', (j) => j.begin('a').end('succeeded')],
  [
    'I5',
    'a step that is skipped while it runs',
    (j) => j.begin('b').add('step-skipped', { step: 'b', reason: 'edge' }),
  ],
  ['I6', 'two ends of the run', (j) => finishAll(j).end('succeeded')],
  ['I6', 'something after the end', (j) => finishAll(j).add('timer-fired', { key: 'x' })],
  ['I6', 'an end of another kind than the steps give', (j) => endAll(j).end('failed')],
  ['I6', 'a second start', (j) => j.add('run-started', (j.events[0] as Event).data as EventData['run-started'])],
  [
    'I6',
    'an effect that is open at the end',
    (j) => {
      j.begin('a')
      intend(j, 'a')
      j.finish('a').begin('b').finish('b').begin('c').finish('c').end('succeeded')
    },
  ],
  ['I16', 'an intent that nobody has approved', (j) => void intend(askAbout(j), 'a')],
  ['I16', 'an intent with other arguments', (j) => void intend(approve(askAbout(j, 'other'), 'other'), 'a')],
  ['I16', 'an approval of other arguments', (j) => void approve(askAbout(j), 'other')],
  ['I16', 'an approval without a question', (j) => void approve(j.begin('a'))],
  ['I16', 'a question asked twice', (j) => void askAbout(askAbout(j))],
  ['I7', 'a rest in which nobody is asked', (j) => j.add('run-paused', { asks: [] })],
  [
    'I7',
    'a rest while an effect is open',
    (j) => {
      j.begin('a')
      intend(j, 'a')
      j.add('run-paused', { asks: ['a/x'] })
    },
  ],
  [
    'I8',
    'an unsafe effect that is intended again after it was done',
    (j) => {
      j.begin('a')
      const at = intend(j, 'a', { safety: 'unsafe' })
      answer(j, 'effect-done', { key: 'a/x', answer: value }, at)
      intend(j, 'a', { safety: 'unsafe' })
    },
  ],
  [
    'I8',
    'an unsafe effect that is repeated although it may have happened',
    (j) => {
      j.begin('a')
      answer(j, 'effect-failed', failed({ touched: 'maybe' }), intend(j, 'a', { safety: 'unsafe' }))
      j.wait(20)
      intend(j, 'a', { safety: 'unsafe', redo: 1 })
    },
  ],
  [
    'I8',
    'a step that is run again after an unsafe effect',
    (j) => {
      j.begin('r')
      answer(j, 'effect-done', { key: 'r/x', answer: value }, intend(j, 'r', { safety: 'unsafe' }))
      j.fail('r', { retry_at: 1 })
    },
  ],
  [
    'I8',
    'an answer by an event that is not its answer',
    (j) => {
      j.begin('a')
      intend(j, 'a', { answered_by: 2 })
    },
  ],
  [
    'I8',
    'a command that is taken twice',
    (j) => j.add('cancel-requested', { command: 1 }).add('cancel-requested', { command: 1 }),
  ],
  [
    'I9',
    'an unsafe effect that is repeated after a crash',
    (j) => {
      j.begin('a')
      intend(j, 'a', { safety: 'unsafe' })
      j.add('run-resumed', resumed)
      intend(j, 'a', { safety: 'unsafe', redo: 1 })
    },
  ],
  [
    'I9',
    'an effect that is given up while its executor runs',
    (j) => {
      j.begin('a')
      intend(j, 'a', { safety: 'unsafe' })
      j.add('effect-unknown', { key: 'a/x', step: 'a' })
    },
  ],
  [
    'I9',
    'a repetition of what was never intended',
    (j) => {
      j.begin('a')
      intend(j, 'a', { redo: 1 })
    },
  ],
  [
    'I10',
    'calls that hold more money together than the run may spend',
    (j) => {
      limit(j, { max_cost: 100 })
      j.begin('a')
      intend(j, 'a', { key: 'a/1', reserved: { cost: 60, tokens: 1 } })
      intend(j, 'a', { key: 'a/2', reserved: { cost: 60, tokens: 1 } })
    },
  ],
  [
    'I10',
    'a call after more was spent than the run may spend',
    (j) => {
      limit(j, { max_tokens: 10 })
      j.begin('a')
      const at = intend(j, 'a', { key: 'a/1', reserved: { cost: 0, tokens: 5 } })
      answer(j, 'effect-done', { key: 'a/1', answer: value }, at)
      j.add('budget-settled', { ...settled, key: 'a/1', amount: { cost: 0, tokens: 9 } })
      intend(j, 'a', { key: 'a/2', reserved: { cost: 0, tokens: 5 } })
    },
  ],
  ['I11', 'a settlement of what nobody held', (j) => j.begin('a').add('budget-settled', { ...settled, key: 'a/1' })],
  ['I11', 'an outcome without an intent', (j) => answer(j.begin('a'), 'effect-done', { key: 'a/x', answer: value })],
  [
    'I11',
    'two outcomes of one intent',
    (j) => {
      j.begin('a')
      const at = intend(j, 'a')
      answer(j, 'effect-done', { key: 'a/x', answer: value }, at)
      answer(j, 'effect-done', { key: 'a/x', answer: value }, at)
    },
  ],
  ['I12', 'a start before a dependency has ended', (j) => j.begin('a').begin('c')],
  ['I12', 'a second start of the same attempt', (j) => j.begin('a').begin('a')],
  [
    'I12',
    'a skip without a reason',
    (j) => j.begin('a').finish('a').add('step-skipped', { step: 'c', reason: 'edge' }),
  ],
  ['I13', 'more steps at once than allowed', (j) => j.begin('a').begin('b').begin('r')],
  ['I14', 'a start after the cancellation', (j) => j.add('cancel-requested', {}).begin('a')],
  ['I14', 'an intent after the cancellation', (j) => void intend(j.begin('a').add('cancel-requested', {}), 'a')],
  [
    'I15',
    'more tries than allowed',
    (j) => {
      j.begin('a')
      let at = intend(j, 'a')
      for (let redo = 1; redo <= 3; redo++) {
        answer(j.wait(20), 'effect-failed', failed(), at)
        j.wait(20)
        at = intend(j, 'a', { redo })
      }
    },
  ],
  [
    'I15',
    'more calls than allowed',
    (j) => {
      j.begin('a')
      for (let n = 0; n < 11; n++) {
        const key = `a/model-${n}`
        answer(j, 'effect-done', { key, answer: value }, intend(j, 'a', { key }))
      }
    },
  ],
  [
    'I15',
    'a repetition sooner than the server asked',
    (j) => {
      j.begin('a')
      answer(j, 'effect-failed', failed({ retry_after_ms: 10 }), intend(j, 'a'))
      j.wait(-5)
      intend(j, 'a', { redo: 1 })
    },
  ],
  [
    'I15',
    'a repetition of what failed for good',
    (j) => {
      j.begin('a')
      answer(j, 'effect-failed', failed({ retry: false }), intend(j, 'a', { safety: 'unsafe' }))
      intend(j.wait(20), 'a', { safety: 'unsafe', redo: 1 })
    },
  ],
  [
    'I15',
    'a second attempt before its time',
    (j) => {
      j.begin('r').fail('r', { retry_at: Date.UTC(2030, 0) })
      j.add('step-retried', { step: 'r', attempt: 2, version: 1 })
    },
  ],
]

function begin(steps = [planned('a'), planned('b'), planned('c', ['a', 'b']), again('r')]): SampleJournal {
  const journal = new SampleJournal().start(steps)
  const { data } = journal.events[0] as Event & { data: { limits: object } }
  Object.assign(data, { limits: { ...data.limits, max_concurrent: 2 } })
  return journal
}

const again = (id: string) => ({ ...planned(id), retry: { attempts: 2 } })

function endAll(journal: SampleJournal): SampleJournal {
  for (const id of ['a', 'b', 'c', 'r']) journal.begin(id).finish(id)
  return journal
}

const finishAll = (journal: SampleJournal) => endAll(journal).end('succeeded')

describe('each rule that is broken is named, with its event', () => {
  test('the journal that is altered is sound before', () => {
    expect(findViolations(seal(finishAll(begin()).events), sha256)).toEqual([])
  })

  test.each(ALTERED)('%s: %s', (invariant, _what, alter) => {
    const journal = begin()
    alter(journal)
    const found = findViolations(seal(journal.events), sha256)
    expect(found.map((each) => each.invariant)).toContain(invariant)
    for (const { seq } of found) expect(seq).toBeGreaterThan(1)
  })

  test('I1: a changed, a missing, a doubled and a moved event', () => {
    const events = seal(finishAll(begin()).events)
    const at = (seq: number) => events[seq - 1] as Event
    const changed = events.map((event) => (event.seq === 4 ? { ...event, at: event.at + 1 } : event)) as Event[]
    const doubled = [...events.slice(0, 4), at(4), ...events.slice(4)]
    const moved = [...events.slice(0, 3), at(5), at(4), ...events.slice(5)]
    for (const [altered, seq] of [
      [changed, 4],
      [events.toSpliced(3, 1), 4],
      [doubled, 5],
      [moved, 4],
    ] as const)
      expect(findViolations(altered, sha256)).toMatchObject([{ invariant: 'I1', seq }])
  })

  test('I7: a run that can never go on', () => {
    const steps = [planned('a'), planned('c', ['d']), planned('d', ['c'])]
    const journal = begin(steps).begin('a').finish('a')
    expect(findViolations(seal(journal.events), sha256)).toMatchObject([{ invariant: 'I7', seq: 4 }])
  })

  test('every rule has a record that breaks it', () => {
    const broken = new Set([...ALTERED.map(([invariant]) => invariant), 'I1'])
    expect([...broken].sort()).toEqual(Object.keys(CHECKED_INVARIANTS).sort())
  })
})

/** What no journal can tell by itself, and where it is proved instead; `later`: what it is about is not built yet. */
const ELSEWHERE: { readonly [invariant: string]: readonly string[] | 'later' } = {
  I2: ['test/crash/kill.test.ts', 'test/simulation/invariants.ts'],
  I17: 'later',
  I18: ['src/trust/redaction.test.ts'],
  I19: ['src/app/artifact-reader.test.ts', 'src/journal/bundle.test.ts'],
  I20: 'later',
  I21: 'later',
  I22: 'later',
  I23: ['src/journal/lease.test.ts', 'test/simulation/invariants.ts'],
  I25: 'later',
}

describe('each of the 25 invariants has its place', () => {
  test('told by the events, by reading and replaying the record, or proved elsewhere', () => {
    const places = [...Object.keys(CHECKED_INVARIANTS), ...Object.keys(OF_THE_RECORD), ...Object.keys(ELSEWHERE)]
    const numbers = places.map((invariant) => Number(invariant.slice(1))).sort((a, b) => a - b)
    expect(numbers).toEqual(Array.from({ length: 25 }, (_, i) => i + 1))
    const files = Object.values(ELSEWHERE).flatMap((where) => (where === 'later' ? [] : where))
    for (const file of files) expect(existsSync(join(import.meta.dirname, '..', '..', file)), file).toBe(true)
  })

  test('I4, I24: a route, an answer and a decision that were written anew, with hashes that fit, do not come out of the replay', async () => {
    const chooser: StepKind = {
      kind: 'chooser',
      version: 1,
      run: async (_step, _inputs, ctx) => {
        const answer = (await ctx.effect({ kind: 'fake', safety: 'billable', request: 'which?' })) as { score: number }
        ctx.record('step-routed', { model: answer.score > 5 ? 'large' : 'small', score: answer.score })
        return { output: answer.score }
      },
    }
    const how: LawOptions = {
      kinds: { chooser },
      executors: () => ({ fake: { kind: 'fake', run: async () => ({ ok: true, answer: { score: 7 } }) } }),
      cuts: () => [],
    }
    const graph = { name: 'routed', steps: [{ id: 'a', kind: 'chooser', spec: {} }] }
    const { events, room } = await runWithLaws(graph, how)
    const forge = async (type: EventType, change: (data: object) => object) => {
      const forged = chain(
        events.map((event) => (event.type === type ? { ...event, data: change(event.data) } : event) as Event),
      )
      expect(findFaults(forged)).toEqual([])
      return verifyRun(forged, { ...room, kinds: how.kinds, eventAt: async (seq) => forged[seq - 1] })
    }
    const at = (type: EventType) => events.find((event) => event.type === type)?.seq
    expect(await forge('step-routed', (data) => data)).toMatchObject({ equal: true })
    const routed = await forge('step-routed', (data) => ({ ...data, facts: { model: 'small', score: 7 } }))
    expect(routed).toMatchObject({
      equal: false,
      seq: at('step-routed'),
      code: 'content',
      expected: '"small"',
      got: '"large"',
    })
    const salt = '5'.repeat(64)
    const text = '{"score":3}'
    const other = { sha256: sha256(salt + text), bytes: text.length, type: 'application/json', inline: { salt, text } }
    const answered = await forge('effect-done', (data) => ({ ...data, answer: other }))
    expect(answered).toMatchObject({ equal: false, seq: at('step-routed'), code: 'content' })
    const decided = await forge('run-finished', (data) => ({ ...data, status: 'failed' }))
    expect(decided).toMatchObject({ equal: false, seq: at('run-finished'), code: 'decision' })
  })
})

/** Hashes and links made anew; nothing else is changed. */
function chain(events: readonly Event[]): Event[] {
  let prev = '0'.repeat(64)
  return events.map((event) => {
    const bare = { ...event, prev } as Event
    prev = hashEvent(bare, sha256)
    return { ...bare, hash: prev }
  })
}

function findFaults(events: readonly Event[]): readonly ChainFault[] {
  const check = createChainCheck(sha256)
  return events.flatMap((event) => check(event) ?? [])
}
