import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseEnsemble, readEnsemble } from './ensemble-parse.ts'
import { ensembleJsonSchema } from './ensemble-schema.ts'
import { checkRunnable } from './runnable.ts'

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
  - {name: f, model_profile: p, verify: {checks: []}, assemble: vote, tools: [x], output_schema: {}, approval: always, mode: x}
  - {name: g, model_profile: p, fan_out: false, when: "", cache: off, approval: }
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
    ).toEqual(['12 approval', '12 mode'])
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

  test('tools on a script are told to be without effect, where they stand', () => {
    const script = 'name: a\ndescription: d\nagents:\n  - name: a\n    script: x.py\n    tools: [read_file]\n'
    expect(parseEnsemble(script).problems).toMatchObject([
      {
        code: 'unknown_key',
        severity: 'warning',
        line: 6,
        column: 5,
        message: expect.stringMatching(/"a" is a script/),
      },
    ])
    const forAll = `${around('name: a, script: x.py')}\ntools: [read_file]\n`
    expect(parseEnsemble(forAll).problems).toEqual([])
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
