import { expect, test } from 'vitest'
import { eventsOf, type LawOptions, runToEnd, runWithLaws } from '../../test/laws.ts'
import { createModelExecutor } from '../effects/model.ts'
import { resumeRun } from '../engine/engine.ts'
import { forkRun } from '../engine/fork.ts'
import type { Event } from '../events/event.ts'
import type { Json, JsonObject, Value } from '../events/values.ts'
import { chain, MEANS, task } from '../graph/plan.fixture.ts'
import { compilePlan, type PlanMeans } from '../graph/plan-compile.ts'
import { readPlan } from '../graph/plan-read.ts'
import type { BlobStore } from '../journal/journal.ts'
import { createScripted } from '../providers/scripted.ts'
import type { Script } from '../providers/scripted-schema.ts'
import { agentStep } from './agent.ts'
import { assembleStep } from './assemble.ts'
import { conditionStep } from './condition.ts'
import { type PlanSpec, planStep } from './plan.ts'
import { verifiedStep } from './verified.ts'

const planner = { provider: 'scripted', model: 'planner' }
const kinds = {
  agent: agentStep,
  assemble: assembleStep,
  condition: conditionStep,
  plan: planStep,
  verified: verifiedStep,
}

const ECHO = { model: 'small', answer: { text: 'done: {{input}}' } }
const DIAMOND = {
  tasks: ['t1', 't2', 't3', 't4'].map((id) => task(id)),
  edges: [...(chain('t1', 't2', 't4') as Json[]), ...(chain('t1', 't3', 't4') as Json[])],
}

interface Options {
  readonly spec?: Partial<PlanSpec>
  readonly means?: Partial<PlanMeans>
  readonly graph?: Parameters<typeof runWithLaws>[0]
  readonly laws?: Partial<LawOptions>
}

async function run(script: Script, { spec, means, graph, laws }: Options = {}) {
  const whole: PlanSpec = {
    planner: [planner],
    repair_limit: 2,
    means: { ...MEANS, ...means },
    approve: false,
    execute: true,
    ...spec,
  }
  const asked: string[] = []
  const { events, end, room } = await runWithLaws(
    graph ?? { name: 'plan', steps: [{ id: 'plan', kind: 'plan', spec: whole as unknown as JsonObject }] },
    {
      kinds,
      executors: (world) => {
        const provider = createScripted(script, { sleep: async () => {} })
        const { clock, wake } = world
        return {
          model: createModelExecutor({
            provider: (request) => {
              asked.push(request.model)
              return provider
            },
            clock,
            wake,
          }),
        }
      },
      cuts: () => [],
      plan: { input: 'Write about tea.', limits: { tries: 1, calls_per_step: 50, backoff_ms: 1, backoff_cap_ms: 1 } },
      ...laws,
    },
  )
  const ends = new Map<string, Json>()
  for (const event of events)
    if (event.type === 'step-finished') ends.set(event.data.step, await readValue(event.data.output, room.blobs))
  const failure = events.find((event) => event.type === 'step-failed' && event.data.step === 'plan')
  return {
    events,
    asked,
    ends,
    end,
    failure: failure?.data as { code: string; message: string } | undefined,
    room,
  }
}

async function readValue(value: Value, blobs: BlobStore): Promise<Json> {
  const text = value.inline?.text ?? (await blobs.get('run-1', value.sha256))?.text ?? ''
  return value.type === 'application/json' ? (JSON.parse(text) as Json) : text
}

/** The script's planner gives these answers in turn. */
const plans = (...texts: readonly string[]): Script => ({
  rules: [{ model: 'planner', then: texts.map((text) => ({ text })) }, ECHO],
})

const notes = (events: readonly Event[], about: string) =>
  events.flatMap(({ type, data }) =>
    type === 'note-written' && 'facts' in data && data.facts['about'] === about ? [data.facts] : [],
  )

test('a plan is made, recorded, carried out in its order, and put together', async () => {
  const { events, ends, end } = await run(plans(`Here you are:\n\`\`\`json\n${JSON.stringify(DIAMOND)}\n\`\`\``), {
    laws: {
      cuts: (all) =>
        all
          .filter((_, index) => index % 4 === 0)
          .map(({ seq }) => seq)
          .slice(0, -1),
    },
  })
  expect(end).toMatchObject({ outcome: 'finished', status: 'succeeded' })
  expect(notes(events, 'plan')).toEqual([
    { about: 'plan', task_count: 4, edge_count: 4, levels: 3, made_by: 'model', attempts: 1 },
  ])
  const started = events.flatMap((event) => (event.type === 'step-started' ? [event.data.step] : []))
  expect(started).toEqual(['plan', 'plan/planner', 'plan/t1', 'plan/t2', 'plan/t3', 'plan/t4', 'plan/assemble'])
  const proposals = events.flatMap((event) =>
    event.type === 'steps-added' && 'proposal' in event.data ? [event.data.proposal] : [],
  )
  expect(proposals).toEqual(['planner', 'tasks'])
  expect(ends.get('plan')).toBe(ends.get('plan/t4'))
  expect(String(ends.get('plan/t2'))).toContain('Answer of t1')
  expect(String(ends.get('plan/t4'))).toMatch(/Write about tea\.[\s\S]*Answer of t2[\s\S]*Answer of t3[\s\S]*do t4/)
})

test('the stream names of the older system can be told from the events', async () => {
  const { events } = await run(plans(JSON.stringify(DIAMOND)))
  const names = events.flatMap((event) => {
    switch (event.type) {
      case 'step-started':
        if (event.data.step === 'plan') return ['plan started']
        if (event.data.step === 'plan/assemble') return ['assemble_start']
        return /^plan\/t\d$/.test(event.data.step) ? [`task_start ${event.data.step.slice(5)}`] : []
      case 'note-written':
        return 'facts' in event.data && event.data.facts['about'] === 'plan'
          ? [`plan completed ${event.data.facts['task_count']}`]
          : []
      case 'step-routed':
        return event.data.step.startsWith('plan/t') ? [`decision ${event.data.facts['provider']}`] : []
      case 'step-finished':
        return event.data.step === 'plan' ? ['final'] : []
      default:
        return []
    }
  })
  expect(names.slice(0, 4)).toEqual(['plan started', 'plan completed 4', 'task_start t1', 'decision scripted'])
  expect(names.slice(-2)).toEqual(['assemble_start', 'final'])
})

test('a plan that cannot be used is asked for again with its faults named', async () => {
  const bad = { tasks: [task('a'), task('a', { tools: ['bash'] })], edges: chain('a', 'ghost') }
  const faults = ['two tasks have the id', 'asks for', 'there is no task']
  const script: Script = {
    rules: [
      { model: 'planner', contains: faults, answer: { text: JSON.stringify({ tasks: [task('ok')] }) } },
      { model: 'planner', answer: { text: JSON.stringify(bad) } },
      ECHO,
    ],
  }
  const { ends, events, asked } = await run(script)
  expect(notes(events, 'plan-refused')).toMatchObject([
    { attempt: 1, codes: ['plan_rights', 'name_duplicate', 'dependency_unknown'] },
  ])
  expect(notes(events, 'plan')).toMatchObject([{ attempts: 2, task_count: 1 }])
  expect(ends.has('plan/planner~1')).toBe(true)
  expect(asked.filter((model) => model === 'planner')).toHaveLength(2)
  expect(ends.get('plan')).toContain('do ok')
})

test('a planner that never gives one fails with all reasons, after the limit and no later', async () => {
  const { failure, asked, end } = await run(plans('I would rather not.'), { spec: { repair_limit: 1 } })
  expect(asked).toEqual(['planner', 'planner'])
  expect(failure?.code).toBe('plan_invalid')
  expect(failure?.message).toContain('no JSON object')
  expect(end).toMatchObject({ status: 'failed' })
  const cycle = JSON.stringify({ tasks: [task('a'), task('b')], edges: chain('a', 'b', 'a') })
  expect((await run(plans(cycle), { spec: { repair_limit: 0 } })).failure?.message).toContain('a -> b -> a')
})

test('the planner knows what its plan is checked for', async () => {
  const rules = [
    {
      model: 'planner',
      system_contains: ['1 to 7', 'at most 3 tasks', 'translation', 'coder', 'join'],
      answer: { text: JSON.stringify({ tasks: [task('a')] }) },
    },
    { model: 'planner', answer: { text: 'nothing' } },
    ECHO,
  ]
  const { end } = await run({ rules }, { means: { max_tasks: 7, max_depth: 3 }, spec: { repair_limit: 0 } })
  expect(end).toMatchObject({ status: 'succeeded' })
})

test('capabilities and profiles choose among the models of the run', async () => {
  const tasks = [
    task('code', { requirements: { capability: 'coding' } }),
    task('named', { requirements: { profile: 'coder' } }),
    task('other', { requirements: { capability: 'translation' } }),
  ]
  const script: Script = {
    rules: [...plans(JSON.stringify({ tasks })).rules, { model: 'code', answer: { text: 'x' } }],
  }
  const { asked } = await run(script)
  expect(asked.slice(1).sort()).toEqual(['code', 'code', 'small'])
})

test('without a language model the plan comes from a template, and the record says so', async () => {
  const { events, asked, ends } = await run(
    { rules: [ECHO] },
    { spec: { planner: [{ provider: 'embedded', model: 'extractive' }] } },
  )
  expect(notes(events, 'plan')).toMatchObject([{ made_by: 'template', template: 'write', task_count: 3, levels: 3 }])
  expect(asked).toEqual(['small', 'small', 'small'])
  expect(String(ends.get('plan'))).toContain('Correct and tighten')
})

test('only the plan is given when nothing is to be carried out', async () => {
  const { ends, asked } = await run(plans(JSON.stringify(DIAMOND)), { spec: { execute: false } })
  expect(asked).toEqual(['planner'])
  expect(ends.get('plan')).toMatchObject({ tasks: [{ id: 't1' }, {}, {}, {}], edges: { length: 4 } })
})

test('a failing task leaves out what waits for it; the rest is put together and the run is partial', async () => {
  const tasks = [task('a'), task('b'), task('c')]
  const script: Script = {
    rules: [
      { model: 'planner', answer: { text: JSON.stringify({ tasks, edges: chain('a', 'c') }) } },
      { contains: 'do a', answer: { error: { code: 'provider_error' } } },
      ECHO,
    ],
  }
  const { end, ends, events } = await run(script)
  expect(end).toMatchObject({ status: 'partial' })
  expect(
    events.filter(({ type }) => type === 'step-skipped').map(({ data }) => (data as { step: string }).step),
  ).toEqual(['plan/c'])
  expect(String(ends.get('plan'))).toContain('do b')
  const all = await run({
    rules: [script.rules[0] as Script['rules'][number], { answer: { error: { code: 'provider_error' } } }],
  })
  expect(all.failure).toMatchObject({ code: 'plan_failed', message: expect.stringContaining('a (provider_error') })
  expect(all.end).toMatchObject({ status: 'failed' })
})

test('criteria are checked, a repair is asked for, and nothing is asked for ever', async () => {
  const tasks = [task('a', { quality_criteria: ['min-length-100'] })]
  const long = 'word '.repeat(40)
  const planned = { model: 'planner', answer: { text: JSON.stringify({ tasks }) } }
  const good = await run(
    { rules: [planned, { model: 'small', then: [{ text: 'short' }, { text: long }] }] },
    { means: { verify: { repair_limit: 1 } } },
  )
  expect(good.ends.get('plan')).toBe(long)
  const bad = await run(
    { rules: [planned, { model: 'small', answer: { text: 'short' } }] },
    { means: { verify: { repair_limit: 1 } } },
  )
  expect(bad.asked).toEqual(['planner', 'small', 'small'])
  expect(bad.end).toMatchObject({ status: 'failed' })
})

test.each([
  ['one of two', ['do a'], 'succeeded'],
  ['none of two', ['do a', 'do b'], 'skipped'],
])('join any: %s failing', async (_, failing, status) => {
  const { plan } = readPlan(
    {
      tasks: [task('a'), task('b'), task('c'), task('d')],
      edges: [
        { from: 'a', to: 'c', join: 'any' },
        { from: 'b', to: 'c', join: 'any' },
      ],
    },
    MEANS,
  )
  if (!plan) throw new Error('the plan is sound')
  const { steps, output } = compilePlan(plan, MEANS)
  const errors = failing.map((contains) => ({ contains, answer: { error: { code: 'provider_error' as const } } }))
  const { events, ends } = await run({ rules: [...errors, ECHO] }, { graph: { name: 'plan', steps, output } })
  const skipped = events.flatMap((event) => (event.type === 'step-skipped' ? [event.data] : []))
  expect(skipped).toEqual(status === 'skipped' ? [{ step: 'c', reason: 'condition' }] : [])
  expect(String(ends.get('c') ?? 'nothing')).toContain(status === 'skipped' ? 'nothing' : 'Answer of b')
})

/** What became of a plan that a person was asked about, for each answer in turn. */
async function runAnswered(...answers: readonly Json[]) {
  const { room, end } = await run(plans(JSON.stringify({ tasks: [task('a')] })), { spec: { approve: true } })
  expect(end).toEqual({ outcome: 'resting', asks: ['plan@1/approve'] })
  let last: unknown = end
  for (const answer of answers) {
    const { asks } = last as { readonly asks: readonly string[] }
    const command = { type: 'resolve', key: asks[0], outcome: 'done', answer }
    await room.journal.append([{ stream: 'inbox/run-1', expected: 'any', records: [command] }])
    const resumed = await resumeRun(room.ports, 'run-1')
    if ('seq' in resumed) throw new Error(resumed.message)
    last = await runToEnd(resumed, room.world)
  }
  const events = await eventsOf(room)
  const started = events.flatMap((event) => (event.type === 'step-started' ? [event.data.step] : []))
  return { end: last, events, started }
}

test('a person sees the plan before anything of it is done, and may answer with another', async () => {
  const yes = await runAnswered('yes')
  expect(yes.end).toMatchObject({ status: 'succeeded' })
  expect(yes.started).toContain('plan/a')
  const no = await runAnswered('No, far too long.')
  expect(no.end).toMatchObject({ status: 'failed' })
  expect(no.started).not.toContain('plan/a')
  const own = await runAnswered('maybe', { tasks: [{ id: 'mine', description: 'My way.' }] })
  expect(own.end).toMatchObject({ status: 'succeeded' })
  expect(own.started).toContain('plan/mine')
  expect(notes(own.events, 'plan')).toMatchObject([{ made_by: 'model' }, { made_by: 'person' }])
  const worse = await runAnswered({ tasks: [task('b', { tools: ['bash'] })] })
  expect(worse.end).toEqual({ outcome: 'resting', asks: ['plan@1/approve~1'] })
})

test('S02 a yes is for the plan that was shown: 20 altered plans, each asked about anew, nothing of it done before', async () => {
  const first = { tasks: [task('a'), task('b')], edges: chain('a', 'b') }
  const { room, events } = await run(plans(JSON.stringify(first)), { spec: { approve: true } })
  const [asked] = events.flatMap((event) => (event.type === 'run-paused' ? event.data.asks : []))
  const yes = { type: 'resolve', key: asked, outcome: 'done', answer: 'yes' }
  await room.journal.append([{ stream: 'inbox/run-1', expected: 'any', records: [yes] }])
  const resumed = await resumeRun(room.ports, 'run-1')
  if ('seq' in resumed) throw new Error(resumed.message)
  expect(await runToEnd(resumed, room.world)).toMatchObject({ status: 'succeeded' })

  const planned = events.find((event) => event.type === 'effect-intended' && event.data.step === 'plan/planner')
  const altered: Json[] = [
    { tasks: [task('a'), task('b')] },
    { tasks: [task('a'), task('b')], edges: chain('b', 'a') },
    { tasks: [task('b'), task('a')], edges: chain('a', 'b') },
    { tasks: [task('a')] },
    { tasks: [task('a', { description: 'do a.' }), task('b')], edges: chain('a', 'b') },
    { tasks: [task('a', { description: 'do a\u200b' }), task('b')], edges: chain('a', 'b') },
    { tasks: [task('\u0430'), task('b')], edges: chain('\u0430', 'b') },
    ...Array.from({ length: 13 }, (_, n) => ({
      tasks: [task('a'), task('b'), task(`c${n}`, { description: `also this ${n}` })],
      edges: chain('a', 'b', `c${n}`),
    })),
  ]
  let anew = 0
  for (const [n, plan] of altered.entries()) {
    const answer = { content: [{ type: 'text', text: JSON.stringify(plan) }], finish: 'stop', usage: {} }
    const fork = await forkRun(room.ports, 'run-1', {
      run: `fork-${n}`,
      at: (planned as Event).seq,
      change: { answers: [{ step: 'plan/planner', answer }] },
      started_by: 'code',
      run_key: 'f'.repeat(64),
    })
    if ('refused' in fork) throw new Error(fork.refused.message)
    expect(await runToEnd(fork, room.world)).toEqual({ outcome: 'resting', asks: [asked] })
    const past = await eventsOf(room, `fork-${n}`)
    const begun = past.flatMap((event) => (event.type === 'step-started' ? [event.data.step] : []))
    if (begun.join() === 'plan,plan/planner') anew += 1
  }
  expect(anew).toBe(20)
})
