import { expect, test } from 'vitest'
import type { JsonObject } from '../events/values.ts'
import { addCheaper } from './cheaper.ts'
import type { GraphStep } from './step-graph.ts'

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
