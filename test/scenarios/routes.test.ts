/** Models chosen for each call, as a user meets it: a profile that chooses, why it chose, and what it would have chosen. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runInside } from '../inside.ts'
import { runProgram } from '../processes.ts'
import { makeProject } from './project.ts'

const CONFIG = `
model_profiles:
  cheap: { provider: scripted, model: cheap }
  sound: { provider: scripted, model: sound }
  blind: { provider: scripted, model: blind }
  smart:
    requirements: { capability: coding, min_quality: 0.6, tools: true }
    routing: { exploration: 0 }
  named:
    candidates: [cheap, scripted/sound]
    routing: { weights: { cost: 1, skill: 0, success: 0, latency: 0, context: 0 }, exploration: 0 }
  impossible:
    requirements: { vision: true, context_window: 2000000 }
`

const MODELS = `
scripted:
  models:
    - { name: cheap, tools: true, context_window: 32000, skills: { coding: 0.7 }, prices: { input: 0.1, output: 0.4 } }
    - { name: sound, tools: true, context_window: 200000, skills: { coding: 0.9 }, prices: { input: 3, output: 15 } }
    - { name: blind, tools: false, skills: { coding: 1 }, prices: { input: 0, output: 0 } }
`

const ensemble = (profile: string) =>
  `name: ${profile}\ndescription: One agent\nagents:\n  - name: coder\n    model_profile: ${profile}\n`

function makeDesk(more: Record<string, string> = {}) {
  const files = {
    'config.yaml': CONFIG,
    'models.yaml': MODELS,
    'script.json': JSON.stringify({ rules: [{ answer: { text: 'done by {{model}}' } }] }),
    ...Object.fromEntries(['smart', 'named', 'impossible'].map((name) => [`ensembles/${name}.yaml`, ensemble(name)])),
    ...more,
  }
  const project = makeProject(files)
  const env = {
    ...project.env,
    LLM_ORC_SCRIPT: join(project.cwd, '.llm-orc', 'script.json'),
    LLM_ORC_VERIFY_RUNS: '1',
  }
  const how = { cwd: project.cwd, env }
  return { run: (...args: string[]) => runInside(args, how), start: (...args: string[]) => runProgram(args, how) }
}

test('what nobody knows is no model: an error that names the nearest, whatever the default provider', async () => {
  const { run } = makeDesk({ 'config.yaml': `${CONFIG}default_profile: cheap\n` })
  const missing = await run('models', 'show', 'sonud')
  expect(missing).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/not_found.*\n.*Did you mean "sound"/),
  })
  expect(await run('models', 'show', 'nosuch')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('models list'),
  })
  expect(await run('models', 'show', 'scripted/new')).toMatchObject({ code: 0 })
  expect(await run('models', 'show', 'sound')).toMatchObject({ code: 0 })
  expect(await run('ensembles', 'metrics', 'smrat')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('"smart"'),
  })
  expect(await run('ensembles', 'metrics', 'smart')).toMatchObject({ code: 0 })
}, 30_000)

test('E05: what the budget has left is seen by the choice, recorded with it, and shown', async () => {
  const agent = (name: string, after = '') =>
    `  - name: ${name}\n    candidates: [cheap, sound]\n${after}    routing: { weights: { skill: 1, cost: 0, success: 0, latency: 0, context: 0 }, exploration: 0 }\n    requirements: { capability: coding }\n`
  const { run } = makeDesk({
    'script.json': JSON.stringify({
      rules: [{ answer: { text: 'done by {{model}}', usage: { input: 100, output: 600 } } }],
    }),
    'ensembles/two.yaml': `name: two\ndescription: d\nbudget: { max_cost: 0.012 }\nagents:\n${agent('first')}${agent('second', '    depends_on: [first]\n')}`,
  })
  expect(await run('run', 'two', 'Write a loop.')).toMatchObject({ code: 0 })
  const { routes } = JSON.parse((await run('routes', 'explain', 'latest', '--output', 'json')).stdout)
  expect(routes).toMatchObject([
    { step: 'first', model: 'sound', decision: { left: 12_000_000, same: true } },
    { step: 'second', model: 'cheap', decision: { left: 2_700_000, same: true } },
  ])
  const { candidates } = routes[1].decision
  expect(candidates).toMatchObject([
    { model: 'cheap', place: 1 },
    { model: 'sound', place: 2, obstacle: 'budget' },
  ])
  expect((await run('routes', 'explain', 'latest', 'second')).stdout).toMatch(/\$0\.0027 left of the budget/)
  expect((await run('runs', 'replay', 'latest')).code).toBe(0)
}, 60_000)

test('E05 U28: a model is chosen among those that fit, and the choice can be explained and made again', async () => {
  const { run, start } = makeDesk()
  const done = await start('run', 'smart', 'Write a loop.')
  expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining('done by cheap') })
  const explained = await start('routes', 'explain', 'latest', 'coder', '--output', 'json')
  const { routes } = JSON.parse(explained.stdout)
  expect(routes).toMatchObject([{ step: 'coder', model: 'cheap', reason: 'routed', decision: { same: true } }])
  // `blind` calls no tools, so nobody asked what it costs.
  expect(routes[0].decision.candidates.map(({ model }: { model: string }) => model)).toEqual(['cheap', 'sound'])
  expect((await run('routes', 'explain', 'latest')).stdout).toMatch(
    /coder: cheap\nthe best score of 2: .* before .* of sound/,
  )

  const other = await run(
    'routes',
    'what-if',
    'latest',
    '--weights',
    'skill=1,cost=0,latency=0,success=0,context=0',
    '--output',
    'json',
  )
  expect(JSON.parse(other.stdout)).toMatchObject({
    choices: 1,
    changed: 1,
    changes: [{ was: 'cheap', would: 'sound' }],
  })
  const same = await run('routes', 'what-if', '--all', '--output', 'json')
  expect(JSON.parse(same.stdout)).toMatchObject({ choices: 1, changed: 0, changes: [] })
  expect(await run('routes', 'what-if', 'latest', '--weights', 'colour=1')).toMatchObject({ code: 2 })
  expect((await run('runs', 'replay', 'latest')).stdout).toMatch(/^equal/)

  // The second run knows how the first one went.
  await run('run', 'named', 'Write a loop.')
  const again = JSON.parse((await run('routes', 'explain', 'latest', '--output', 'json')).stdout)
  expect(again.routes[0].decision.candidates[0]).toMatchObject({ model: 'cheap', samples: 1, success: 1 })
  expect(again.routes[0].decision.candidates[0].age_ms).toBeGreaterThan(0)
}, 60_000)

test('what no model is, is said with what each of them lacks', async () => {
  const { run } = makeDesk()
  const { code, stderr } = await run('run', 'impossible', 'x')
  expect(code).toBe(2)
  expect(stderr).toMatch(/no model fits what "coder" requires: cheap \(has no vision, context_window 32000\)/)
})

test('a profile that chooses is a model like any other for prompts, and is listed', async () => {
  const { run } = makeDesk()
  expect(await run('run', '-p', 'Hello', '--model', 'named')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('done by cheap'),
  })
  expect((await run('profiles', 'list')).stdout).toMatch(/named .*cheap, scripted\/sound/)
})

test('a model that dies in the middle of its answer: the next best answers, and what it had said is kept', async () => {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const chunk = { choices: [{ index: 0, delta: { content: 'The answer begins' } }] }
    response.write(`data: ${JSON.stringify(chunk)}\n\n`, () => setTimeout(() => response.destroy(), 20))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  try {
    const { run } = makeDesk({
      'profiles/dying.yaml': `name: dying\nprovider: openai-compatible\nmodel: dying\nbase_url: ${url}\n`,
      'ensembles/dies.yaml':
        'name: dies\ndescription: One agent\nagents:\n  - name: a\n    candidates: [dying, sound]\n    routing: { exploration: 0, weights: { context: 0, cost: 0 } }\n',
    })
    expect(await run('run', 'dies', 'Go on.')).toMatchObject({ code: 0, stderr: '' })
    const { report } = JSON.parse((await run('runs', 'show', 'latest', '--output', 'json')).stdout)
    expect(report.agents[0]).toMatchObject({
      status: 'succeeded',
      output: 'done by sound',
      fallbacks: [{ from: 'dying', because: 'stream_truncated', partial: 'The answer begins' }],
    })
    const text = (await run('runs', 'show', 'latest')).stdout
    expect(text).toContain('it had said: The answer begins')
    const { routes } = JSON.parse((await run('routes', 'explain', 'latest', '-o', 'json')).stdout)
    expect(routes).toMatchObject([
      { reason: 'routed', model: 'dying' },
      { reason: 'fallback', model: 'sound' },
    ])
  } finally {
    server.closeAllConnections()
    server.close()
  }
}, 60_000)
