import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../events/values.ts'
import { addCheaper } from './cheaper.ts'
import type { Ensemble } from './ensemble.ts'
import { compileEnsemble } from './ensemble-compile.ts'
import { parseEnsemble } from './ensemble-parse.ts'
import type { Lookup } from './lookup.ts'
import type { GraphStep, StepGraph } from './step-graph.ts'

const model = (name: string) => ({ provider: 'p', model: name })
const cheap = { ...model('cheap'), only_for: 'budget' }

test('every list of models ends with the cheaper one: agents, planners, voters, judges and what is inside', () => {
  const specs: readonly (readonly [string, JsonObject, JsonObject])[] = [
    ['agent', { candidates: [model('a')] }, { candidates: [model('a'), cheap] }],
    ['plan', { planner: [model('a')] }, { planner: [model('a'), cheap] }],
    [
      'assemble',
      { voters: [[model('a')], [model('b'), model('c')]] },
      {
        voters: [
          [model('a'), cheap],
          [model('b'), model('c'), cheap],
        ],
      },
    ],
    ['dispatch', { ensemble: 'input' }, { ensemble: 'input', cheaper: cheap }],
    ['script', { candidates: ['no', 'models'] }, { candidates: ['no', 'models'] }],
  ]
  const stepsOf = (at: 1 | 2) => specs.map((each): GraphStep => ({ id: each[0], kind: each[0], spec: each[at] }))
  const nest = (at: 1 | 2): GraphStep => ({
    id: 'nest',
    kind: 'nested',
    spec: { ensemble: 'inner', graph: { name: 'inner', steps: stepsOf(at) } } as unknown as JsonObject,
  })
  const done = addCheaper({ name: 'g', steps: [...stepsOf(1), nest(1)] }, model('cheap'))
  expect(done).toEqual({ name: 'g', steps: [...stepsOf(2), nest(2)] })
})

describe('an ensemble inside another', () => {
  const inner = (budget: string) =>
    `name: inner\ndescription: d\nbudget: {${budget}}\nagents:\n  - {name: a, model_profile: p}\n`
  const twice = '  - {name: x, ensemble: inner}\n  - {name: y, ensemble: inner}\n'
  const compile = (budget: string, agents = twice) => {
    const lookup: Lookup = {
      profile: (name) => (name === 'p' ? { name, provider: 'scripted', model: 'm' } : undefined),
      defaultProfile: () => ({ name: 'p', provider: 'scripted', model: 'm' }),
      script: () => undefined,
      role: () => undefined,
      budgetModel: (name) =>
        name === undefined || name === 'small'
          ? { provider: 'p', model: name ?? 'usual' }
          : { code: 'profile_missing', message: `no ${name}` },
      ensemble: () => {
        const { ensemble } = parseEnsemble(inner(budget), 'inner.yaml')
        return ensemble ? { ensemble: (read ??= ensemble), lookup } : { code: 'not_found', message: 'there is none' }
      },
    }
    let read: Ensemble | undefined
    const { ensemble } = parseEnsemble(`name: outer\ndescription: d\nagents:\n${agents}`, 'outer.yaml')
    return compileEnsemble(ensemble as Ensemble, lookup)
  }

  test('goes on with its own cheaper model', () => {
    const { graph, problems } = compile('max_cost: 1, on_limit: cheaper, model: small')
    expect(problems).toEqual([])
    const spec = {
      graph: { steps: [{ spec: { candidates: [{ model: 'm' }, { model: 'small', only_for: 'budget' }] } }] },
    }
    expect(graph?.steps).toMatchObject([
      { id: 'x', spec, budget: { max_cost: 1e9 } },
      { id: 'y', spec },
    ])
  })

  test('finishes by itself: the step has its limits and keeps back a part of them', () => {
    const { graph, problems } = compile('max_tokens: 1000, on_limit: finish, wrap_up: 0.3, model: small')
    expect(problems).toEqual([])
    const finish = { ensemble: 'inner', limits: { max_tokens: 700 }, candidates: [{ model: 'small' }] }
    expect(graph?.steps).toMatchObject([
      { id: 'x', kind: 'graceful', budget: { max_tokens: 1000 }, spec: { ...finish, graph: { steps: [{ id: 'a' }] } } },
      { id: 'y', kind: 'graceful' },
    ])
    const [step] =
      compile('max_tokens: 1000, on_limit: finish', '  - {name: x, ensemble: inner, budget: {max_tokens: 500}}\n').graph
        ?.steps ?? []
    expect(step).toMatchObject({ budget: { max_tokens: 500 }, spec: { limits: { max_tokens: 400 } } })
    expect(step?.spec['candidates']).toMatchObject([{ model: 'usual' }])
  })

  test('finishes a loop once, not each of its rounds', () => {
    const loop =
      '  - {name: x, loop: {body: inner, until: "false", max_iterations: 3}, depends_on: [y], input_scope: dependencies}\n  - {name: y, model_profile: p}\n'
    const { graph, problems } = compile('max_calls: 5, on_limit: finish', loop)
    expect(problems).toEqual([])
    expect(graph?.steps[0]).toMatchObject({
      id: 'x',
      kind: 'graceful',
      budget: { max_calls: 5 },
      after: [{ step: 'y' }],
      spec: {
        limits: { max_calls: 4 },
        rules: { input_scope: 'dependencies' },
        graph: { steps: [{ id: 'x', kind: 'loop', spec: { max_iterations: 3 } }] },
      },
    })
    const inner = (graph?.steps[0]?.spec['graph'] as unknown as StepGraph | undefined)?.steps[0]
    expect(inner).not.toHaveProperty('budget')
    expect(inner?.spec).not.toHaveProperty('rules')
  })

  test('asks about its own budget, and has its own word on models without a price', () => {
    const { graph, problems } = compile('max_cost: 1, on_limit: ask, unpriced: allow')
    expect(problems).toEqual([])
    const budget = { max_cost: 1e9, on_limit: 'ask', unpriced: 'allow' }
    expect(graph?.steps).toMatchObject([
      { id: 'x', kind: 'nested', budget },
      { id: 'y', kind: 'nested', budget },
    ])
  })

  test('its words are about its own limits, not about those of the agent that runs it', () => {
    const run = (budget: string) => `  - {name: x, ensemble: inner, budget: {${budget}}}\n`
    const budget = { max_calls: 5, on_limit: 'ask', within: { max_calls: 2 } }
    const asking = compile('max_calls: 5, on_limit: ask', run('max_calls: 2, max_seconds: 3'))
    expect(asking.graph?.steps).toMatchObject([{ budget, timeout_ms: 3_000 }])
    const plain = compile('max_calls: 5', run('max_calls: 2')).graph?.steps[0]
    expect(plain?.budget).toEqual({ max_calls: 2 })
    const finishing = compile('max_cost: 5, on_limit: finish, unpriced: allow', run('max_cost: 2'))
    expect(finishing.graph?.steps).toMatchObject([
      {
        budget: { max_cost: 5e9, unpriced: 'allow', within: { max_cost: 2e9 } },
        spec: { limits: { max_cost: 1.6e9, unpriced: 'allow' } },
      },
    ])
  })

  test('what has no effect there is said once, with its place', () => {
    const { graph, problems } = compile('max_calls: 3, on_limit: stop, wrap_up: 0.3, unpriced: allow, model: small')
    expect(graph).toBeDefined()
    const place = { code: 'unknown_key', severity: 'warning', file: 'inner.yaml', line: 3 }
    expect(problems).toMatchObject([
      { ...place, column: 40, message: expect.stringContaining('"wrap_up: 0.3"') },
      { ...place, column: 54, message: expect.stringContaining('"unpriced: allow"') },
      { ...place, column: 71, message: expect.stringContaining('"model: small"') },
    ])
    expect(compile('max_calls: 3, on_limit: stop').problems).toEqual([])
    for (const policy of ['ask', 'finish'])
      expect(compile(`max_seconds: 9, on_limit: ${policy}`).problems).toMatchObject([
        { message: expect.stringContaining(`"on_limit: ${policy}"`), hint: expect.stringContaining('max_calls') },
      ])
    expect(compile('max_calls: 3, on_limit: cheaper').problems).toMatchObject([{ severity: 'warning' }])
    expect(compile('on_limit: cheaper, model: gone')).toMatchObject({
      problems: [{ code: 'profile_missing', line: 3 }],
    })
  })
})
