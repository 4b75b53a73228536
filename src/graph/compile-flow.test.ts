import { describe, expect, test } from 'vitest'
import type { AgentSpec } from './agent-spec.ts'
import { checkGraph } from './check-graph.ts'
import type { EachSpec, LoopSpec, NestedSpec } from './composite.ts'
import { compileEnsemble } from './ensemble-compile.ts'
import { parseEnsemble } from './ensemble-parse.ts'
import { printEnsemble } from './ensemble-print.ts'
import type { Lookup } from './lookup.ts'
import type { GraphStep } from './step-graph.ts'
import type { VerifiedSpec } from './verify.ts'

const FILES: { readonly [name: string]: string } = {
  child: around('name: up, script: x', 'name: down, script: x, depends_on: [up]'),
  broken: around('name: up, script: gone'),
}

const lookup: Lookup = {
  profile: (name) => (name === 'p' ? { name, provider: 'scripted', model: 'm', timeout_seconds: 7 } : undefined),
  defaultProfile: () => ({ name: 'house', provider: 'ollama', model: 'default-model' }),
  script: (reference) =>
    reference === 'gone' ? { type: 'missing', searched: [] } : { type: 'inline', text: reference },
  role: () => undefined,
  ensemble: (name) => {
    const text = FILES[name]
    const { ensemble } = text === undefined ? {} : parseEnsemble(text, `${name}.yaml`)
    return ensemble ? { ensemble, lookup } : { code: 'not_found', message: 'there is none', hint: 'There are: child.' }
  },
}

function around(...agents: string[]): string {
  return `name: e\ndescription: d\nagents:\n${agents.map((agent) => `- {${agent}}`).join('\n')}\n`
}

function compile(text: string, more: Partial<Lookup> = {}) {
  const { ensemble, problems } = parseEnsemble(text, 'e.yaml')
  if (!ensemble) throw new Error(JSON.stringify(problems))
  return compileEnsemble(ensemble, { ...lookup, ...more })
}

function stepsOf(text: string, more: Partial<Lookup> = {}): readonly GraphStep[] {
  const { graph, problems } = compile(text, more)
  expect(problems).toEqual([])
  expect(graph && checkGraph(graph)).toEqual([])
  return graph?.steps ?? []
}

/** The settings of a step that must be there. */
function specOf<Spec>(step: GraphStep | undefined): Spec {
  if (!step) throw new Error('there is no such step')
  return step.spec as Spec
}

const first = 'name: a, script: x'
const after = [{ step: 'a', on: 'always' }]

describe('conditions', () => {
  test('a step before the step, with the same dependencies, and an edge on its verdict', () => {
    const [, gate, gated] = stepsOf(
      around(first, 'name: b, script: x, depends_on: [{step: a, on: success}], when: "${a.go}", timeout_seconds: 2'),
    )
    const success = { step: 'a', on: 'success' }
    expect(gate).toEqual({
      id: 'b/when',
      kind: 'condition',
      spec: { expression: 'truthy(steps.a.output.?go.orValue(null))' },
      after: [success],
    })
    expect(gated).toMatchObject({
      id: 'b',
      kind: 'script',
      timeout_ms: 2000,
      after: [success, { step: 'b/when', on: 'verdict' }],
    })
  })

  test('without dependencies', () => {
    const [gate, gated] = stepsOf(around('name: b, script: x, when: input != ""'))
    expect(gate).toEqual({ id: 'b/when', kind: 'condition', spec: { expression: 'input != ""' } })
    expect(gated?.after).toEqual([{ step: 'b/when', on: 'verdict' }])
  })
})

describe('items', () => {
  test('the wrapper has name, edges, rules and time; retry and on_unknown stay inside', () => {
    const [, step] = stepsOf(
      around(
        first,
        'name: b, script: x, depends_on: [a], fan_out: true, input_key: items, input_scope: dependencies, max_parallel: 4, retry: 2, on_unknown: fail, safety: pure, timeout_seconds: 9',
      ),
    )
    expect(step).toEqual({
      id: 'b',
      kind: 'each',
      after,
      timeout_ms: 9000,
      spec: {
        width: 4,
        rules: { input_key: 'items', input_scope: 'dependencies' },
        step: {
          id: 'b',
          kind: 'script',
          retry: { attempts: 2 },
          on_unknown: 'fail',
          spec: expect.not.objectContaining({ rules: expect.anything() }),
        },
      },
    })
  })

  test('an expression, an older reference, a list in the file', () => {
    const [, cel, older, list] = stepsOf(
      around(
        first,
        'name: b, script: x, depends_on: [a], for_each: {in: steps.a.output.list, width: 2}',
        'name: c, script: x, depends_on: [a], for_each: "${a.list}"',
        'name: d, script: x, for_each: [1, {two: "zwei"}]',
      ),
    )
    expect(cel?.spec).toMatchObject({ over: 'steps.a.output.list', width: 2 })
    expect(older?.spec).toMatchObject({ over: 'steps.a.output.?list.orValue(null)' })
    expect(specOf<EachSpec>(list).over).toBe('[1,{"two":"zwei"}]')
  })

  test('each item of a model has the time of its profile; a condition gates the whole', () => {
    const steps = stepsOf(around(first, 'name: b, model_profile: p, depends_on: [a], fan_out: true, when: input != ""'))
    expect(steps.map(({ id, kind }) => [id, kind])).toEqual([
      ['a', 'script'],
      ['b/when', 'condition'],
      ['b', 'each'],
    ])
    expect(steps[2]).not.toHaveProperty('timeout_ms')
    expect(steps[2]?.spec).toMatchObject({ step: { kind: 'agent', timeout_ms: 7000 } })
  })
})

describe('loops', () => {
  test('agents as a body', () => {
    const [step] = stepsOf(
      around(
        'name: l, loop: {body: [{name: c, script: x}, {name: d, script: x, depends_on: [c], when: steps.c.output.go}], until: "${d.done}", carry: steps.d.output, max_iterations: 5}, timeout_seconds: 60',
      ),
    )
    const spec = specOf<LoopSpec>(step)
    expect(step).toMatchObject({ id: 'l', kind: 'loop', timeout_ms: 60_000 })
    expect(spec).toMatchObject({
      until: 'truthy(steps.d.output.?done.orValue(null))',
      carry: 'steps.d.output',
      max_iterations: 5,
    })
    expect(spec.body.steps.map(({ id }) => id)).toEqual(['c', 'd/when', 'd'])
  })

  test('an ensemble as a body; its agents are what until may name', () => {
    const [step] = stepsOf(around('name: l, loop: {body: child, until: steps.down.output.ok, max_iterations: 2}'))
    expect(specOf<LoopSpec>(step).body.steps.map(({ id }) => id)).toEqual(['up', 'down'])
    const { problems } = compile(around('name: l, loop: {body: child, until: steps.dawn.output.ok, max_iterations: 2}'))
    expect(problems).toMatchObject([
      {
        code: 'condition_invalid',
        line: 4,
        hint: 'Did you mean "down"?',
        message: expect.stringContaining('loop.until of "l"'),
      },
    ])
  })
})

describe('other ensembles', () => {
  test('their graph stands inside', () => {
    const [, step] = stepsOf(
      around(first, 'name: n, ensemble: child, depends_on: [a], input_key: text, timeout_seconds: 5'),
    )
    const spec = specOf<NestedSpec & { rules: unknown }>(step)
    expect(step).toMatchObject({ id: 'n', kind: 'nested', after, timeout_ms: 5000 })
    expect(spec).toMatchObject({ ensemble: 'child', rules: { input_key: 'text' } })
    expect(spec.graph.steps).toMatchObject([{ id: 'up' }, { id: 'down', after: [{ step: 'up', on: 'always' }] }])
  })

  test('one that does not exist, in a loop too', () => {
    const { graph, problems } = compile(
      around('name: n, ensemble: chidl', 'name: l, loop: {body: none, carry: input, max_iterations: 2}'),
    )
    expect(graph).toBeUndefined()
    expect(problems).toMatchObject([
      {
        code: 'ensemble_missing',
        line: 4,
        column: 23,
        message: '"n" cannot run "chidl": there is none',
        hint: 'There are: child.',
      },
      { code: 'ensemble_missing', line: 5, column: 26 },
    ])
  })

  test('what is wrong inside is said once, in its own file', () => {
    const { problems } = compile(around('name: n, ensemble: broken', 'name: m, ensemble: broken'), {
      ensemble: cache(lookup),
    })
    expect(problems).toMatchObject([{ code: 'script_missing', file: 'broken.yaml', line: 4 }])
  })

  test('dispatch', () => {
    const [, step] = stepsOf(
      around(first, 'name: d, dispatch: "${a.target}", depends_on: [a], input_scope: dependencies'),
    )
    expect(step).toEqual({
      id: 'd',
      kind: 'dispatch',
      after,
      spec: { ensemble: 'steps.a.output.?target.orValue(null)', rules: { input_scope: 'dependencies' } },
    })
  })
})

describe('what agents say and see', () => {
  test('templates, schemas and rules reach the agent', () => {
    const [, step] = stepsOf(
      around(
        first,
        'name: b, model_profile: p, depends_on: [a], template: "Q: {{ input }}", output_schema: {type: object}, input_key: q',
      ),
    )
    expect(specOf<AgentSpec>(step)).toMatchObject({
      template: { prompt: 'Q: {{ input }}' },
      output_schema: { type: 'object' },
      rules: { input_key: 'q' },
    })
  })

  test('verify stands around the agent, inside the items', () => {
    const [, step] = stepsOf(
      around(
        first,
        'name: b, model_profile: p, depends_on: [a], fan_out: true, timeout_seconds: 9, verify: [non-empty]',
      ),
    )
    expect(step).toMatchObject({ id: 'b', kind: 'each', timeout_ms: 9000 })
    const { step: inner } = specOf<EachSpec>(step)
    expect(inner).toMatchObject({ id: 'b', kind: 'verified' })
    expect((inner.spec as VerifiedSpec).step).toMatchObject({ kind: 'agent', timeout_ms: 7000 })
    const [plain] = stepsOf(around('name: b, model_profile: p, verify: [non-empty]'), { verify: { enabled: false } })
    expect(plain).toMatchObject({ id: 'b', kind: 'agent' })
  })

  test('assemble: an agent of its own, or the last step of the file', () => {
    const [, , own] = stepsOf(around(first, 'name: b, script: x', 'name: c, assemble: vote, depends_on: [a, b]'))
    expect(own).toMatchObject({
      id: 'c',
      kind: 'assemble',
      after: [{ step: 'a' }, { step: 'b' }],
      spec: { method: 'vote' },
    })
    const { graph } = compile(
      `${around(first, 'name: b, script: x, depends_on: [a]', 'name: assemble, script: x')}assemble: concatenate\n`,
    )
    expect(graph?.output).toBe('assemble-2')
    expect(graph?.steps.at(-1)?.after?.map(({ step }) => step)).toEqual(['b', 'assemble'])
  })

  test('the default time limit is for agents and scripts, wherever they stand', () => {
    const [script, loop, nested] = stepsOf(
      around(
        'name: s, script: x',
        'name: l, loop: {body: [{name: c, script: x, timeout_seconds: 1}], carry: input, max_iterations: 2}',
        'name: n, for_each: [1], script: x',
      ),
      { timeout_ms: 3000 },
    )
    expect(script?.timeout_ms).toBe(3000)
    expect(loop?.timeout_ms).toBeUndefined()
    expect(specOf<LoopSpec>(loop).body.steps[0]?.timeout_ms).toBe(1000)
    expect(specOf<EachSpec>(nested).step.timeout_ms).toBe(3000)
  })
})

test('what was read can be printed and read again', () => {
  const text = `${around(
    first,
    'name: b, script: x, depends_on: [a], for_each: {in: steps.a.output, width: 2}, when: "${a.go}"',
    'name: c, model_profile: p, depends_on: [a], fan_out: true, template: {prompt: "{{ input }}"}, output_schema: {type: object}, verify: {checks: [non-empty]}',
    'name: l, loop: {body: {agents: [{name: c, script: x, retry: 2, safety: pure}]}, carry: input, max_iterations: 3}',
    'name: n, ensemble: child, depends_on: [a], input_key: k, input_scope: all',
  )}assemble: {method: concatenate, separator: "--"}\n`
  const strip = (given: string) => compile(given).graph
  const { ensemble } = parseEnsemble(text)
  expect(ensemble && strip(printEnsemble(withoutPlaces(ensemble)))).toEqual(strip(text))
})

function withoutPlaces<Value extends { place: unknown; later: unknown }>({
  place: _place,
  later: _later,
  ...rest
}: Value) {
  return rest
}

/** The same ensemble for the same name, as an app gives it. */
function cache({ ensemble }: Lookup): NonNullable<Lookup['ensemble']> {
  const known = new Map<string, ReturnType<NonNullable<Lookup['ensemble']>>>()
  return (name) => {
    const found = known.get(name) ?? ensemble?.(name) ?? { code: 'not_found', message: '' }
    known.set(name, found)
    return found
  }
}
