import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApp } from '../../src/app/create-app.ts'
import { readScopes } from '../../src/app/scopes.ts'
import { runProgram } from '../processes.ts'
import { call } from './calls.ts'
import { makeProject, type Project } from './project.ts'

/** 1,000 tokens of input and 100 of output at $1 and $10 a million: $0.002 a call. */
const CALL = 2_000_000
let asked = 0
const bodies: string[] = []
/** What the server bills, in nano-dollars. */
let billed = 0
let usage: (() => object | undefined) | undefined
const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk) => (body += chunk))
  request.on('end', () => {
    if (!request.url?.endsWith('/chat/completions')) return response.end('{"data":[{"id":"m"}]}')
    asked += 1
    bodies.push(body)
    billed += CALL
    const told = usage ? usage() : { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 }
    response.setHeader('content-type', 'text/event-stream')
    const say = (data: object) => response.write(`data: ${JSON.stringify(data)}\n\n`)
    setTimeout(() => {
      say({ choices: [{ index: 0, delta: { role: 'assistant', content: 'done' } }] })
      say({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
      if (told) say({ choices: [], usage: told })
      response.end('data: [DONE]\n\n')
    }, 20)
    return undefined
  })
})
let url = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
})
afterAll(() => server.close())

const MODELS = `m:
  models:
    - name: m
      max_output: 300
      prices: {input: 1, output: 10}
`

function projectOf({
  agents,
  budget = '',
  budgets = '',
  models = MODELS,
}: {
  agents: number
  budget?: string
  budgets?: string
  models?: string
}): Project {
  const listed = Array.from({ length: agents }, (_, n) => `  - {name: a${n}, model_profile: m}`).join('\n')
  asked = 0
  billed = 0
  usage = undefined
  return makeProject({
    'config.yaml': `providers:\n  m: {type: openai-compatible, base_url: "${url}"}\nmodel_profiles:\n  m: {provider: m, model: m}\n${budgets}`,
    'models.yaml': models,
    'ensembles/crowd.yaml': `name: crowd\ndescription: many\n${budget}agents:\n${listed}\n`,
  })
}

const spentBy = (report: { readonly [key: string]: unknown }) => JSON.stringify(report)

describe('budgets of the real thing', () => {
  test('F22 U11 200 steps side by side against a budget for 37: no overshoot, at least 95 % of it used', async () => {
    const project = projectOf({ agents: 200, budget: 'budget: {max_cost: 0.074}\n' })
    const { status, code, run } = await call(project, 'run', { target: 'crowd', input: 'x' })
    expect({ status, code }).toEqual({ status: 'exhausted', code: 5 })
    const limit = 37 * CALL
    console.log(`    ${asked} of 37 calls that the budget pays for`)
    expect(billed).toBeLessThanOrEqual(limit)
    expect(billed).toBeGreaterThanOrEqual(0.95 * limit)
    expect(await call(project, 'runs replay', { run })).toMatchObject({ equal: true })
  })

  test('F22 the same with 8 processes on one store and a budget for the day', async () => {
    const project = projectOf({ agents: 8, budgets: 'budgets:\n  day: {max_cost: 0.074}\n' })
    const ends = await Promise.all(Array.from({ length: 8 }, () => runProgram(['run', 'crowd', 'x'], project)))
    expect(ends.map(({ code }) => code).every((code) => code === 5 || code === 0)).toBe(true)
    const limit = 37 * CALL
    console.log(`    8 processes: ${asked} of 37 calls that the budget pays for`)
    expect(billed).toBeLessThanOrEqual(limit)
    expect(billed).toBeGreaterThanOrEqual(0.95 * limit)
    const app = await createApp(project)
    const [day] = await readScopes(app)
    await app.close()
    expect(day).toMatchObject({ title: 'the day', spent: { settled: { cost: billed }, reserved: { cost: 0 } } })
  }, 60_000)

  test('a stream without usage is charged as it was held, and marked', async () => {
    const project = projectOf({ agents: 1, budget: 'budget: {max_cost: 1}\n' })
    usage = () => undefined
    const { run, status } = await call(project, 'run', { target: 'crowd', input: 'x' })
    expect(status).toBe('succeeded')
    const settled = await settledBy(project, run)
    expect(settled).toMatchObject([{ basis: 'reserved' }])
    expect(settled[0]?.amount.cost).toBeGreaterThan(3_000_000)
  })

  test('F23 a bill ten times too high is settled as it is, and no new call begins', async () => {
    const project = projectOf({ agents: 3, budget: 'budget: {max_cost: 0.01}\n' })
    usage = () => ({ prompt_tokens: 10_000, completion_tokens: 1_000, total_tokens: 11_000 })
    const { run, status } = await call(project, 'run', { target: 'crowd', input: 'x', max_concurrent: 1 })
    expect(status).toBe('exhausted')
    expect(asked).toBe(1)
    expect(await settledBy(project, run)).toMatchObject([{ basis: 'told', amount: { cost: 20_000_000 } }])
  })

  test('U13 a missing price is refused under a limit, unless that is allowed', async () => {
    const models = 'm:\n  models:\n    - name: m\n      max_output: 300\n'
    const refused = projectOf({ agents: 1, budget: 'budget: {max_cost: 1}\n', models })
    const end = await call(refused, 'run', { target: 'crowd', input: 'x' })
    expect(end.status).toBe('exhausted')
    expect(spentBy(end.report as never)).toContain('price_unknown')
    expect(asked).toBe(0)
    const allowed = projectOf({ agents: 1, budget: 'budget: {max_cost: 1, unpriced: allow}\n', models })
    expect((await call(allowed, 'run', { target: 'crowd', input: 'x' })).status).toBe('succeeded')
  })

  test('B19 a price for a million that was typed as one for a token is named, and pays for nothing', async () => {
    const models = 'm:\n  models:\n    - name: m\n      prices: {input: 3, output: 15, unit: per_token}\n'
    const project = projectOf({ agents: 1, budget: 'budget: {max_cost: 1}\n', models })
    const end = await call(project, 'run', { target: 'crowd', input: 'x' })
    expect(end.status).toBe('exhausted')
    expect(asked).toBe(0)
  })

  test('U19 at the limit a run asks, goes on cheaper, or finishes with what is there', async () => {
    const asks = await call(projectOf({ agents: 4, budget: 'budget: {max_calls: 2, on_limit: ask}\n' }), 'run', {
      target: 'crowd',
      input: 'x',
    })
    expect(asks).toMatchObject({ status: 'paused', asks: ['budget'], code: 4 })
    const finishes = await call(
      projectOf({ agents: 4, budget: 'budget: {max_calls: 3, on_limit: finish, model: m}\n' }),
      'run',
      {
        target: 'crowd',
        input: 'x',
      },
    )
    expect(finishes.status).toBe('exhausted')
    expect(asked).toBe(3)
    expect(spentBy(finishes.report as never)).toContain('Not finished:')
    const cheaper = projectOf({
      agents: 4,
      budget: 'budget: {max_cost: 0.0075, on_limit: cheaper, model: embedded/extractive}\n',
    })
    expect((await call(cheaper, 'run', { target: 'crowd', input: 'A whole sentence to quote.' })).status).toBe(
      'succeeded',
    )
    expect(billed).toBeLessThanOrEqual(7_500_000)
  })

  test('U19 an ensemble that is found only at run time goes on cheaper, too', async () => {
    const project = projectOf({ agents: 4 })
    writeFileSync(
      join(project.cwd, '.llm-orc/ensembles/desk.yaml'),
      'name: desk\ndescription: asks\nbudget: {max_calls: 10, max_cost: 0.0075, on_limit: cheaper, model: embedded/extractive}\n' +
        `agents:\n  - {name: ask, dispatch: '"crowd"'}\n`,
    )
    const end = await call(project, 'run', { target: 'desk', input: 'A whole sentence to quote.' })
    expect(end.status).toBe('succeeded')
    expect(billed).toBeGreaterThan(0)
    expect(billed).toBeLessThanOrEqual(7_500_000)
  })

  test('U19 an ensemble inside another goes on with its own cheaper model, dispatched or not', async () => {
    for (const work of ['ensemble: crowd', `dispatch: '"crowd"'`]) {
      const project = projectOf({
        agents: 4,
        budget: 'budget: {max_cost: 0.0075, on_limit: cheaper, model: embedded/extractive}\n',
      })
      const file = join(project.cwd, '.llm-orc/ensembles/desk.yaml')
      writeFileSync(file, `name: desk\ndescription: asks\nagents:\n  - {name: ask, ${work}}\n`)
      const end = await call(project, 'run', { target: 'desk', input: 'A whole sentence to quote.' })
      expect(end.status).toBe('succeeded')
      expect(billed).toBeGreaterThan(0)
      expect(billed).toBeLessThanOrEqual(7_500_000)
    }
  }, 30_000)

  test.each([
    ['an ensemble', 'ensemble: crowd', 'Result of a1'],
    ['a dispatched one', `dispatch: '"crowd"'`, 'Result of a1'],
    ['the body of a loop', 'loop: {body: crowd, max_iterations: 2}', 'Result of inner#1/a1'],
  ])('U19 %s finishes with what is there, and what is around it goes on', async (_, work, material) => {
    const project = projectOf({ agents: 4, budget: 'budget: {max_calls: 3, on_limit: finish, model: m}\n' })
    const file = join(project.cwd, '.llm-orc/ensembles/desk.yaml')
    const agents = [
      `{name: inner, ${work}}`,
      '{name: after, model_profile: m, depends_on: [inner], when: steps.inner.partial}',
    ]
    writeFileSync(file, `name: desk\ndescription: asks\nagents:\n${agents.map((each) => `  - ${each}\n`).join('')}`)
    const end = await call(project, 'run', { target: 'desk', input: 'x' })
    expect(end).toMatchObject({ status: 'exhausted', code: 5 })
    expect(asked).toBe(4)
    expect(bodies.at(-2)).toContain(material)
    expect(bodies.at(-1)).toContain('Not finished:')
    expect(await call(project, 'runs replay', { run: end.run })).toMatchObject({ equal: true })
    const { total } = (await call(project, 'quote', { target: 'desk', input: 'x' })) as unknown as {
      readonly total: { readonly worst: { readonly calls: number } }
    }
    if (!work.startsWith('dispatch')) expect(total.worst.calls).toBeLessThanOrEqual(3 + 3 * 32)
  })

  test('U19 an ensemble inside another asks about its own budget, and a yes lets it go on', async () => {
    const project = projectOf({ agents: 4, budget: 'budget: {max_calls: 2, on_limit: ask}\n' })
    const file = join(project.cwd, '.llm-orc/ensembles/desk.yaml')
    writeFileSync(
      file,
      'name: desk\ndescription: asks\nagents:\n  - {name: inner, ensemble: crowd}\n  - {name: other, model_profile: m}\n',
    )
    const rest = await call(project, 'run', { target: 'desk', input: 'x' })
    expect(rest).toMatchObject({ status: 'paused', asks: ['budget:inner'], code: 4 })
    expect(asked).toBe(3)
    const end = await call(project, 'approvals give', { run: rest.run, ask: 'budget:inner' })
    expect(end).toMatchObject({ status: 'succeeded' })
    expect(asked).toBe(5)
  })

  test('what a budget says in vain inside another ensemble is said with its place', async () => {
    const project = projectOf({ agents: 1, budget: 'budget: {max_seconds: 9, on_limit: finish, unpriced: allow}\n' })
    const file = join(project.cwd, '.llm-orc/ensembles/desk.yaml')
    writeFileSync(file, 'name: desk\ndescription: asks\nagents:\n  - {name: ask, ensemble: crowd}\n')
    const place = { severity: 'warning', file: expect.stringContaining('crowd.yaml'), line: 3 }
    const problems = [
      { ...place, column: 26 },
      { ...place, column: 44 },
    ]
    expect(await call(project, 'ensembles check', { name: 'desk' })).toMatchObject({ problems })
    expect(await call(project, 'run', { target: 'desk', input: 'x' })).toMatchObject({ warnings: problems })
  })

  test('five ensembles inside each other run under a budget that finishes, too', async () => {
    const project = projectOf({ agents: 1 })
    for (const n of [0, 1, 2, 3, 4])
      writeFileSync(
        join(project.cwd, `.llm-orc/ensembles/t${n}.yaml`),
        `name: t${n}\ndescription: asks\n${n === 0 ? 'budget: {max_calls: 9, on_limit: finish, model: m}\n' : ''}` +
          `agents:\n  - {name: down, ensemble: ${n === 4 ? 'crowd' : `t${n + 1}`}}\n`,
      )
    expect(await call(project, 'run', { target: 't0', input: 'x' })).toMatchObject({ status: 'succeeded' })
  })

  test('F15 a loop that runs dry: its last whole round is in the answer, and the step that is missing is named', async () => {
    const project = projectOf({ agents: 0 })
    writeFileSync(
      join(project.cwd, '.llm-orc/ensembles/desk.yaml'),
      'name: desk\ndescription: asks\nbudget: {max_calls: 4, on_limit: finish, model: m}\nagents:\n' +
        '  - name: improve\n    loop:\n      max_iterations: 9\n      body:\n' +
        '        - {name: writer, model_profile: m}\n        - {name: critic, model_profile: m, depends_on: [writer]}\n',
    )
    const end = await call(project, 'run', { target: 'desk', input: 'x' })
    expect(end.status).toBe('exhausted')
    expect(asked).toBe(4)
    expect(bodies.at(-1)).toContain('Result of improve#1/critic')
    expect(bodies.at(-1)).toContain('Result of improve#2/writer')
    expect(spentBy(end.report as never)).toContain('- improve#2/critic (budget_exhausted)')
    expect(await call(project, 'runs replay', { run: end.run })).toMatchObject({ equal: true })
  })

  test('U12 what a process that is gone has held is shown as that, and nothing is written by looking', async () => {
    const project = projectOf({ agents: 1, budgets: 'budgets:\n  day: {max_cost: 0.074}\n' })
    const app = await createApp(project)
    const { journal } = await app.openJournal()
    const stream = `scope/all-${new Date().toISOString().slice(0, 10)}`
    const amount = { cost: CALL, tokens: 1_300 }
    // No process has so high a number.
    const owner = { id: 'x', host: hostname(), pid: 2 ** 30, born: null }
    const record = { what: 'reserved', id: 'r|a|1', owner, amount, at: Date.now() }
    await journal.append([{ stream, expected: 'new', records: [record] }])
    await app.close()
    for (const _ of [1, 2])
      expect(await call(project, 'budgets list', {})).toMatchObject({
        budgets: [{ reserved: amount, settled: { cost: 0 }, gone: { ...amount, calls: 1 } }],
      })
    const shown = await runProgram(['budgets', 'list'], project)
    expect(shown.stdout).toMatch(/BY PROCESSES THAT ARE GONE/i)
    expect(shown.stderr).toContain('charged as soon as the budget is needed')
  })

  test('the smaller of two budgets holds, and what the caller says comes first', async () => {
    const project = projectOf({
      agents: 4,
      budget: 'budget: {max_calls: 3}\n',
      budgets: 'budgets:\n  run: {max_calls: 2}\n',
    })
    await call(project, 'run', { target: 'crowd', input: 'x' })
    expect(asked).toBe(2)
    await call(project, 'run', { target: 'crowd', input: 'x', max_calls: 1 })
    expect(asked).toBe(3)
  })
})

async function settledBy(project: Project, run: string) {
  const { requireRun } = await import('../../src/app/runs.ts')
  const app = await createApp(project)
  const events = await requireRun(app, run)
  await app.close()
  return events.flatMap((event) => (event.type === 'budget-settled' ? [event.data] : []))
}
