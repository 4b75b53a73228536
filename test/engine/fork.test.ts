import { describe, expect, test } from 'vitest'
import type { EffectOrder, EffectOutcome } from '../../src/engine/effect.ts'
import { resumeRun, startRun } from '../../src/engine/engine.ts'
import { createFork, type ForkOrder, forkRun, readParentOutcome } from '../../src/engine/fork.ts'
import type { ForkWish } from '../../src/engine/fork-check.ts'
import { type StepContext, StepFailure, type StepKind } from '../../src/engine/step.ts'
import type { VirtualWorld } from '../../src/engine/virtual-world.ts'
import type { EnginePorts } from '../../src/engine/world.ts'
import type { Event } from '../../src/events/event.ts'
import { valuesOf } from '../../src/events/hash.ts'
import { createRandom } from '../../src/events/random.ts'
import type { Json, JsonObject } from '../../src/events/values.ts'
import type { GraphStep, StepGraph } from '../../src/graph/step-graph.ts'
import { checkRecord, createRoom, eventsOf, type LawOptions, planOf, type Room, runToEnd } from '../laws.ts'
import { FakeWorld, program, randomGraph } from './programs.ts'

type Body = (ctx: StepContext, spec: JsonObject, seen: readonly Json[]) => Promise<Json>

interface Stage {
  readonly room: Room
  readonly options: LawOptions
  /** What executors were told to do, over all runs. */
  readonly calls: EffectOrder[]
}

type Perform = (order: EffectOrder, world: VirtualWorld, signal: AbortSignal) => Promise<EffectOutcome>

const echo: Perform = async (order, world, signal) => {
  await world.sleep(5, signal)
  if (signal.aborted) return { ok: false, code: 'aborted', message: 'stopped', touched: 'maybe', retry: false }
  return { ok: true, answer: `world: ${JSON.stringify(order.request)}` }
}

function stageOf(bodies: { readonly [name: string]: Body }, perform: Perform = echo): Stage {
  const code: StepKind = {
    kind: 'code',
    version: 1,
    run: async (step, inputs, ctx) => {
      const seen = [inputs.input, ...inputs.dependencies.map(({ output }) => output ?? null)]
      return { output: await (bodies[step.spec.body as string] as Body)(ctx, step.spec, seen) }
    },
  }
  const calls: EffectOrder[] = []
  const options: LawOptions = {
    kinds: { code },
    executors: (world) => ({
      fake: {
        kind: 'fake',
        run: (order, { signal }) => {
          calls.push(order)
          return perform(order, world, signal)
        },
      },
    }),
  }
  return { room: createRoom(options), options, calls }
}

function step(id: string, body: string, more: Partial<GraphStep> & { readonly say?: string } = {}): GraphStep {
  const { say, ...rest } = more
  return { id, kind: 'code', spec: { body, ...(say === undefined ? {} : { say }) }, ...rest }
}

const after = (...ids: string[]) => ({ after: ids.map((id) => ({ step: id, on: 'always' as const })) })

async function runParent({ room, options }: Stage, graph: StepGraph): Promise<Event[]> {
  await runToEnd(await startRun(room.ports, planOf(graph, options)), room.world)
  return eventsOf(room)
}

function order(run: string, at: number, change: ForkWish = {}): ForkOrder {
  return { run, at, change, started_by: 'code', run_key: 'f'.repeat(64) }
}

/** Forks, runs the fork to its end and checks the laws of forks. */
async function fork(stage: Stage, parent: string, how: ForkOrder): Promise<Event[]> {
  const { room, options } = stage
  const before = await eventsOf(room, parent)
  const made = await forkRun(room.ports, parent, how)
  if ('refused' in made) throw new Error(`refused: ${made.refused.message}`)
  await runToEnd(made, room.world)
  const events = await eventsOf(room, how.run)
  await checkFork(before, events, { ...how, room, options })
  expect(await eventsOf(room, parent)).toEqual(before)
  return events
}

async function checkFork(
  parent: readonly Event[],
  events: readonly Event[],
  { at, run, room, options }: { at: number; run: string; room: Room; options: LawOptions },
): Promise<void> {
  expect(events.slice(0, at).map((event) => event.hash)).toEqual(parent.slice(0, at).map((event) => event.hash))
  expect(events.slice(0, at)).toEqual(parent.slice(0, at).map((event) => ({ ...event, run })))
  expect(events[at]).toMatchObject({ type: 'run-forked', data: { at_seq: at, parent_hash: parent[at - 1]?.hash } })
  expect(events[at + 1]?.type).not.toBe('run-resumed')
  await checkRecord(events, room, options)
}

const outputOf = (events: readonly Event[], id: string): Json | undefined => {
  const end = events.findLast((event) => event.type === 'step-finished' && event.data.step === id)
  return end?.type === 'step-finished' && end.data.output.inline ? JSON.parse(end.data.output.inline.text) : undefined
}
const seqOf = (events: readonly Event[], type: string, id: string): number =>
  events.find((event) => event.type === type && JSON.stringify(event.data).includes(`"${id}`))?.seq ?? 0
const answeredBy = (events: readonly Event[], at: number): Set<string> =>
  new Set(events.slice(0, at).flatMap((event) => (event.type === 'effect-done' ? [event.data.key] : [])))

const bodies: { readonly [name: string]: Body } = {
  ask: (ctx, spec, seen) => ctx.effect({ kind: 'fake', safety: 'billable', request: { say: spec.say ?? '', seen } }),
  twice: async (ctx) => [
    await ctx.effect({ kind: 'fake', name: 'first', safety: 'billable', request: 1 }),
    await ctx.effect({ kind: 'fake', name: 'second', safety: 'billable', request: 2 }),
  ],
  pay: (ctx) => ctx.effect({ kind: 'fake', safety: 'unsafe', request: 'pay' }),
  lead: async (ctx) => (await ctx.propose('work', [step('lead/a', 'ask'), step('lead/b', 'ask')])).length,
}
const chain: StepGraph = {
  name: 'chain',
  steps: [
    step('a', 'ask', { say: 'A' }),
    step('b', 'ask', { say: 'B', ...after('a') }),
    step('c', 'twice', after('b')),
  ],
}

describe('a fork shares the past', () => {
  test('at every event of a run: calls = calls without an answer, the same outputs, the parent untouched', async () => {
    const stage = stageOf(bodies)
    const events = await runParent(stage, chain)
    const total = answeredBy(events, events.length).size
    for (let at = 1; at < events.length; at++) {
      stage.calls.length = 0
      const forked = await fork(stage, 'run-1', order(`fork-${at}`, at))
      expect(stage.calls).toHaveLength(total - answeredBy(events, at).size)
      expect(forked.at(-1)).toMatchObject({ type: 'run-finished', data: { status: 'succeeded' } })
      for (const id of ['a', 'b', 'c']) expect(outputOf(forked, id)).toEqual(outputOf(events, id))
    }
  })

  test('100 forks at random events of wide runs: provider calls = calls without an answer there, past hashes the same, originals unchanged', async () => {
    const random = createRandom('forks at random')
    const tally = { forks: 0, events: 0, calls: 0, calls_of_whole_runs: 0, past_hashes: 0 }
    for (let graph = 0; graph < 10; graph++) {
      const steps = Array.from({ length: 8 }, (_, i) => {
        const before = Array.from({ length: i }, (_, id) => `s${id}`).filter(() => random() < 0.25)
        const body = ['ask', 'twice', 'lead'][Math.floor(random() * 3)] as string
        return step(`s${i}`, body, { say: `${graph}/${i}`, ...after(...before) })
      }).map((each) =>
        each.spec.body === 'lead' ? { ...each, spec: { ...each.spec, body: `lead ${each.id}` } } : each,
      )
      const leads = steps.flatMap(({ id }): [string, Body][] => [
        [
          `lead ${id}`,
          async (ctx) => (await ctx.propose('work', [step(`${id}/a`, 'ask'), step(`${id}/b`, 'twice')])).length,
        ],
      ])
      const stage = stageOf({ ...bodies, ...Object.fromEntries(leads) })
      const events = await runParent(stage, { name: 'wide', steps })
      const total = answeredBy(events, events.length).size
      expect(stage.calls).toHaveLength(total)
      for (let n = 0; n < 10; n++) {
        const at = 1 + Math.floor(random() * (events.length - 1))
        stage.calls.length = 0
        // Also compares every hash up to `at`, and the whole parent before and after.
        const forked = await fork(stage, 'run-1', order(`fork-${n}`, at))
        const answered = answeredBy(events, at)
        expect(stage.calls, `graph ${graph} at ${at}`).toHaveLength(total - answered.size)
        for (const { key } of stage.calls) expect(answered).not.toContain(key)
        expect(forked.at(-1)).toMatchObject({ type: 'run-finished', data: { status: 'succeeded' } })
        tally.forks += 1
        tally.events += forked.length
        tally.past_hashes += at
        tally.calls += stage.calls.length
        tally.calls_of_whole_runs += total
      }
    }
    console.log(`forks: ${JSON.stringify(tally)}`)
    expect(tally.forks).toBe(100)
  })

  test.for(Array.from({ length: 10 }, (_, i) => i * 10))('100 forks of random graphs, %i to +9', async (from) => {
    for (let i = from; i < from + 10; i++) {
      const seed = `fork graph ${i}`
      const random = createRandom(seed)
      const fake = new FakeWorld()
      const done: string[] = []
      const options: LawOptions = {
        kinds: { program },
        seed,
        poolLimit: (pool) => (pool === 'narrow' ? 2 : undefined),
        executors: (world) => {
          const { run } = fake.executor(world, seed)
          return {
            fake: {
              kind: 'fake',
              run: (asked, means) => {
                done.push(`${asked.run} ${asked.key}`)
                return run(asked, means)
              },
            },
          }
        },
        plan: { limits: { backoff_ms: 5, calls_per_step: 6, ...(random() < 0.3 ? { max_concurrent: 2 } : {}) } },
      }
      const stage: Stage = { room: createRoom(options), options, calls: [] }
      let events = await runParent(stage, randomGraph(seed))
      let parent = 'run-1'
      // A fork, then a fork of the fork.
      for (const run of ['fork-1', 'fork-2']) {
        const last = events.at(-1)?.type === 'run-finished' ? events.length - 1 : events.length
        const at = 1 + Math.floor(random() * last)
        events = await fork(stage, parent, order(run, at)).catch((error) => {
          throw new Error(`${seed} ${run} at ${at}: ${error instanceof Error ? error.stack : error}`)
        })
        parent = run
        for (const key of answeredBy(events, at)) expect(done, seed).not.toContain(`${run} ${key}`)
      }
    }
  })

  test('a fork that was made and left is taken up by a plain resume, without another word', async () => {
    const stage = stageOf(bodies)
    const events = await runParent(stage, chain)
    expect(await createFork(stage.room.ports, 'run-1', order('left', 5))).toBeUndefined()
    const run = await resumeRun(stage.room.ports, 'left')
    if ('seq' in run) throw new Error(run.message)
    await runToEnd(run, stage.room.world)
    await checkFork(events, await eventsOf(stage.room, 'left'), { ...stage, at: 5, run: 'left' })
    await expect(createFork(stage.room.ports, 'run-1', order('left', 5))).rejects.toThrow('exists already')
  })

  test('a crash at any event of a fork resumes to an end that verifies', async () => {
    const stage = stageOf(bodies)
    await runParent(stage, chain)
    const change = {
      specs: { b: { body: 'ask', say: 'other' } },
      answers: [{ step: 'c', effect: 'second', answer: 'given' }],
    }
    const forked = await fork(stage, 'run-1', order('whole', 9, change))
    for (let cut = 10; cut < forked.length; cut++) {
      const next = createRoom(stage.options, { start: (forked[cut - 1] as Event).at, seed: `cut ${cut}` })
      await next.journal.append([
        { stream: 'run/whole', expected: 'new', records: forked.slice(0, cut) },
        { stream: 'key/whole', expected: 'new', records: [{ key: planOf(chain, stage.options).run_key }] },
      ])
      const run = await resumeRun(next.ports, 'whole')
      if ('seq' in run) throw new Error(`cut ${cut}: ${run.message}`)
      await runToEnd(run, next.world)
      const events = await eventsOf(next, 'whole')
      await checkRecord(events, next, stage.options)
      for (const id of ['a', 'b', 'c']) expect(outputOf(events, id)).toEqual(outputOf(forked, id))
    }
  })
})

describe('what a fork changes', () => {
  test('settings of steps that have not begun, and the budget', async () => {
    const stage = stageOf(bodies)
    const events = await runParent(stage, chain)
    const change = { specs: { b: { body: 'ask', say: 'other' } }, limits: { calls_per_step: 1 } }
    const forked = await fork(stage, 'run-1', order('f', seqOf(events, 'step-finished', 'a'), change))
    expect(outputOf(forked, 'a')).toBe(outputOf(events, 'a'))
    expect(outputOf(forked, 'b')).toContain('"say\\":\\"other'.replaceAll('\\', ''))
    expect(forked.find((event) => event.type === 'budget-refused')?.data).toMatchObject({ code: 'calls_exhausted' })
  })

  test('a running step begins anew when it is named, and goes on when it is not', async () => {
    const stage = stageOf(bodies)
    const events = await runParent(stage, chain)
    const at = seqOf(events, 'effect-intended', 'b@')
    const forked = await fork(stage, 'run-1', order('f', at, { specs: { b: { body: 'ask', say: 'new' } } }))
    expect(forked.slice(at, at + 3).map((event) => event.type)).toEqual([
      'run-forked',
      'effect-unknown',
      'step-retried',
    ])
    expect(outputOf(forked, 'b')).toContain('new')
    const same = await fork(stage, 'run-1', order('g', at, { specs: { c: { body: 'ask' } } }))
    expect(same.some((event) => event.type === 'step-retried')).toBe(false)
    expect(same[at + 1]).toMatchObject({ type: 'effect-intended', data: { step: 'b', redo: 1 } })
  })

  test('an answer: for the open effect, for the next one asked, by name', async () => {
    const stage = stageOf(bodies)
    const events = await runParent(stage, chain)
    const open = await fork(
      stage,
      'run-1',
      order('open', seqOf(events, 'effect-intended', 'b@'), { answers: [{ step: 'b', answer: 'mine' }] }),
    )
    expect(outputOf(open, 'b')).toBe('mine')
    stage.calls.length = 0
    const answers = [
      { step: 'b', kind: 'fake', answer: 'next' },
      { step: 'c', effect: 'second', answer: { big: 'y'.repeat(9_000) } },
    ]
    const next = await fork(stage, 'run-1', order('next', 2, { answers }))
    expect(outputOf(next, 'b')).toBe('next')
    expect(stage.calls.map(({ key }) => key)).toEqual(['a@1/fake', 'c@1/first'])
    expect(next.filter((event) => event.type === 'effect-intended' && event.data.answered_by === 3)).toHaveLength(2)
  })

  test('the input, before any step has started', async () => {
    const stage = stageOf(bodies)
    await runParent(stage, chain)
    for (const at of [1, 2]) {
      const forked = await fork(stage, 'run-1', order(`f${at}`, at, { input: 'another question' }))
      expect(outputOf(forked, 'a')).toContain('another question')
    }
  })

  test('time limits and waits have what was left of them', async () => {
    const stage = stageOf({ ...bodies, slow: (ctx) => ctx.effect({ kind: 'fake', safety: 'pure', request: 'slow' }) })
    const { room, options } = stage
    const graph = { name: 'timed', steps: [step('s', 'slow', { timeout_ms: 50 })] }
    const plan = { ...planOf(graph, options), limits: { timeout_ms: 60 } }
    await runToEnd(await startRun(room.ports, plan), room.world)
    const waiting = room.world.sleep(1_000_000)
    while (room.world.advance());
    await waiting
    const forked = await fork(stage, 'run-1', order('later', 4))
    expect(forked.at(-1)).toMatchObject({ data: { status: 'succeeded' } })
  })
})

describe('what a fork refuses, with the last event that allows it', () => {
  async function refused(stage: Stage, at: number, change?: ForkWish) {
    const made = await forkRun(stage.room.ports, 'run-1', order('never', at, change))
    if (!('refused' in made)) throw new Error('it was not refused')
    expect(await eventsOf(stage.room, 'never')).toEqual([])
    return { code: made.refused.code, latest: made.latest }
  }

  test('the end of the run, events that are not there, ended steps, answered effects, a read input', async () => {
    const stage = stageOf(bodies)
    const events = await runParent(stage, chain)
    const last = events.length
    expect(await refused(stage, last)).toEqual({ code: 'fork_too_late', latest: last - 1 })
    for (const at of [0, -1, last + 1]) expect(await refused(stage, at)).toEqual({ code: 'fork_refused' })
    const spec = { specs: { a: { body: 'ask' } } }
    const ended = seqOf(events, 'step-finished', 'a')
    expect(await refused(stage, last - 1, spec)).toEqual({ code: 'fork_too_late', latest: ended - 1 })
    const answered = seqOf(events, 'effect-done', 'a@')
    const answers = { answers: [{ step: 'a', answer: 1 }] }
    expect(await refused(stage, last - 1, answers)).toEqual({ code: 'fork_too_late', latest: answered - 1 })
    expect(await refused(stage, last - 1, { input: 'x' })).toEqual({ code: 'fork_too_late', latest: 2 })
    expect(await refused(stage, 4, { specs: { nobody: {} } })).toEqual({ code: 'fork_refused' })
    const two = {
      answers: [
        { step: 'b', answer: 1 },
        { step: 'b', answer: 2 },
      ],
    }
    expect(await refused(stage, 4, two)).toEqual({ code: 'fork_refused' })
    for (const change of [spec, answers, { input: 'x' }]) {
      const { latest = 0 } = await refused(stage, last - 1, change)
      await fork(stage, 'run-1', order(`latest ${latest}`, latest, change))
    }
  })

  test('new settings for a step with children, or with a deed under way; several open effects without a name', async () => {
    const stage = stageOf({
      ...bodies,
      both: async (ctx) =>
        Promise.all([1, 2].map((n) => ctx.effect({ kind: 'fake', name: `n${n}`, safety: 'pure', request: n }))),
    })
    const graph = { name: 'held', steps: [step('lead', 'lead'), step('pay', 'pay'), step('both', 'both')] }
    const events = await runParent(stage, graph)
    const added = events.find((event) => event.type === 'steps-added' && 'proposal' in event.data)?.seq ?? 0
    expect(await refused(stage, added + 1, { specs: { lead: { body: 'ask' } } })).toEqual({
      code: 'fork_too_late',
      latest: added - 1,
    })
    const deed = seqOf(events, 'effect-intended', 'pay/')
    expect(await refused(stage, deed, { specs: { pay: { body: 'ask' } } })).toEqual({
      code: 'fork_too_late',
      latest: deed - 1,
    })
    const second = seqOf(events, 'effect-intended', 'both@1/n2')
    const { code } = await refused(stage, second, { answers: [{ step: 'both', answer: 1 }] })
    expect(code).toBe('fork_refused')
    const named = await fork(
      stage,
      'run-1',
      order('named', second, { answers: [{ step: 'both', effect: 'n2', answer: 'mine' }] }),
    )
    expect(outputOf(named, 'both')).toEqual([expect.stringContaining('world'), 'mine'])
  })

  test('a fork into a run whose step code has changed leaves nothing behind', async () => {
    const stage = stageOf(bodies)
    const events = await runParent(stage, chain)
    const changed = stageOf({
      ...bodies,
      ask: (ctx) => ctx.effect({ kind: 'fake', safety: 'billable', request: 'changed' }),
    })
    const ports: EnginePorts = { ...stage.room.ports, kinds: changed.options.kinds }
    const made = await forkRun(ports, 'run-1', order('f', seqOf(events, 'effect-intended', 'b@')))
    expect(made).toMatchObject({ refused: { code: 'fork_refused' } })
    expect(await eventsOf(stage.room, 'f')).toEqual([])
  })
})

describe('deeds', () => {
  test('an unsafe effect under way is asked about, with what the parent came to know; nothing is done twice', async () => {
    const stage = stageOf(bodies)
    const events = await runParent(stage, { name: 'deed', steps: [step('pay', 'pay')] })
    stage.calls.length = 0
    const forked = await fork(stage, 'run-1', order('f', seqOf(events, 'effect-intended', 'pay/')))
    expect(forked.at(-1)).toMatchObject({ type: 'run-paused', data: { asks: ['pay/fake'] } })
    expect(stage.calls).toEqual([])
    expect(await readParentOutcome(stage.room, 'f', 'pay/fake')).toMatchObject({ type: 'effect-done' })
    const again = await fork(stage, 'f', order('g', forked.length, { answers: [{ step: 'pay', answer: 'paid' }] }))
    expect(outputOf(again, 'pay')).toBe('paid')
    expect(stage.calls).toEqual([])
  })

  test('a run without its key: what was proposed and asked before the fork is the same when it comes again', async () => {
    const gated: Perform = (asked, world, signal) =>
      asked.key.includes('@1/gate')
        ? Promise.resolve({ ok: false, code: 'shut', message: 'shut', touched: 'no', retry: false })
        : echo(asked, world, signal)
    const stubborn: Body = async (ctx) => {
      const long = 'z'.repeat(5_000)
      const children = await ctx.propose('work', [step('s/x', 'ask'), step('s/y', 'ask', { say: long })])
      await ctx.effect({ kind: 'fake', name: 'gate', safety: 'pure', request: 'gate' })
      return children.map(({ status }) => status)
    }
    const paying: Body = async (ctx, spec) => {
      const paid = await ctx.effect({ kind: 'fake', safety: 'unsafe', request: 'pay' })
      await ctx.effect({ kind: 'fake', name: 'then', safety: 'pure', request: spec.say ?? 'then' })
      return paid
    }
    const stage = stageOf({ ...bodies, stubborn, paying }, gated)
    const graph = { name: 'keyless', steps: [step('s', 'stubborn', { retry: { attempts: 2 } }), step('p', 'paying')] }
    const events = await runParent(stage, graph)
    for (let at = seqOf(events, 'effect-done', 'p/fake'); at < events.length; at++) {
      const { journal, blobs, world, ports } = createRoom(stage.options)
      await journal.append([{ stream: 'run/run-1', expected: 'new', records: events.slice(0, at) }])
      for (const event of events) {
        for (const { value } of valuesOf(event)) {
          const blob = await stage.room.blobs.get('run-1', value.sha256)
          if (blob) blobs.put('run-1', value.sha256, blob)
        }
      }
      const running = !events.slice(0, at).some((event) => event.type === 'step-finished' && event.data.step === 'p')
      const change = running ? { specs: { p: { body: 'paying', say: 'anew' } } } : {}
      const made = await forkRun(ports, 'run-1', order('f', at, change))
      if ('refused' in made) throw new Error(made.refused.message)
      await runToEnd(made, world)
      const forked = await eventsOf({ journal }, 'f')
      expect(forked.at(-1)).toMatchObject({ type: 'run-finished', data: { status: 'succeeded' } })
      expect(forked.some((event) => event.type === 'steps-added' && 'joins' in event.data)).toBe(true)
      if (running) expect(forked.some((event) => event.type === 'effect-intended' && event.data.answered_by)).toBe(true)
      await checkRecord(forked, { journal, blobs, world, ports }, stage.options)
    }
  })

  test('an answer given ahead to an unsafe effect holds for later attempts', async () => {
    let tries = 0
    const stage = stageOf({
      ...bodies,
      shaky: async (ctx) => {
        const paid = await ctx.effect({ kind: 'fake', safety: 'unsafe', request: 'pay' })
        if (ctx.random() < 2 && tries++ % 2 === 0) throw new StepFailure('shaky', 'once more')
        return paid
      },
    })
    const graph = { name: 'shaky', steps: [step('a', 'ask'), step('s', 'shaky', { ...after('a') })] }
    const { room, options } = stage
    await runToEnd(await startRun(room.ports, planOf(graph, options)), room.world)
    stage.calls.length = 0
    tries = 1
    const made = await forkRun(room.ports, 'run-1', order('f', 3, { answers: [{ step: 's', answer: 'paid' }] }))
    if ('refused' in made) throw new Error(made.refused.message)
    await runToEnd(made, room.world)
    expect(stage.calls.map(({ key }) => key)).toEqual(['a@1/fake'])
  })
})
