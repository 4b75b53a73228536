/** Why two runs came out differently, and whether a run that has begun can go on under another definition. Every run is verified as it ends. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { App } from '../../src/app/app.ts'
import { createApp } from '../../src/app/create-app.ts'
import type { Call } from '../../src/app/operation.ts'
import { bisectRuns } from '../../src/app/operations/bisect.ts'
import { forkRunOperation } from '../../src/app/operations/forks.ts'
import { upgradeRun } from '../../src/app/operations/upgrade.ts'
import { createPorts } from '../../src/app/ports.ts'
import { makeRunId, requireRun, runTarget } from '../../src/app/runs.ts'
import { findTarget } from '../../src/app/target.ts'
import { createFork } from '../../src/engine/fork.ts'
import type { Event } from '../../src/events/event.ts'
import { createStyle } from '../../src/surfaces/cli/render/style.ts'
import { showResult } from '../../src/surfaces/cli/show/shows.ts'
import { makeProject } from './project.ts'

const ANSWERS = `rules:
  - { system_contains: moody, then: [{ text: Glad. }, { text: Sad. }] }
  - { system_contains: broken, then: [{ text: Fine. }, { error: { code: provider_quota } }] }
  - { system_contains: poet, answer: { text: 'O {{input:20}}' } }
  - { system_contains: critic, answer: { text: 'I read: {{input:400}}' } }
default: { text: 'Seen: {{input:40}}' }
`
const CONFIG = `model_profiles:
  default: { provider: scripted, model: one }
  other: { provider: scripted, model: two }
`
const agent = (name: string, system: string, rest = '') =>
  `  - {name: ${name}, model_profile: default, system_prompt: ${system}${rest}}`
const three = (system: string) =>
  [agent('left', 'writer'), agent('right', system), agent('last', 'critic', ', depends_on: [left, right]')].join('\n')

const open: App[] = []
afterEach(async () => {
  for (const app of open.splice(0)) await app.close()
})

async function openProject() {
  const project = makeProject({ 'config.yaml': CONFIG, 'answers.yaml': ANSWERS })
  const env = {
    ...project.env,
    LLM_ORC_VERIFY_RUNS: '1',
    LLM_ORC_SCRIPT: join(project.cwd, '.llm-orc', 'answers.yaml'),
  }
  const app = await createApp({ cwd: project.cwd, env })
  open.push(app)
  const file = join(project.cwd, 'e.yaml')
  const define = (agents: string) => writeFileSync(file, `name: e\ndescription: d\nagents:\n${agents}\n`)
  const call: Call = { app, signal: new AbortController().signal }
  const run = async (input = 'the sea') =>
    (await runTarget(app, { target: await findTarget(app, file), input }, {})).run
  const bisect = async (a: string, b: string) => {
    const found = await bisectRuns.run({ a, b }, call)
    if (found.between !== 'runs') throw new Error('two runs were given')
    return found
  }
  return { app, define, run, bisect, call, file }
}

/** A run that nobody drives, as it stood after an event of a finished one. */
async function stop(app: App, run: string, isLast: (event: Event) => boolean): Promise<string> {
  const at = (await requireRun(app, run)).find(isLast)?.seq ?? 0
  const stopped = makeRunId()
  const order = { run: stopped, at, started_by: 'cli', run_key: 'k' } as const
  expect(await createFork(await createPorts(app), run, order)).toBeUndefined()
  return stopped
}

async function show(operation: string, result: unknown): Promise<string> {
  const page = { style: createStyle({ color: false, unicode: false }), rich: true, terminal: false }
  return (await showResult(operation, result, page)).text
}

describe('bisecting two runs', () => {
  test('two runs that did the same have no cause, whatever their names, times and salts', async () => {
    const { define, run, bisect } = await openProject()
    define(three('writer'))
    const found = await bisect(await run(), await run())
    expect(found).toMatchObject({ same: true, chain: [], also: [] })
    expect(await show('runs bisect', found)).toContain('Both runs did the same.')
  })

  test('another definition: the step whose settings differ, and what came of it', async () => {
    const { define, run, bisect } = await openProject()
    define(three('writer'))
    const a = await run()
    define(three('poet'))
    const found = await bisect(a, await run())
    expect(found.cause).toMatchObject({
      kind: 'definition',
      step: 'right',
      words: 'the definition of right differs: system prompt',
      differences: [{ path: 'spec/system', a: 'writer', b: 'poet' }],
    })
    expect(found.chain.slice(1).map(({ words }) => words)).toEqual([
      'right has another output',
      'last has another output',
    ])
    expect(await show('runs bisect', found)).toContain('First cause\n  event 1  the definition of right differs')
  })

  test('another input, and a model that answers otherwise to the same', async () => {
    const { define, run, bisect } = await openProject()
    define(three('writer'))
    const a = await run()
    expect((await bisect(a, await run('the land'))).cause).toMatchObject({
      kind: 'input',
      differences: [{ a: 'the sea', b: 'the land' }],
    })
    define(three('moody'))
    const { cause, chain } = await bisect(await run(), await run())
    expect(cause).toMatchObject({
      kind: 'answer',
      step: 'right',
      words: 'right asked the same and got different answers',
    })
    expect(chain.at(-1)?.words).toBe('last has another output')
  })

  test('a call that failed in one of them, inside an item of a list', async () => {
    const { define, run, bisect } = await openProject()
    define([agent('each', 'broken', ', for_each: [x]'), agent('last', 'critic', ', depends_on: [each]')].join('\n'))
    const { cause, chain } = await bisect(await run(), await run())
    expect(cause).toMatchObject({
      kind: 'answer',
      step: 'each[0]',
      words: expect.stringContaining('in A it was answered, in B it failed (provider_quota'),
    })
    expect(chain.map(({ step }) => step)).toEqual(['each[0]', 'each[0]', 'each', 'last'])
  })

  test('a fork: the past that is shared, and the answer it was given', async () => {
    const { app, define, run, bisect, call } = await openProject()
    define(three('writer'))
    const a = await run()
    const at = (await requireRun(app, a)).find(({ type }) => type === 'step-started')?.seq ?? 0
    const wish = { run: a, at, model: [], prompt: [], answer: ['left=Nothing.'], allow: [], deny: [] }
    const forked = await forkRunOperation.run(wish, call)
    const found = await bisect(a, forked.run)
    expect(found).toMatchObject({
      shared: at,
      cause: { step: 'left', words: 'left was given its answer when B was forked' },
    })
  })

  test('one run under another definition: the first event that would not come out', async () => {
    const { define, run, call } = await openProject()
    define(three('writer'))
    const a = await run()
    expect(await bisectRuns.run({ a, definition: 'now' }, call)).toMatchObject({ same: true, steps: [] })
    define(three('poet'))
    const found = await bisectRuns.run({ a, definition: 'now' }, call)
    expect(found).toMatchObject({
      same: false,
      divergence: { type: 'context-built', step: 'right' },
      steps: [{ step: 'right', progress: 'ended', verdict: 'diverges' }],
    })
    expect(await show('runs bisect', found)).toContain('They part at event')
    await expect(bisectRuns.run({ a, b: a, definition: 'now' }, call)).rejects.toThrow('not both')
  })
})

describe('a run that has begun, and its definition now', () => {
  /** `left` and `right` have ended, `last` has not begun. */
  async function openBegun(first: string) {
    const project = await openProject()
    project.define(first)
    const whole = await project.run()
    const ended = new Set<string>()
    const begun = await stop(project.app, whole, ({ type, data }) => {
      if (type === 'step-finished' && 'step' in data) ended.add(data.step)
      return ended.has('left') && ended.has('right')
    })
    const check = () => upgradeRun.run({ run: begun, check: true }, project.call)
    return { ...project, begun, check, slower: [...ended].at(-1) ?? '' }
  }
  const upgrade = (run: string, call: Call) => upgradeRun.run({ run, check: false }, call)

  test('nothing changed', async () => {
    const { check } = await openBegun(three('writer'))
    expect(await check()).toMatchObject({ verdict: 'same', ok: true, upgraded: false })
  })

  test('safe: what has not begun changed, and what ended would have asked the same; the run goes on with it', async () => {
    const { define, check, begun, call, bisect } = await openBegun(three('writer'))
    define([
      agent('left', 'writer', ', fallback: other'),
      agent('right', 'writer'),
      agent('last', 'sharp critic', ', depends_on: [left, right]'),
    ].join('\n'))
    const checked = await check()
    expect(checked).toMatchObject({
      verdict: 'safe',
      steps: [
        { step: 'left', verdict: 'safe', words: 'has ended and would have asked the same (fallback models)' },
        { step: 'right', verdict: 'same' },
        { step: 'last', verdict: 'safe', progress: 'waiting' },
      ],
    })
    expect(await show('runs upgrade', checked)).toContain(`llm-orc runs upgrade ${begun}`)
    const done = await upgrade(begun, call)
    expect(done).toMatchObject({ upgraded: true, from: begun, status: 'succeeded' })
    const other = 'run' in done ? done.run : ''
    expect(other).not.toBe(begun)
    expect((await bisect(begun, other)).b).toMatchObject({ status: 'succeeded' })
  })

  test('diverges: what ended would have run otherwise; upgrading is refused and nothing is written', async () => {
    const { app, define, check, begun, call } = await openBegun(three('writer'))
    const events = (await requireRun(app, begun)).length
    define(three('poet'))
    const checked = await check()
    expect(checked).toMatchObject({
      verdict: 'diverges',
      ok: false,
      divergence: { step: 'right', type: 'context-built' },
    })
    expect(await show('runs upgrade', checked)).toMatch(/^diverges at right/)
    await expect(upgrade(begun, call)).rejects.toMatchObject({ code: 'upgrade_refused' })
    expect(await requireRun(app, begun)).toHaveLength(events)
  })

  test('needs migration: new steps, and steps that wait for others than before', async () => {
    const { define, check, begun, call, slower } = await openBegun(three('writer'))
    define(`${three('writer')}\n${agent('more', 'poet', ', depends_on: [last]')}`)
    expect(await check()).toMatchObject({
      verdict: 'migration',
      steps: [{}, {}, {}, { step: 'more', change: 'added' }],
    })
    define(three('writer').replace('[left, right]', `[${slower}]`))
    expect(await check()).toMatchObject({ verdict: 'migration', steps: [{}, {}, { change: 'structure' }] })
    await expect(upgrade(begun, call)).rejects.toThrow('stands differently among the others (what it waits for')
  })

  test('a new step that would have run already is where the record diverges', async () => {
    const { define, check } = await openBegun(three('writer'))
    define(`${agent('early', 'poet')}\n${three('writer')}`)
    expect(await check()).toMatchObject({ verdict: 'diverges', divergence: { event: 3 } })
  })

  test('a run that has ended is not upgraded', async () => {
    const { define, run, call } = await openProject()
    define(three('writer'))
    await expect(upgrade(await run(), call)).rejects.toMatchObject({ code: 'run_ended' })
  })
})
