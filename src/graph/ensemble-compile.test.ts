import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AgentSpec, ScriptSpec } from './agent-spec.ts'
import { checkGraph } from './check-graph.ts'
import type { Ensemble } from './ensemble.ts'
import { compileEnsemble } from './ensemble-compile.ts'
import { parseEnsemble, readEnsemble } from './ensemble-parse.ts'
import { printEnsemble } from './ensemble-print.ts'
import type { Lookup } from './lookup.ts'
import type { ModelProfile } from './profile.ts'
import type { PinnedScript } from './script.ts'
import type { GraphStep } from './step-graph.ts'

const profiles: { readonly [name: string]: ModelProfile } = {
  quality: {
    name: 'quality',
    provider: 'ollama',
    model: 'big',
    system_prompt: 'Be thorough.',
    timeout_seconds: 30,
    fallback: 'small',
  },
  small: {
    name: 'small',
    provider: 'ollama',
    model: 'tiny',
    system_prompt: 'Be quick.',
    timeout_seconds: 10,
    cost_per_token: 0,
  },
  cloud: {
    name: 'cloud',
    provider: 'anthropic',
    model: 'c',
    base_url: 'https://x.test',
    options: { top_k: 1 },
    fallback: 'gone',
  },
  one: { name: 'one', provider: 'p', model: 'm', fallback: 'two' },
  two: { name: 'two', provider: 'p', model: 'm', fallback: 'three' },
  three: { name: 'three', provider: 'p', model: 'm', fallback: 'two' },
}
const pinned: PinnedScript = {
  type: 'file',
  reference: 'x.py',
  path: '/s/x.py',
  sha256: '0'.repeat(64),
  program: ['python3'],
  safety: 'pure',
}
const lookup: Lookup = {
  profile: (name) => profiles[name],
  defaultProfile: () => ({ name: 'house', provider: 'ollama', model: 'default-model' }),
  profileNames: () => Object.keys(profiles),
  script: (reference) =>
    reference === 'x.py'
      ? pinned
      : reference.includes(' ')
        ? { type: 'inline', text: reference }
        : { type: 'missing', searched: ['/a', '/b'] },
  role: (name) => (name === 'critic' ? { prompt: 'You criticise.', context: 'Mildly.' } : undefined),
}

function compile(text: string) {
  const { ensemble, problems } = parseEnsemble(text, 'e.yaml')
  if (!ensemble) throw new Error(JSON.stringify(problems))
  return compileEnsemble(ensemble, lookup)
}

function around(...agents: string[]): string {
  return `name: e\ndescription: d\nagents:\n${agents.map((agent) => `- {${agent}}`).join('\n')}\n`
}

function stepsOf(text: string): readonly GraphStep[] {
  const { graph, problems } = compile(text)
  expect(problems).toEqual([])
  expect(graph && checkGraph(graph)).toEqual([])
  return graph?.steps ?? []
}

const agentSpec = (step: GraphStep | undefined) => step?.spec as AgentSpec
const scriptSpec = (step: GraphStep | undefined) => step?.spec as ScriptSpec

describe('agents', () => {
  test('the whole spec: candidates in order, prompts, labels, timeouts', () => {
    const [, step] = stepsOf(
      around(
        'name: reader-one, script: x.py',
        'name: judge, model_profile: quality, depends_on: [reader-one], output_format: json',
      ),
    )
    expect(step).toEqual({
      id: 'judge',
      kind: 'agent',
      after: [{ step: 'reader-one', on: 'always' }],
      timeout_ms: 40_000,
      spec: {
        agent: 'judge',
        title: 'Quality',
        system: expect.stringContaining('You are Quality'),
        output_format: 'json',
        candidates: [
          { profile: 'quality', provider: 'ollama', model: 'big', timeout_ms: 30_000, system: 'Be thorough.' },
          {
            profile: 'small',
            provider: 'ollama',
            model: 'tiny',
            timeout_ms: 10_000,
            cost_per_token: 0,
            system: 'Be quick.',
          },
        ],
        blocks: [{ step: 'reader-one', label: 'reader-one (Reader One)' }],
      },
    })
  })

  test('system prompt: the agent before its role before its profile before a line made of its name', () => {
    const [own, role, profile, plain, stranger] = stepsOf(
      around(
        'name: a, model_profile: small, role: critic, system_prompt: Mine.',
        'name: b, model_profile: small, role: critic',
        'name: c, model_profile: small',
        'name: night-watch, model: m, provider: p',
        'name: e, model_profile: small, role: harbour pilot',
      ),
    ).map(agentSpec)
    expect(own).toMatchObject({ system: 'Mine.', role: 'critic' })
    expect(own?.candidates[0]).not.toHaveProperty('system')
    expect(role?.system).toBe('You criticise.\n\nMildly.')
    expect(profile?.candidates[0]?.system).toBe('Be quick.')
    expect(plain?.system).toContain('Night Watch')
    expect(stranger).toMatchObject({ title: 'Harbour Pilot', candidates: [{ system: 'Be quick.' }] })
  })

  test('settings of the agent hold for every candidate, options only for its own provider', () => {
    const [step] = stepsOf(
      around(
        'name: a, model: m, provider: anthropic, fallback: small, temperature: 0.1, max_tokens: 5, options: {k: 1}, timeout_seconds: 3',
      ),
    )
    expect(agentSpec(step).candidates).toMatchObject([
      { provider: 'anthropic', model: 'm', temperature: 0.1, max_tokens: 5, options: { k: 1 } },
      { profile: 'small', temperature: 0.1, max_tokens: 5 },
    ])
    expect(agentSpec(step).candidates[0]).not.toHaveProperty('profile')
    expect(agentSpec(step).candidates[1]).not.toHaveProperty('options')
    expect(step?.timeout_ms).toBe(3000)
  })

  test('no model, the profile name default, and the bare models of the oldest files', () => {
    const [none, named, bare, local] = stepsOf(
      around(
        'name: a, type: llm',
        'name: b, model_profile: default',
        'name: c, model: small',
        'name: d, model: llama3',
      ),
    ).map((step) => agentSpec(step).candidates[0])
    expect([none?.model, named?.model]).toEqual(['default-model', 'default-model'])
    expect(bare).toMatchObject({ profile: 'small', model: 'tiny' })
    expect(local).toEqual({ provider: 'ollama', model: 'llama3' })
    expect(compile(around('name: a, model: anthropic-api')).problems).toMatchObject([
      { code: 'profile_missing', line: 4, column: 20 },
    ])
  })

  test('a missing profile, of an agent or of its chain, has a place and a suggestion', () => {
    const { graph, problems } = compile(
      around(
        'name: a, model_profile: qualty',
        'name: b, model_profile: cloud',
        'name: c, model_profile: small, fallback: smal',
      ),
    )
    expect(graph).toBeUndefined()
    expect(problems).toMatchObject([
      { code: 'profile_missing', file: 'e.yaml', line: 4, column: 28, hint: 'Did you mean "quality"?' },
      { code: 'profile_missing', line: 5, message: expect.stringContaining('"gone" (fallback of "cloud")') },
      { code: 'profile_missing', line: 6, column: 45, hint: 'Did you mean "small"?' },
    ])
  })

  test('a circle of fallbacks is refused where it is used, and only there', () => {
    expect(compile(around('name: a, model_profile: small')).problems).toEqual([])
    expect(compile(around('name: a, model_profile: one')).problems).toMatchObject([
      { code: 'profile_cycle', line: 4, message: expect.stringContaining('two -> three -> two') },
    ])
    expect(compile(around('name: a, model_profile: small, fallback: small')).problems).toMatchObject([
      { code: 'profile_cycle', message: expect.stringContaining('small -> small') },
    ])
  })
})

describe('scripts', () => {
  test('files, inline texts and commands', () => {
    const [file, inline, command] = stepsOf(
      around(
        'name: a, script: x.py, parameters: {n: 1}, environment: {A: b}, retry: {attempts: 2, delay_seconds: 0.5}, on_unknown: fail, safety: idempotent',
        'name: b, script: "echo hi"',
        'name: c, command: "ls -l", depends_on: [{step: a, on: success}]',
      ),
    )
    expect(file).toEqual({
      id: 'a',
      kind: 'script',
      retry: { attempts: 2, delay_ms: 500 },
      on_unknown: 'fail',
      spec: {
        agent: 'a',
        script: pinned,
        parameters: { n: 1 },
        environment: { A: 'b' },
        safety: 'idempotent',
        pass: 'json',
      },
    })
    expect(scriptSpec(inline)).toMatchObject({
      script: { type: 'inline', text: 'echo hi' },
      safety: 'unsafe',
      parameters: {},
    })
    expect(scriptSpec(command).script).toEqual({ type: 'inline', text: 'ls -l' })
    expect(command?.after).toEqual([{ step: 'a', on: 'success' }])
  })

  test('the safety a script declares itself counts when the agent says nothing', () => {
    expect(scriptSpec(stepsOf(around('name: a, script: x.py'))[0]).safety).toBe('pure')
  })

  test('a missing script says where it was searched', () => {
    expect(compile(around('name: a, script: y.py')).problems).toMatchObject([
      { code: 'script_missing', line: 4, column: 21, hint: 'Searched: /a, /b' },
    ])
  })
})

describe('the coordinator', () => {
  test('becomes a last agent that waits for all others', () => {
    const text = `${around('name: coordinator, model_profile: small', 'name: b, model_profile: small')}coordinator: {synthesis_prompt: Sum up., model_profile: quality, timeout_seconds: 7}\n`
    const { graph } = compile(text)
    expect(graph?.output).toBe('coordinator-2')
    expect(graph?.steps.at(-1)).toMatchObject({
      id: 'coordinator-2',
      kind: 'agent',
      after: [
        { step: 'coordinator', on: 'always' },
        { step: 'b', on: 'always' },
      ],
      timeout_ms: 7000,
      spec: {
        instruct: 'Sum up.',
        candidates: [{ profile: 'quality' }, { profile: 'small' }],
        blocks: [{ step: 'coordinator' }, { step: 'b' }],
      },
    })
  })

  test('without a model it takes the default one', () => {
    const { graph } = compile(`${around('name: a, model_profile: small')}coordinator: {synthesis_prompt: x}\n`)
    expect(agentSpec(graph?.steps[1]).candidates).toMatchObject([{ profile: 'house', model: 'default-model' }])
  })
})

describe('properties', () => {
  const ends = fc.constantFrom('always' as const, 'success' as const, 'failure' as const)
  /** Agents whose edges lead to earlier ones only, written in a shuffled order. */
  const dag = fc
    .array(fc.array(fc.tuple(fc.nat(), ends), { maxLength: 4 }), { minLength: 1, maxLength: 20 })
    .chain((rows) => {
      const agents = rows.map((row, index) => ({
        name: `a${index}`,
        model_profile: 'small',
        depends_on: [...new Map(row.filter(() => index > 0).map(([target, on]) => [target % index, on]))].map(
          ([target, on]) => ({ step: `a${target}`, on }),
        ),
      }))
      return fc.shuffledSubarray(agents, { minLength: agents.length, maxLength: agents.length })
    })

  test('random acyclic ensembles compile, edge for edge, in the order of the file', () => {
    fc.assert(
      fc.property(dag, (agents) => {
        const { ensemble, problems } = readEnsemble({ name: 'e', description: 'd', agents })
        expect(problems).toEqual([])
        const { graph } = compileEnsemble(ensemble as Ensemble, lookup)
        expect(graph?.steps.map(({ id, after = [] }) => ({ id, after }))).toEqual(
          agents.map((agent) => ({ id: agent.name, after: agent.depends_on })),
        )
        expect(graph && checkGraph(graph)).toEqual([])
      }),
      { numRuns: 200 },
    )
  })

  test('one edge back makes a circle that is found and named', () => {
    fc.assert(
      fc.property(dag, fc.nat(), (agents, pick) => {
        const withEdges = agents.filter((agent) => agent.depends_on.length > 0)
        fc.pre(withEdges.length > 0)
        const from = withEdges[pick % withEdges.length]
        const target = from?.depends_on[0]?.step
        const circular = agents.map((agent) =>
          agent.name === target
            ? { ...agent, depends_on: [...agent.depends_on, { step: from?.name ?? '', on: 'always' as const }] }
            : agent,
        )
        const { problems } = readEnsemble({ name: 'e', description: 'd', agents: circular })
        expect(problems.map((problem) => problem.code)).toContain('dependency_cycle')
      }),
      { numRuns: 100 },
    )
  })

  test('what is printed is read back the same', () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
      .filter((one) => !one.includes('$') && one.isWellFormed() && !one.includes('\0'))
    const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })
    const settings = fc.record(
      {
        system_prompt: text,
        temperature: fc.integer({ min: 0, max: 20 }).map((tenths) => tenths / 10),
        timeout_seconds: fc.integer({ min: 1, max: 9999 }),
        retry: fc.record({
          attempts: fc.integer({ min: 1, max: 9 }),
          delay_seconds: fc.integer({ min: 0, max: 100 }).map((n) => n / 4),
        }),
        output_format: text,
      },
      { requiredKeys: [] },
    )
    const work = fc.oneof(
      fc.record({ model_profile: text }),
      fc.record({ model: text, provider: text }),
      fc.record({
        script: text,
        safety: fc.constant('pure'),
        parameters: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), text, { noNullPrototype: true }),
      }),
      fc.record({ type: fc.constant('llm') }),
      fc.record({ role: text }),
    )
    const extras = fc.tuple(
      fc.array(fc.tuple(work, settings), { minLength: 20, maxLength: 20 }),
      optional(text),
      optional(text),
    )
    fc.assert(
      fc.property(dag, extras, (agents, [works, description, task]) => {
        const file = {
          name: 'e',
          ...(description === undefined ? {} : { description }),
          ...(task === undefined ? {} : { default_task: task }),
          agents: agents.map(({ model_profile: _profile, ...agent }, index) => ({
            ...agent,
            ...works[index]?.[0],
            ...works[index]?.[1],
          })),
        }
        const first = readEnsemble(JSON.parse(JSON.stringify(file)))
        expect(first.problems.filter((problem) => problem.severity !== 'warning')).toEqual([])
        const printed = printEnsemble(first.ensemble as Ensemble)
        const { place: _first, ...before } = first.ensemble as Ensemble
        const { place: _second, ...after } = parseEnsemble(printed).ensemble as Ensemble
        expect(after).toEqual(before)
        expect(printEnsemble({ ...after })).toBe(printed)
      }),
      { numRuns: 150 },
    )
  })
})
