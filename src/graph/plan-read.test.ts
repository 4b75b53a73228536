import { expect, test } from 'vitest'
import type { Json } from '../events/values.ts'
import { repairJson } from './json-repair.ts'
import { chain, MEANS, task } from './plan.fixture.ts'
import { levelsOf } from './plan.ts'
import { parsePlan, readPlan } from './plan-read.ts'

const codes = (data: Json, means = MEANS) => readPlan(data, means).problems.map(({ code }) => code)
const messages = (data: Json) => readPlan(data, MEANS).problems.map(({ message }) => message)

const GRAPH = {
  tasks: [
    {
      id: 'a',
      type: 'generate',
      description: 'Write.',
      requirements: { capability: 'text-generation', min_quality: 0.7 },
      quality_criteria: ['non-empty'],
    },
    task('b', { type: 'synthesize', quality_criteria: ['coherent', 'min-length-100'] }),
  ],
  edges: [{ from: 'a', to: 'b', join: 'all' }],
}

test('what a plan leaves out gets its defaults, and a complete plan stays as it is', () => {
  const { plan, problems } = readPlan({ tasks: [task('t1')] }, MEANS)
  expect(problems).toEqual([])
  expect(plan).toEqual({
    tasks: [
      {
        id: 't1',
        type: 'generate',
        description: 'do t1',
        requirements: { capability: 'text-generation', min_quality: 0.7 },
        quality_criteria: ['non-empty'],
      },
    ],
    edges: [],
  })
  const whole = readPlan(GRAPH, MEANS).plan as unknown as Json
  expect(whole).toMatchObject(GRAPH)
  expect(readPlan(whole, MEANS).plan).toEqual(whole)
})

test.each([
  ['in fences', (text: string) => `\`\`\`json\n${text}\n\`\`\``],
  ['inside prose', (text: string) => `Sure! Here is the plan:\n\n${text}\n\nLet me know.`],
  ['with trailing commas', (text: string) => text.replace(/}\]/, '},]').replace(/\]}$/, '],}')],
  ['without its last braces', (text: string) => text.replace(/\]}$/, '')],
])('a plan %s is read', (_, dress) => {
  const read = repairJson(dress(JSON.stringify(GRAPH)))
  expect(read.ok && readPlan(read.value, MEANS).plan?.tasks.map(({ id }) => id)).toEqual(['a', 'b'])
})

test('numbers that count tasks, doubled edges and harmless keys are put up with', () => {
  const { plan, problems } = readPlan(
    {
      tasks: [
        { id: 1, description: 'one', title: 'One' },
        { id: 2, description: 'two', tools: [] },
      ],
      edges: [
        { from: 1, to: 2, join: 'any' },
        { from: '1', to: '2' },
      ],
    },
    MEANS,
  )
  expect(plan?.edges).toEqual([{ from: '1', to: '2', join: 'all' }])
  expect(problems).toMatchObject([{ code: 'unknown_key', severity: 'warning' }])
})

test.each([
  ['linear', chain('t1', 't2', 't3'), [['t1'], ['t2'], ['t3'], ['t4']].slice(0, 3)],
  ['parallel', [], [['t1', 't2', 't3', 't4']]],
  [
    'diamond',
    [
      ['t1', 't2'],
      ['t1', 't3'],
      ['t2', 't4'],
      ['t3', 't4'],
    ],
    [['t1'], ['t2', 't3'], ['t4']],
  ],
  [
    'two roots',
    [
      ['t1', 't3'],
      ['t2', 't3'],
    ],
    [['t1', 't2'], ['t3']],
  ],
])('levels of a %s plan', (_, given, levels) => {
  const edges = (given as readonly Json[]).map((edge) => (Array.isArray(edge) ? { from: edge[0], to: edge[1] } : edge))
  const ids = [...new Set(levels.flat())].sort()
  const { plan } = readPlan({ tasks: ids.map((id) => task(id)), edges: edges as Json }, MEANS)
  expect(plan && levelsOf(plan)).toEqual(levels)
})

test('a file has places', () => {
  const { problems } = parsePlan(
    'tasks:\n  - id: a\n    description: Go.\nedges:\n  - from: a\n    to: b\n',
    MEANS,
    'p.yaml',
  )
  expect(problems).toMatchObject([{ code: 'dependency_unknown', file: 'p.yaml', line: 6, column: 9 }])
  expect(parsePlan('tasks: [\n', MEANS, 'p.yaml').problems[0]).toMatchObject({ code: 'yaml_invalid' })
  expect(parsePlan(JSON.stringify(GRAPH), MEANS).plan?.tasks).toHaveLength(2)
})

const many = (count: number) => Array.from({ length: count }, (_, index) => task(`t${index}`))
const nested = (depth: number): Json => (depth === 0 ? 'deep' : [nested(depth - 1)])

/** Plans as somebody who means harm would write them; each with the code of its refusal and a word of the reason. */
const HOSTILE: readonly [string, Json, string, string][] = [
  [
    'two tasks wait for each other',
    { tasks: [task('a'), task('b')], edges: chain('a', 'b', 'a') },
    'dependency_cycle',
    'a -> b -> a',
  ],
  ['three in a circle', { tasks: many(3), edges: chain('t0', 't1', 't2', 't0') }, 'dependency_cycle', 'circle'],
  ['one waits for itself', { tasks: [task('a')], edges: chain('a', 'a') }, 'dependency_cycle', 'a -> a'],
  ['500 tasks', { tasks: many(500) }, 'plan_too_large', '500 tasks; at most 20'],
  [
    '100,000 edges',
    { tasks: many(2), edges: Array(100_000).fill({ from: 't0', to: 't1' }) },
    'plan_too_large',
    '100000 edges',
  ],
  [
    '20 tasks in a row',
    { tasks: many(20), edges: chain(...many(20).map(({ id }) => String(id))) },
    'plan_too_large',
    'in a row',
  ],
  [
    'an unknown provider',
    { tasks: [task('a', { requirements: { provider: 'evil-corp' } })] },
    'provider_unknown',
    'evil-corp',
  ],
  ['an unknown profile', { tasks: [task('a', { requirements: { profile: 'root' } })] }, 'profile_missing', 'root'],
  [
    'a model the run does not offer',
    { tasks: [task('a', { requirements: { model: 'gpt-huge' } })] },
    'plan_rights',
    'more than this run grants',
  ],
  [
    'a model under another provider',
    { tasks: [task('a', { requirements: { provider: 'ollama', model: 'small' } })] },
    'plan_rights',
    '"ollama" "small"',
  ],
  ['tools', { tasks: [task('a', { tools: ['bash'] })] }, 'plan_rights', '"tools"'],
  ['a script under another spelling', { tasks: [task('a', { 'Run-Code': 'rm -rf /' })] }, 'plan_rights', '"Run-Code"'],
  [
    'rights among its requirements',
    { tasks: [task('a', { requirements: { baseUrl: 'http://example.test' } })] },
    'plan_rights',
    '"baseUrl"',
  ],
  ['rights for the whole plan', { tasks: [task('a')], permissions: { network: true } }, 'plan_rights', '"permissions"'],
  ['a system prompt of its own', { tasks: [task('a', { system_prompt: 'obey' })] }, 'plan_rights', '"system_prompt"'],
  ['a task that is a script', { tasks: [task('a', { type: 'script' })] }, 'plan_rights', '"script"'],
  [
    'an unknown capability',
    { tasks: [task('a', { requirements: { capability: 'telepathy' } })] },
    'capability_unknown',
    'telepathy',
  ],
  [
    'a criterion nobody can check',
    { tasks: [task('a', { quality_criteria: ['is-true'] })] },
    'check_unknown',
    'is-true',
  ],
  ['an id that climbs', { tasks: [task('../../etc/passwd')] }, 'name_refused', 'path separator'],
  ['an id with the signs of steps', { tasks: [task('a[3]')] }, 'name_refused', '[ ]'],
  ['the id of the planner itself', { tasks: [task('Planner')] }, 'name_refused', 'the planner itself'],
  ['an id that hides', { tasks: [task('a\u202eb')] }, 'name_refused', 'invisible'],
  ['the same id twice', { tasks: [task('a'), task('a')] }, 'name_duplicate', '"a"'],
  ['the same id in other letters', { tasks: [task('Caf\u00e9'), task('cafe\u0301')] }, 'name_duplicate', 'two tasks'],
  ['a long id', { tasks: [task('x'.repeat(5_000))] }, 'plan_invalid', '5000 characters'],
  ['a huge text', { tasks: [task('a', { description: 'x'.repeat(1_000_000) })] }, 'plan_invalid', '1000000 characters'],
  ['a dangling edge', { tasks: [task('a')], edges: chain('a', 'ghost') }, 'dependency_unknown', 'no task "ghost"'],
  [
    'a description that is no text',
    { tasks: [{ id: 'a', description: nested(150) }] },
    'plan_invalid',
    'should be text',
  ],
  ['no tasks', { tasks: [] }, 'plan_invalid', 'no tasks'],
  ['no tasks key', { steps: [] }, 'plan_invalid', 'has no tasks'],
  ['a list', [task('a')], 'plan_invalid', 'a list'],
  ['tasks that are no list', { tasks: { a: 1 } }, 'plan_invalid', 'should be a list'],
  ['tasks that are no maps', { tasks: ['a', null, 3] }, 'plan_invalid', 'tasks[0]'],
  ['edges hidden in tasks', { tasks: [task('a'), task('b', { depends_on: ['a'] })] }, 'plan_invalid', 'edges'],
  [
    'an unknown join',
    { tasks: many(2), edges: [{ from: 't0', to: 't1', join: 'none' }] },
    'plan_invalid',
    'all or any',
  ],
  ['a quality beyond measure', { tasks: [task('a', { requirements: { min_quality: 7 } })] }, 'plan_invalid', '0 to 1'],
  [
    'criteria without end',
    { tasks: [task('a', { quality_criteria: Array(1_000).fill('coherent') })] },
    'plan_invalid',
    'at most 20',
  ],
]

test.each(HOSTILE)('hostile: %s is refused with its reason', (_, plan, code, reason) => {
  const read = readPlan(plan, MEANS)
  expect(read.plan).toBeUndefined()
  expect(read.problems).toContainEqual(expect.objectContaining({ code, message: expect.stringContaining(reason) }))
  expect(read.problems.length).toBeLessThanOrEqual(30)
  for (const { message, hint = '' } of read.problems) expect(message.length + hint.length).toBeLessThan(1_000)
})

test('keys with a meaning for the language are refused or stay plain', () => {
  const prototype = repairJson('{"tasks": [{"id": "a", "description": "x", "__proto__": {"tools": ["bash"]}}]}')
  expect(prototype).toEqual({ ok: false, message: expect.stringContaining('__proto__') })
  for (const key of ['constructor', 'toString', 'hasOwnProperty']) {
    expect(codes({ tasks: [task('a', { requirements: { capability: key } })] })).toEqual(['capability_unknown'])
    expect(codes({ tasks: [task('a')], edges: chain('a', key) })).toEqual(['dependency_unknown'])
  }
  expect(codes({ tasks: [task('a', { constructor: 1 })] })).toEqual(['unknown_key'])
})

test('every mistake is named, not only the first', () => {
  const found = codes({
    tasks: [task('a', { tools: ['x'] }), task('a', { quality_criteria: ['y'] }), { id: 'c' }],
    edges: [...(chain('c', 'ghost') as Json[]), { from: 'c' }],
  })
  expect(found.sort()).toEqual(
    ['check_unknown', 'dependency_unknown', 'name_duplicate', 'plan_invalid', 'plan_invalid', 'plan_rights'].sort(),
  )
  expect(messages({ tasks: [{ id: 'c' }] })).toEqual(['tasks[0].description is missing'])
})
