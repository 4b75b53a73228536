import { describe, expect, test } from 'vitest'
import { parseEnsemble, readEnsemble } from './ensemble-parse.ts'

function lines(text: string, options?: { strict?: boolean }): string[] {
  return parseEnsemble(text, 'e.yaml', options).problems.map(
    ({ line, column, severity, code, message }) => `${line}:${column} ${severity ?? 'error'} ${code} ${message}`,
  )
}

/** An ensemble around some agents, written as flow maps. */
function around(...agents: string[]): string {
  return `name: e\ndescription: d\nagents:\n${agents.map((agent) => `- {${agent}}`).join('\n')}\n`
}

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
      '26:37 error assertion_invalid the assertion cannot be read: column 12: expected "," but found the end',
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
      'a method of assembly that there is not',
      around('name: a, assemble: {method: voet}'),
      '4:32 error ensemble_invalid agents[0].assemble.method should be "concatenate" or',
    ],
    [
      'a method of assembly as a word that there is not',
      around('name: a, assemble: voet'),
      '4:23 error ensemble_invalid agents[0].assemble should be "concatenate" or',
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
      'a sandbox around a model',
      around('name: a, model_profile: p, sandbox: bwrap'),
      '4:31 error not_yet_supported "a" is no script',
    ],
    [
      'an unknown sandbox',
      around('name: a, script: x, sandbox: {tier: fort}'),
      '4:40 error ensemble_invalid agents[0].sandbox.tier should be',
    ],
    [
      'fan_out without dependencies',
      around('name: a, script: x, fan_out: true'),
      '4:33 error ensemble_invalid fan_out needs depends_on',
    ],
    [
      'B07 a loop without a bound',
      around('name: a, loop: {body: b, until: x}'),
      '4:19 error loop_unbounded the loop of "a" has no limit',
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

  test('B06 ten thousand agents with a hundred thousand edges are checked without minutes of work', () => {
    const agents = Array.from({ length: 10_000 }, (_, n) => ({
      name: `a${n}`,
      model_profile: 'p',
      depends_on: Array.from({ length: Math.min(n, 10) }, (_, back) => `a${n - back - 1}`),
    }))
    const start = performance.now()
    const { ensemble, problems } = readEnsemble({ name: 'big', description: 'd', agents })
    expect(performance.now() - start).toBeLessThan(10_000)
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
    expect(performance.now() - start).toBeLessThan(15_000)
  })
})
