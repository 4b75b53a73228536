import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseEnsemble, readEnsemble } from './ensemble-parse.ts'
import { ensembleJsonSchema } from './ensemble-schema.ts'
import { checkRunnable } from './runnable.ts'

function lines(text: string, options?: { strict?: boolean }): string[] {
  return parseEnsemble(text, 'e.yaml', options).problems.map(
    ({ line, column, severity, code, message }) => `${line}:${column} ${severity ?? 'error'} ${code} ${message}`,
  )
}

/** An ensemble around some agents, written as flow maps. */
function around(...agents: string[]): string {
  return `name: e\ndescription: d\nagents:\n${agents.map((agent) => `- {${agent}}`).join('\n')}\n`
}

function readAgents(text: string) {
  const { ensemble, problems } = parseEnsemble(text)
  expect(problems.filter((problem) => problem.severity !== 'warning')).toEqual([])
  return ensemble?.agents ?? []
}

describe('every generation', () => {
  test('the oldest: role, bare model, coordinator, task', () => {
    const { ensemble, problems, references } = parseEnsemble(`
name: old
description: two voices and a summary
agents:
  - name: numbers
    role: analyst
    model: llama3
    timeout_seconds: 90
  - name: words
    role: strategist
    model: claude-x
    provider: anthropic-api
coordinator:
  synthesis_prompt: Bring both together.
  output_format: json
  timeout_seconds: 120
  synthesis_timeout_seconds: 90
task: What now?
`)
    expect(problems).toMatchObject([{ severity: 'warning', line: 7, column: 12, hint: 'Add `provider:`.' }])
    expect(ensemble).toMatchObject({
      default_task: 'What now?',
      coordinator: { synthesis_prompt: 'Bring both together.', output_format: 'json', timeout_seconds: 90 },
      agents: [{ name: 'numbers', type: 'llm', role: 'analyst', model: 'llama3' }, { provider: 'anthropic-api' }],
    })
    expect(references.roles).toEqual(['analyst', 'strategist'])
  })

  test('depends_on instead of a coordinator; an empty coordinator is none', () => {
    const { ensemble } = parseEnsemble(
      `${around('name: a, model_profile: p', 'name: b, model_profile: p, depends_on: [a]')}coordinator: {}\n`,
    )
    expect(ensemble?.coordinator).toBeUndefined()
    expect(ensemble?.agents[1]?.depends_on).toEqual([{ step: 'a', on: 'always' }])
  })

  test('ADR-005: dependencies become depends_on; what it cannot run is named', () => {
    const { ensemble } = parseEnsemble(
      around(
        'name: a, model_profile: p, conversation: {max_turns: 3, triggers_conversation: true}',
        'name: b, model_profile: p, dependencies: [{agent_name: a, condition: "turns > 2", max_executions: 2, requires_all: true}]',
      ) + 'conversation_limits: {max_total_turns: 20}\n',
    )
    expect(ensemble?.agents[1]?.depends_on).toEqual([{ step: 'a', on: 'always' }])
    expect(ensemble && checkRunnable(ensemble).map(({ key, code, line }) => [key, code, line])).toEqual([
      ['conversation_limits', 'not_yet_supported', 6],
      ['conversation', 'not_yet_supported', 4],
      ['condition', 'not_yet_supported', 5],
    ])
  })

  test('the seed: scripts, commands, parameters, environment, inferred types', () => {
    const agents = readAgents(
      around(
        'name: a, script: primitives/file-ops/read_file.py, parameters: {path: in.txt}, environment: {MODE: fast}, output_format: json',
        'name: b, command: "echo hi", depends_on: a',
        'name: c, type: llm, depends_on: [b], synthesis_timeout_seconds: 3',
      ),
    )
    expect(agents.map((agent) => agent.type)).toEqual(['script', 'script', 'llm'])
    expect(agents[0]).toMatchObject({ parameters: { path: 'in.txt' }, environment: { MODE: 'fast' } })
    expect(agents[1]?.depends_on).toEqual([{ step: 'a', on: 'always' }])
  })

  test('maps in depends_on, with step or agent_name, on or condition; empty ones count as always', () => {
    const [, agent] = readAgents(
      around(
        'name: a, model_profile: p',
        'name: b, model_profile: p, depends_on: [{step: a, on: success}, {agent_name: c, condition: failure}, {step: d, on: }, {step: e, on: ""}, a]',
        'name: c, model_profile: p',
        'name: d, model_profile: p',
        'name: e, model_profile: p',
      ),
    )
    expect(agent?.depends_on).toEqual([
      { step: 'a', on: 'success' },
      { step: 'c', on: 'failure' },
      { step: 'd', on: 'always' },
      { step: 'e', on: 'always' },
    ])
  })

  test('later versions: every key is read, and refused at the run with its place', () => {
    const { ensemble, references, problems } = parseEnsemble(`
name: later
description: keys of newer versions
topaz_skill: x
output_schema: {type: object}
agents:
  - {name: a, model_profile: p, options: {think: false}, temperature: 0.5, max_tokens: 10, fallback_model_profile: q}
  - {name: b, model_profile: p, depends_on: [a], fan_out: true, input_key: items}
  - {name: c, ensemble: child, depends_on: [b], input_scope: dependencies}
  - {name: d, dispatch: "\${c.target}", depends_on: [c], when: "\${c.needed}"}
  - {name: e, loop: {body: child2, until: "\${ok}", carry: "\${next}", max_iterations: 3}}
  - {name: f, model_profile: p, verify: {checks: []}, assemble: vote, tools: [x], output_schema: {}, approval: always, cache: true}
  - {name: g, model_profile: p, fan_out: false, when: "", cache: }
`)
    expect(problems).toEqual([])
    expect(references).toMatchObject({ profiles: ['p', 'q'], ensembles: ['child', 'child2'] })
    expect(ensemble?.agents[0]).toMatchObject({ fallback: 'q', options: { think: false } })
    const found = ensemble ? checkRunnable(ensemble) : []
    expect(found.filter((problem) => problem.severity === 'warning').map((problem) => problem.key)).toEqual([
      'output_schema',
      'topaz_skill',
    ])
    expect(
      found.filter((problem) => problem.severity !== 'warning').map((problem) => `${problem.line} ${problem.key}`),
    ).toEqual([
      '8 fan_out',
      '8 input_key',
      '9 ensemble',
      '9 input_scope',
      '10 when',
      '10 dispatch',
      '11 loop',
      '12 verify',
      '12 assemble',
      '12 tools',
      '12 output_schema',
      '12 approval',
      '12 cache',
    ])
  })

  test('ours: retry, timeout, fallback, safety, on_unknown', () => {
    const [a, b] = readAgents(
      around(
        'name: a, script: x.py, retry: {attempts: 3, delay_seconds: 1.5}, safety: idempotent, on_unknown: ask, timeout_seconds: 0.5',
        'name: b, model_profile: p, retry: 2, fallback: q',
      ),
    )
    expect(a).toMatchObject({
      retry: { attempts: 3, delay_ms: 1500 },
      safety: 'idempotent',
      on_unknown: 'ask',
      timeout_seconds: 0.5,
    })
    expect(b).toMatchObject({ retry: { attempts: 2 }, fallback: 'q' })
  })

  test('validation under both keys, and test_mode', () => {
    const { ensemble, problems } = parseEnsemble(`${around('name: a, script: x.py')}
validation:
  structural: {required_agents: [a], max_execution_time: 5}
  schema: [{agent: a, required_fields: [x]}]
  schema_validations: [{agent: a, output_schema: {type: object}}]
  quantitative: [{metric: execution_time, threshold: "< 30", record: true}]
  semantic: {enabled: false, criteria: [clear]}
test_mode: {enabled: true, llm_simulation: [{agent: a, persona: helpful_user, cached_responses: {"Name?": Ada}}]}
`)
    expect(problems).toEqual([])
    expect(ensemble?.validation?.schema).toHaveLength(2)
    expect(ensemble?.test_mode?.llm_simulation?.[0]?.cached_responses).toEqual({ 'Name?': 'Ada' })
  })

  test('JSON under the same schema', () => {
    const file = { name: 'j', description: 'd', agents: [{ name: 'a', model_profile: 'p' }] }
    expect(parseEnsemble(JSON.stringify(file, null, '\t')).ensemble?.agents).toHaveLength(1)
    expect(readEnsemble(file).ensemble?.agents).toHaveLength(1)
  })

  test.each([
    'ensemble:\n  name: x\n  agents: []\n',
    'workflow:\n  - a\n',
    'setup: {}\nusage: x\norchestration: {}\n',
    '- a\n- b\n',
    'just text',
    '12',
    '',
  ])('other shapes fail with one clear problem: %j', (text) => {
    const { ensemble, problems } = parseEnsemble(text, 'x.yaml')
    expect(ensemble).toBeUndefined()
    expect(problems).toMatchObject([{ code: 'ensemble_invalid', file: 'x.yaml', line: 1, column: 1 }])
  })
})

describe('mistakes', () => {
  test('a file with ten different mistakes prints ten messages with line and column', () => {
    const text = `name: ten
description: one of each
agents:
  - name: a
    model_profile: 012
  - name: A
    model_profile: p
    depends_on: [a, nobodi]
  - name: b
    model_profile: p
    model: m
    provider: q
    depends_on: [c]
  - name: c
    script: x.py
    timeout_seconds: -1
    depends_on: [b]
  - name: d
    scrip: y.py
    model_profile: p
    retry: soon
  - name: nobody
    model_profile: p
    depends_on: [nobody]
validation:
  behavioral: [{name: x, assertion: "len(results"}]
`
    expect(lines(text)).toEqual([
      '5:20 error ensemble_invalid agents[0].model_profile should be text, not the number 012',
      '6:11 error name_duplicate the agent name "A" differs from "a" on line 4 only by letter case or accent form',
      '8:21 error dependency_unknown "A" depends on "nobodi", which is not an agent of this ensemble',
      '10:20 error ensemble_invalid model_profile stands beside model or provider',
      '13:17 error dependency_cycle agents wait for each other in a circle: b -> c -> b',
      '16:22 error ensemble_invalid agents[3].timeout_seconds should be more than 0, not the number -1',
      '19:5 warning unknown_key the key agents[4].scrip is not part of the format and is not used',
      '21:12 error ensemble_invalid agents[4].retry should be a number or a map of keys, not the text "soon"',
      '24:18 error dependency_cycle "nobody" depends on itself: nobody -> nobody',
      '26:37 error assertion_invalid the assertion cannot be read: column 12: expected ,, found the end',
    ])
    const hints = parseEnsemble(text).problems.flatMap((problem) => problem.hint ?? [])
    expect(hints).toContain('Put it in quotes: "012".')
    expect(hints).toContain('Did you mean "nobody"?')
    expect(hints).toContain('Did you mean "script"?')
  })

  test.each([
    ['no name', 'description: d\nagents: [{name: a, model_profile: p}]', '1:1 error ensemble_invalid name is missing'],
    [
      'an empty name',
      'name:\ndescription: d\nagents: [{name: a, model_profile: p}]',
      '1:6 error ensemble_invalid name is missing',
    ],
    ['no agents', 'name: e\ndescription: d', '1:1 error ensemble_invalid agents is missing'],
    [
      'empty agents',
      'name: e\ndescription: d\nagents: []',
      '3:9 error ensemble_invalid agents should be at least 1 entry, not an empty list',
    ],
    [
      'agents as a map',
      'name: e\ndescription: d\nagents: {a: 1}',
      '3:9 error ensemble_invalid agents should be a list, not a map',
    ],
    ['a path as name', 'name: ../x\ndescription: d\nagents: [{name: a, model_profile: p}]', '1:7 error name_refused'],
    ['a reserved character', around('name: a/b, model_profile: p'), '4:10 error name_refused'],
    [
      'the same name twice',
      around('name: a, model_profile: p', 'name: a, model_profile: p'),
      '5:10 error name_duplicate the agent name "a" is used twice, first on line 4',
    ],
    [
      'accents written differently',
      around('name: é, model_profile: p', 'name: e\u0301, model_profile: p'),
      '5:10 error name_duplicate',
    ],
    ['no work', around('name: a'), '4:3 error ensemble_invalid "a" has no work'],
    [
      'two kinds of work',
      around('name: a, script: x.py, model_profile: p'),
      '4:3 error ensemble_invalid "a" has more than one kind of work: model_profile, script',
    ],
    ['provider without model', around('name: a, provider: p'), '4:23 error ensemble_invalid provider needs a model'],
    [
      'a script type without script',
      around('name: a, type: script'),
      '4:3 error ensemble_invalid "a" has the type script but',
    ],
    [
      'an unknown type',
      around('name: a, type: scirpt, script: x'),
      '4:19 error ensemble_invalid agents[0].type should be "llm" or "script"',
    ],
    [
      'a timeout in words',
      around('name: a, script: x, timeout_seconds: "60"'),
      '4:41 error ensemble_invalid agents[0].timeout_seconds should be a number, not the text "60"',
    ],
    ['a timeout beyond any timer', around('name: a, script: x, timeout_seconds: 1e9'), '4:41 error ensemble_invalid'],
    [
      'a number as environment',
      around('name: a, script: x, environment: {A: 1}'),
      '4:41 error ensemble_invalid agents[0].environment.A should be text',
    ],
    [
      'a bad edge',
      around('name: a, script: x', 'name: b, script: y, depends_on: [{step: a, on: sucess}]'),
      '5:51 error ensemble_invalid agents[1].depends_on[0].on',
    ],
    [
      'a refused command',
      around('name: a, command: "/bin/rm -rf x"'),
      '4:22 error command_refused the command rm is refused',
    ],
    [
      'fan_out without dependencies',
      around('name: a, script: x, fan_out: true'),
      '4:33 error ensemble_invalid fan_out needs depends_on',
    ],
    [
      'B07 a loop without a bound',
      around('name: a, loop: {body: b, until: x}'),
      '4:19 error ensemble_invalid agents[0].loop.max_iterations is missing',
    ],
    [
      'B07 a loop that never starts',
      around('name: a, loop: {body: b, max_iterations: 0}'),
      '4:45 error ensemble_invalid',
    ],
    [
      'a reference to a stranger',
      around('name: a, script: x, parameters: {v: "${b.x}"}'),
      '4:40 error template_invalid ${b.x} names "b"',
    ],
    [
      'B07 a huge assertion',
      `${around('name: a, script: x')}validation: {behavioral: [{name: n, assertion: "${'1+'.repeat(500_000)}1"}]}`,
      '5:48 error assertion_invalid the assertion cannot be read: column 4097: longer than 4096 characters',
    ],
    [
      'a bad threshold',
      `${around('name: a, script: x')}validation: {quantitative: [{metric: agent_count, threshold: about 3}]}`,
      '5:62 error ensemble_invalid the threshold',
    ],
    [
      'a schema keyword that is not checked',
      `${around('name: a, script: x')}validation: {schema: [{agent: a, output_schema: {pattern: x}}]}`,
      '5:49 error ensemble_invalid output_schema uses pattern',
    ],
    ['broken YAML', 'name: [', '1:8 error yaml_invalid'],
  ])('%s', (_, text, message) => {
    expect(lines(text)[0]).toContain(message)
    expect(parseEnsemble(text).ensemble).toBeUndefined()
  })

  test('warnings leave the ensemble usable; strict makes them errors', () => {
    const text = 'name: e\nagents: [{name: a, model_profile: p, temprature: 1, x-note: mine}]\nextra: 1\n'
    expect(lines(text)).toEqual([
      '1:1 warning ensemble_invalid description is missing',
      '2:38 warning unknown_key the key agents[0].temprature is not part of the format and is not used',
      '3:1 warning unknown_key the key extra is not part of the format and is not used',
    ])
    expect(parseEnsemble(text).ensemble?.name).toBe('e')
    for (const strict of [lines(text, { strict: true }), lines(`${text}strict: true\n`)])
      expect(strict.every((line) => line.includes(' error '))).toBe(true)
    expect(parseEnsemble(text, undefined, { strict: true }).ensemble).toBeUndefined()
  })

  test('retry on a script that does not say it is safe is a warning', () => {
    expect(lines(around('name: a, script: x.py, retry: 3'))).toEqual([
      expect.stringContaining('4:27 warning retry_unsafe'),
    ])
    expect(lines(around('name: a, script: x.py, retry: 3, safety: unsafe'))).toHaveLength(1)
    expect(lines(around('name: a, script: x.py, retry: 3, safety: pure'))).toEqual([])
    expect(lines(around('name: a, model_profile: p, retry: 3'))).toEqual([])
  })

  test('keys that objects inherit are unknown keys like any other', () => {
    expect(lines(`${around('name: a, model_profile: p, toString: 1')}valueOf: 2\n`)).toHaveLength(2)
  })
})

describe('B06 large and circular files', () => {
  test('B06 a thousand agents in a circle are all named in one error', () => {
    const agents = Array.from(
      { length: 1000 },
      (_, n) => `name: a${n}, model_profile: p, depends_on: [a${(n + 1) % 1000}]`,
    )
    const { problems } = parseEnsemble(around(...agents))
    expect(problems).toHaveLength(1)
    expect(problems[0]?.message.split(' -> ')).toHaveLength(1001)
  })

  test('B06 ten thousand agents with a hundred thousand edges are checked in well under a second', () => {
    const agents = Array.from({ length: 10_000 }, (_, n) => ({
      name: `a${n}`,
      model_profile: 'p',
      depends_on: Array.from({ length: Math.min(n, 10) }, (_, back) => `a${n - back - 1}`),
    }))
    const start = performance.now()
    const { ensemble, problems } = readEnsemble({ name: 'big', description: 'd', agents })
    expect(performance.now() - start).toBeLessThan(3000)
    expect(problems).toEqual([])
    expect(ensemble?.agents).toHaveLength(10_000)
  })

  test('B06 ten thousand unknown dependencies are all reported, without minutes of suggestions', () => {
    const agents = Array.from({ length: 10_000 }, (_, n) => ({
      name: `agent-${n}`,
      model_profile: 'p',
      depends_on: [`agemt-${n}`],
    }))
    const start = performance.now()
    expect(readEnsemble({ name: 'big', description: 'd', agents }).problems).toHaveLength(10_000)
    expect(performance.now() - start).toBeLessThan(5000)
  })
})

test('the published schema knows the keys and closes the maps', () => {
  const schema = ensembleJsonSchema()
  expect(schema).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: ['name', 'agents'],
    additionalProperties: false,
  })
  expect(JSON.stringify(schema)).toContain('"fan_out"')
})

const samples = join(import.meta.dirname, '../../../shared/samples')
const found = existsSync(samples)
if (!found) console.warn(`SKIPPED: the sample ensembles are not at ${samples}`)

test.skipIf(!found)('all sample ensembles parse without problems', () => {
  const files = ['llm-orc/.llm-orc/ensembles', 'llm-orchestra-library'].flatMap((folder) =>
    globSync('**/*.yaml', { cwd: join(samples, folder) }).map((file) => join(samples, folder, file)),
  )
  expect(files.length).toBeGreaterThanOrEqual(8)
  for (const file of files) {
    const { ensemble, problems } = parseEnsemble(readFileSync(file, 'utf8'), file)
    expect(problems, file).toEqual([])
    expect(ensemble && checkRunnable(ensemble), file).toEqual([])
  }
})
