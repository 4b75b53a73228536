import { type RunPlan, resumeRun, startRun } from '../../src/engine/engine.ts'
import { forkRun } from '../../src/engine/fork.ts'
import type { Command } from '../../src/engine/inbox.ts'
import type { Json, JsonObject } from '../../src/events/values.ts'
import type { GraphStep, StepGraph } from '../../src/graph/step-graph.ts'
import { type RunRecord, readJournal } from '../../src/journal/bundle.ts'
import { parseScript } from '../../src/providers/scripted-schema.ts'
import { driveRun, openRoom, sha256 } from './room.ts'

/** Makes a run, always the same one; `drain` is the event loop's, and must not matter. */
export type Recording = (drain: () => Promise<void>) => Promise<RunRecord>

/** The runs every release keeps. Together they have every kind of event that can be written by then. */
export const recordings: { readonly [name: string]: Recording } = {
  /** Model calls side by side, a retry, a script over their answers, a synthesis with content too large to stand inline. */
  answers: async (drain) => {
    const models = parseScript({
      rules: [
        {
          model: 'flaky',
          then: [{ error: { code: 'provider_overloaded', detail: 'busy' } }, { text: 'Zwölf 🐢 {{call}}' }],
        },
        { model: 'long', answer: { text: 'a long answer '.repeat(400), finish: 'length' } },
        { model: 'thinker', answer: { reasoning: 'hm', text: '{"n": 12, "of": "{{model}}"}', delay_ms: 40 } },
      ],
    })
    const steps = [
      agent('one', ['thinker']),
      agent('two', ['flaky']),
      agent('three', ['long']),
      script('count', ['one', 'two'], { parameters: { n: '${one.n}' } }),
      agent('all', ['thinker'], { after: ['one', 'two', 'three', 'count'] }),
    ]
    const { world, ports } = openRoom('answers', drain, { models })
    await driveRun(await startRun(ports, planOf('answers', { steps, output: 'all' })), world)
    return readJournal(ports, 'answers')
  },
  /** Models that refuse or say nothing until the last one answers; a script that fails, and steps that wait for that. */
  fallback: async (drain) => {
    const models = parseScript({
      rules: [
        { model: 'shut', answer: { error: { status: 401, detail: 'no such key' } } },
        { model: 'mute', answer: { text: ' ' } },
        { model: 'last', answer: { text: 'here I am' } },
      ],
    })
    const scripts = () => ({ exit: 3, stdout: '{"why": "planned"}', stderr: 'oh', truncated: false })
    const steps = [
      agent('ask', ['shut', 'mute', 'last']),
      agent('nobody', ['mute', 'shut']),
      { ...script('check', ['ask']), retry: { attempts: 2, delay_ms: 10 } },
      agent('mend', ['last'], { edges: [{ step: 'check', on: 'failure' }] }),
      agent('praise', ['last'], { edges: [{ step: 'check', on: 'success' }] }),
    ]
    const { world, ports } = openRoom('fallback', drain, { models, scripts })
    await driveRun(await startRun(ports, planOf('fallback', { steps })), world)
    return readJournal(ports, 'fallback')
  },
  /** A lead that fails with a foreign error after it proposed, and finds its children again. */
  proposal: async (drain) => {
    const { world, ports } = openRoom('proposal', drain, {})
    const steps = [
      { ...doErrand('lead', { body: 'lead' }), retry: { attempts: 2 } },
      doErrand('after', { body: 'call', safety: 'pure' }, ['lead']),
    ]
    await driveRun(await startRun(ports, planOf('proposal', { steps })), world)
    return readJournal(ports, 'proposal')
  },
  /** Answers in bursts, two steps that tick alike, more steps than may run at once. */
  burst: async (drain) => {
    const { world, ports } = openRoom('burst', drain, {})
    const steps = ['first', 'second', 'third'].map((id) => doErrand(id, { body: 'burst' }))
    await driveRun(await startRun(ports, { ...planOf('burst', { steps }), limits: { max_concurrent: 2 } }), world)
    return readJournal(ports, 'burst')
  },
  /** One step takes too long, its dependants say so; the rest is cancelled by a person. */
  cancel: async (drain) => {
    const chores = ({ of }: { readonly [key: string]: Json }) => (of === 'slow' || of === 'endless' ? 60_000 : 5)
    const { world, ports } = openRoom('cancel', drain, { chores })
    const call = { body: 'call', safety: 'billable' }
    const steps = [
      { ...doErrand('slow', call), timeout_ms: 200 },
      doErrand('late', call, ['slow']),
      doErrand('endless', { body: 'call', safety: 'unsafe' }, ['late']),
      doErrand('never', call, ['endless']),
    ]
    const run = await startRun(ports, planOf('cancel', { steps }))
    const started = world.clock()
    await driveRun(run, world, () => world.clock() >= started + 200)
    const orders = world.wake(world.clock() + 50, () => run.cancel('seen enough'))
    await driveRun(run, world)
    orders()
    return readJournal(ports, 'cancel')
  },
  /** A process dies in the middle of an unsafe script; the next one asks a person, who finds out, and a third goes on. */
  unknown: async (drain) => {
    const { world, ports } = openRoom('unknown', drain, {})
    const steps = [script('pay', [], { safety: 'unsafe' }), script('tell', ['pay'])]
    const run = await startRun(ports, planOf('unknown', { steps }))
    await driveRun(run, world, () => world.pending > 0)
    run.abandon()
    await run.ended
    await driveRun(await resume(ports), world)
    const answer = { exit: 0, stdout: '{"paid": true}', stderr: '', truncated: false }
    const command: Command = { type: 'resolve', key: 'pay/script', outcome: 'done', answer }
    await ports.journal.append([{ stream: 'inbox/unknown', expected: 'any', records: [command] }])
    await driveRun(await resume(ports), world)
    return readJournal(ports, 'unknown')
  },
  /** A run forked in its middle, with another answer and other settings. */
  fork: async (drain) => {
    const models = parseScript({ rules: [{ answer: { text: '{{model}} read: {{input:600}}' } }] })
    const { world, ports } = openRoom('fork', drain, { models })
    const steps = [
      agent('draft', ['small']),
      agent('judge', ['small'], { after: ['draft'] }),
      agent('mend', ['small'], { after: ['judge'] }),
    ]
    await driveRun(await startRun(ports, planOf('parent', { steps })), world)
    const parent = readJournal(ports, 'parent')
    let at = 0
    for await (const event of parent.events()) if (event.type === 'step-finished' && at === 0) at = event.seq
    const answer = { content: [{ type: 'text', text: 'a person judged' }], finish: 'stop', usage: {} }
    const change = {
      answers: [{ step: 'judge', effect: 'model', answer }],
      specs: { mend: agent('mend', ['large']).spec },
    }
    const order = { run: 'fork', at, change, started_by: 'code', run_key: sha256('fork') } as const
    const forked = await forkRun(ports, 'parent', order)
    if ('refused' in forked) throw new Error(forked.refused.message)
    await driveRun(forked, world)
    return readJournal(ports, 'fork')
  },
}

async function resume(ports: Parameters<typeof resumeRun>[0]) {
  const run = await resumeRun(ports, 'unknown')
  if ('seq' in run) throw new Error(run.message)
  return run
}

function planOf(run: string, graph: Omit<StepGraph, 'name'>): RunPlan {
  return {
    run,
    graph: { name: run, ...graph },
    input: 'How many months has a year? Ä, 𝄞 and \u2028 stay what they are.',
    seed: run,
    run_key: sha256(`key ${run}`),
    target: { kind: 'graph', name: run },
    started_by: 'code',
    files: [{ name: `ensemble ${run}`, content: `name: ${run}\n` }],
  }
}

function agent(
  id: string,
  models: readonly string[],
  { after = [], edges }: { after?: readonly string[]; edges?: GraphStep['after'] } = {},
): GraphStep {
  const candidates = models.map((model) => ({ provider: 'scripted', model }))
  const blocks = after.map((step) => ({ step, label: step }))
  const spec = { agent: id, title: id, system: `You are ${id}.`, candidates, blocks }
  return { id, kind: 'agent', spec, after: edges ?? waitFor(after) }
}

function script(id: string, after: readonly string[], more: JsonObject = {}): GraphStep {
  const given = {
    agent: id,
    script: { type: 'inline', text: 'cat' },
    parameters: {},
    environment: {},
    safety: 'pure',
    pass: 'json',
  }
  return { id, kind: 'script', spec: { ...given, ...more }, after: waitFor(after) }
}

function doErrand(id: string, spec: JsonObject, after: readonly string[] = []): GraphStep {
  return { id, kind: 'errand', spec, after: waitFor(after) }
}

function waitFor(steps: readonly string[]): NonNullable<GraphStep['after']> {
  return steps.map((step) => ({ step, on: 'always' }))
}
