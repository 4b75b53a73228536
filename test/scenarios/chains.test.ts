/** Chains, queries and workflows of a configuration: asked for like any face asks, with every run verified. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createApp } from '../../src/app/create-app.ts'
import { findOperation } from '../../src/app/operations.ts'
import { OrcError } from '../../src/events/errors.ts'
import { runProgram, startProgram } from '../processes.ts'
import { makeProject, type Project } from './project.ts'

const CONFIG = `# kept
providers:
  gemini: {type: scripted}
  anthropic: {type: scripted}
chains:
  pair:
    - GenerateCode>/Developer)-gemini
    - Critique>/Tester)-anthropic-haiku
  broken:
    - GenerateCode>/Developer)-gemini
    - Critique>Tester)-gemini
  twin: ["Plan>/Default)-gemini"]
workflows:
  twin: {steps: [{name: a, gate: {prompt: Go?}}]}
  gated:
    params: [topic, {tone: dry}]
    steps:
      - {name: draft, tool: model_call, inputs: {provider: gemini, prompt: "Draft {{params.tone}} {{params.topic}}"}}
      - {name: look, gate: {prompt: "Fit? {{steps.draft.output}}"}}
      - {name: send, tool: model_call, inputs: {provider: anthropic, prompt: "Send {{steps.draft.output}}"}}
`
const MODELS = `gemini: {default_model: flash}
anthropic: {default_model: claude-haiku, models: [claude-haiku, claude-opus]}
`
const ANSWERS = `rules:
  - contains: fail here
    answer: { error: { code: request_refused, message: no } }
  - model: flash
    answer: { text: '[flash] {{input:200}}', delay_ms: 0 }
default: { text: '[{{model}}] {{input:200}}' }
`

/** Every run is verified as soon as it ends or rests. */
function makeChains(answers = ANSWERS): Project {
  const project = makeProject({ 'config.yaml': CONFIG, 'models.yaml': MODELS, 'answers.yaml': answers })
  const script = join(project.cwd, '.llm-orc', 'answers.yaml')
  return { ...project, env: { ...project.env, LLM_ORC_SCRIPT: script, LLM_ORC_VERIFY_RUNS: '1' } }
}

interface Answered {
  readonly code?: string
  /** `FILE:LINE:COLUMN CODE MESSAGE HINT` of what was refused. */
  readonly refused: readonly string[]
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever the operation answers with
  readonly result: any
}

/** What an operation answers, from a program of its own: nothing is kept in memory from call to call. */
async function call({ cwd, env }: Project, name: string, input: object): Promise<Answered> {
  const operation = await findOperation(name)
  if (!operation) throw new Error(`there is no operation ${name}`)
  let app: Awaited<ReturnType<typeof createApp>> | undefined
  try {
    app = await createApp({ cwd, env })
    const result = await operation.run(operation.input.parse(input), { app, signal: new AbortController().signal })
    return { refused: [], result }
  } catch (error) {
    if (!(error instanceof OrcError)) throw error
    const refused = error.problems.map(({ file = '', line, column, code, message, hint = '' }) => {
      const at = line === undefined ? '' : `${file.split('/').at(-1)}:${line}:${column} `
      return `${at}${code} ${message} ${hint}`
    })
    return { code: error.code, refused, result: undefined }
  } finally {
    await app?.close()
  }
}

interface Told {
  readonly name: string
  readonly status: string
  readonly output?: unknown
  readonly code?: string
}

const answerOf = ({ result }: Answered): unknown =>
  (result.report.agents as Told[]).findLast(({ status }) => status === 'succeeded')?.output

/** Waits until the program has told of an event that fits. */
function sawEvent(running: ReturnType<typeof startProgram>, wanted: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let told = ''
    running.child.stderr.on('data', (text: string) => {
      told += text
      if (wanted.test(told)) resolve()
    })
    void running.done.then(({ stderr }) => reject(new Error(`it ended before: ${stderr.slice(-300)}`)))
  })
}

describe('chains', () => {
  test('each step gets the answer before it and nothing else; the conversation is told as it was', async () => {
    const done = await call(makeChains(), 'chain run', { name: 'pair', prompt: 'a {{ list }}' })
    expect(done.result.conversation).toEqual([
      { role: 'user', content: 'a {{ list }}' },
      { role: 'gemini (GenerateCode/Developer)', content: '[flash] a {{ list }}' },
      { role: 'anthropic-haiku (Critique/Tester)', content: '[claude-haiku] [flash] a {{ list }}' },
    ])
    const named = await call(makeChains(), 'run', { target: 'pair', prompt: 'Look:', input: 'from a pipe' })
    expect(answerOf(named)).toBe('[claude-haiku] [flash] Look:\n\nfrom a pipe')
  })

  test('an answer that is JSON reaches the next step as it was written', async () => {
    const written = '{ "a":  1.0,\n "b": [] }'
    const project = makeChains(
      `rules: [{model: flash, answer: {text: ${JSON.stringify(written)}}}]\ndefault: {text: '{{input:200}}'}\n`,
    )
    expect(answerOf(await call(project, 'run', { target: 'pair', prompt: 'x' }))).toBe(written)
  })

  test('a step that fails ends the chain: no error becomes the next input', async () => {
    const step = ['Plan>/Default)-gemini', 'Plan>/Default)-anthropic']
    const { result } = await call(makeChains(), 'run', { prompt: 'fail here', step })
    expect(result.status).toBe('failed')
    expect(result.report.agents.map(({ name, status }: Told) => [name, status])).toEqual([
      ['Plan', 'failed'],
      ['Plan-2', 'skipped'],
    ])
  })

  test('mistakes are named with file, line and column, or the step, before anything runs', async () => {
    const project = makeChains()
    expect((await call(project, 'run', { target: 'broken', prompt: 'x' })).refused).toEqual([
      expect.stringMatching(
        /^config\.yaml:11:7 chain_invalid step 2, column 9: ">\/" is missing after the role "Critique"/,
      ),
    ])
    const step = [
      'a>/b)-c d',
      'Plan>/Default)-nowhere',
      'Plan>/Default)-anthropic-claude',
      'Plan>/Default)-anthropic-sonnet',
    ]
    expect((await call(project, 'run', { prompt: 'x', step })).refused).toEqual([
      expect.stringContaining('step 1, column 8: the model "c d" cannot hold " "'),
      expect.stringContaining('step 2: there is no model "nowhere"'),
      expect.stringContaining('step 4: anthropic lists no model with "sonnet" in its name'),
    ])
    expect((await call(project, 'chain run', { name: 'pair' })).refused).toEqual([
      expect.stringContaining('a chain needs a prompt'),
    ])
    expect((await call(project, 'run', { target: 'pairs', prompt: 'x' })).refused).toEqual([
      expect.stringContaining('there is no ensemble, chain or workflow "pairs" Did you mean "pair"?'),
    ])
    expect((await call(project, 'chain run', { name: 'gated', prompt: 'x' })).code).toBe('not_found')
    expect((await call(project, 'run', { target: 'pair', param: ['a=b'], prompt: 'x' })).code).toBe('param_invalid')
  })

  test('a name that means two things is no name; with an ensemble of the name too it is three', async () => {
    const project = makeChains()
    const two = await call(project, 'run', { target: 'twin', prompt: 'x' })
    expect(two.refused).toEqual([expect.stringContaining('name_ambiguous "twin" is a chain and a workflow')])
    const ensemble = 'name: pair\ndescription: d\nagents: [{name: a, script: "echo {}", safety: pure}]\n'
    const more = makeProject({ 'config.yaml': CONFIG, 'models.yaml': MODELS, 'ensembles/any.yaml': ensemble })
    expect((await call(more, 'run', { target: 'pair', prompt: 'x' })).refused).toEqual([
      expect.stringMatching(
        /"pair" is an ensemble and a chain Say which one: the path of its file, or llm-orc chain run pair/,
      ),
    ])
    expect((await call(more, 'run', { target: '.llm-orc/ensembles/any.yaml', input: 'x' })).result.status).toBe(
      'succeeded',
    )
  })

  test('saved, shown, listed, replaced, removed; the rest of the file stays', async () => {
    const project = makeChains()
    const file = join(project.cwd, '.llm-orc', 'config.yaml')
    const mine = { name: 'mine', step: ['Plan>/Poet)-gemini'] }
    expect((await call(project, 'chain save', mine)).result).toMatchObject({ file, replaced: false, warnings: [] })
    expect(readFileSync(file, 'utf8').replace('  mine:\n    - Plan>/Poet)-gemini\n', '')).toBe(CONFIG)
    expect((await call(project, 'chain save', mine)).code).toBe('confirmation_needed')
    expect((await call(project, 'chain save', { ...mine, force: true, step: ['x'] })).code).toBe('chain_invalid')
    expect((await call(project, 'chain save', { ...mine, name: '../up' })).code).toBe('name_refused')
    expect(
      (await call(project, 'chain save', { ...mine, force: true, step: ['Plan>/Poet)-later'] })).result.warnings,
    ).toMatchObject([{ code: 'profile_missing', severity: 'warning' }])
    await call(project, 'chain save', { ...mine, force: true })
    expect((await call(project, 'chain show', { name: 'mine' })).result.steps).toMatchObject([
      { models: ['gemini/flash'] },
    ])
    const { chains } = (await call(project, 'chain list', {})).result
    expect(
      chains.map(({ name, problem }: { name: string; problem?: string }) => [name, problem !== undefined]),
    ).toEqual([
      ['pair', false],
      ['broken', true],
      ['twin', false],
      ['mine', false],
    ])
    expect((await call(project, 'chain delete', { name: 'mine' })).code).toBe('confirmation_needed')
    const before = readFileSync(file, 'utf8')
    const { result: gone } = await call(project, 'chain delete', { name: 'mine', confirm: true })
    expect(gone).toMatchObject({ deleted: true })
    expect(readFileSync(gone.backup as string, 'utf8')).toBe(before)
    expect(readFileSync(file, 'utf8')).toBe(CONFIG)
  })

  test('a chain that is killed in the middle goes on where it was, and is the same when it is run again from its record', async () => {
    const project = makeChains(ANSWERS.replace('default: {', 'default: { delay_ms: 30000,'))
    const running = startProgram(['chain', 'run', 'pair', '-p', 'x', '--progress', 'json'], project)
    await sawEvent(running, /"effect-intended","data":\{"step":"Critique"/)
    running.child.kill('SIGKILL')
    await running.done
    writeFileSync(project.env['LLM_ORC_SCRIPT'] as string, ANSWERS.replace('[flash]', '[asked twice]'))
    const resumed = await runProgram(['runs', 'resume', 'latest'], project)
    expect(resumed.stdout).toBe('[claude-haiku] [flash] x\n')
    expect((await call(project, 'runs replay', { run: 'latest' })).result).toMatchObject({
      equal: true,
      finished: true,
    })
  }, 60_000)

  test('a chain that was changed since is not taken up unasked', async () => {
    const project = makeChains(ANSWERS.replace('delay_ms: 0', 'delay_ms: 30000'))
    const running = startProgram(['chain', 'run', 'pair', '-p', 'x', '--progress', 'json'], project)
    await sawEvent(running, /"step-started"/)
    running.child.kill('SIGKILL')
    await running.done
    const file = join(project.cwd, '.llm-orc', 'config.yaml')
    writeFileSync(file, CONFIG.replace('Critique>/Tester', 'Critique>/Poet'))
    writeFileSync(project.env['LLM_ORC_SCRIPT'] as string, ANSWERS)
    expect((await call(project, 'runs resume', { run: 'latest' })).refused).toEqual([
      expect.stringContaining('definition_changed the chain pair has changed'),
    ])
    const resumed = await call(project, 'runs resume', { run: 'latest', accept_changed: true })
    expect(resumed.result.status).toBe('succeeded')
  }, 60_000)
})

describe('workflows', () => {
  test('a gate rests until another process has answered it', async () => {
    const project = makeChains()
    const resting = await runProgram(['run', 'gated', '--param', 'topic=tea=hot'], project)
    expect(resting.code).toBe(4)
    expect(resting.stderr).toContain('Fit? [flash] Draft dry tea=hot')
    const again = await call(project, 'runs resolve', { run: 'latest', step: 'look', outcome: 'done', answer: 'hm' })
    expect(again.result.questions).toMatchObject([{ question: expect.stringContaining('Please answer yes or no.') }])
    const done = await runProgram(['runs', 'resolve', 'latest', 'look', 'done', 'yes'], project)
    expect([done.code, done.stdout]).toEqual([0, '[claude-haiku] Send [flash] Draft dry tea=hot\n'])
  }, 60_000)

  test('one that is answered with no ends there, and says so', async () => {
    const project = makeChains()
    await call(project, 'workflow run', { name: 'gated', prompt: 'tea' })
    const done = await call(project, 'runs resolve', { run: 'latest', step: 'look', outcome: 'done', answer: 'no' })
    expect(done.result.report.agents.map(({ name, status, code }: Told) => [name, status, code])).toEqual([
      ['draft', 'succeeded', undefined],
      ['look', 'failed', 'gate_rejected'],
      ['send', 'skipped', undefined],
    ])
    expect(done.result.status).not.toBe('succeeded')
  })

  test('parameters that are missing or unknown are named; lists show what there is', async () => {
    const project = makeChains()
    expect((await call(project, 'workflow run', { name: 'gated', param: ['topik=x'] })).refused).toEqual([
      expect.stringContaining('has no parameter "topik" Did you mean "topic"?'),
      expect.stringContaining('needs the parameter "topic"'),
    ])
    expect((await call(project, 'workflow run', { name: 'gated', param: ['topic'] })).code).toBe('bad_input')
    expect((await call(project, 'workflow list', {})).result.workflows).toMatchObject([
      { name: 'twin', steps: [{ tool: 'gate' }] },
      {
        name: 'gated',
        params: [
          { name: 'topic', required: true },
          { name: 'tone', default: 'dry' },
        ],
      },
    ])
  })
})

describe('one prompt to several models', () => {
  const project = makeChains(
    ANSWERS.replace('model: flash', 'model: nobody').replace('contains: fail here', 'model: claude-opus'),
  )
  const ask = { prompt: 'hi', model: ['gemini', 'anthropic/claude-opus', 'anthropic'] }

  test.each(['parallel', 'sequential'])('%s: one that fails hides no other', async (how) => {
    const { result } = await call(project, 'run', { ...ask, [how]: true })
    expect(result.status).toBe('partial')
    const agents = result.report.agents as readonly Told[]
    expect(agents.map(({ output, code }) => output ?? code)).toEqual([
      '[flash] hi',
      'request_refused',
      '[claude-haiku] hi',
    ])
    if (how === 'sequential') expect(result.report.order).toEqual(agents.map(({ name }) => name))
  })

  test('both at once, and models beside steps, are refused', async () => {
    expect((await call(project, 'run', { ...ask, parallel: true, sequential: true })).code).toBe('bad_input')
    expect((await call(project, 'run', { ...ask, step: ['Plan>/Default)-gemini'] })).code).toBe('bad_input')
  })
})
