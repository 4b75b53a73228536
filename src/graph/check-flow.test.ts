import { describe, expect, it, test } from 'vitest'
import { parseEnsemble } from './ensemble-parse.ts'

function around(...agents: string[]): string {
  return `name: e\ndescription: d\nagents:\n${agents.map((agent) => `- {${agent}}`).join('\n')}\n`
}

/** `LINE:COLUMN severity code message | hint` of everything that is wrong. */
function findProblems(...agents: string[]): string[] {
  return parseEnsemble(around(...agents), 'e.yaml').problems.map(
    ({ line, column, severity = 'error', code, message, hint }) =>
      `${line}:${column} ${severity} ${code} ${message}${hint === undefined ? '' : ` | ${hint}`}`,
  )
}

const first = 'name: a, script: x'

describe('what is fine', () => {
  it.each([
    ['a condition', 'name: b, script: x, depends_on: [a], when: steps.a.output.n > 1 && input != ""'],
    ['an older condition', 'name: b, script: x, depends_on: [a], when: "${a.n} == code"'],
    ['items of a dependency', 'name: b, script: x, depends_on: [a], fan_out: true, input_key: items, max_parallel: 3'],
    [
      'items by expression',
      'name: b, script: x, depends_on: [a], for_each: {in: "steps.a.output.list.map(x, x.id)", width: 2}',
    ],
    ['items in the file', 'name: b, script: x, for_each: [1, {deep: [2]}, three]'],
    [
      'a loop',
      'name: b, loop: {body: [{name: c, script: x}, {name: d, script: x, depends_on: [c]}], until: steps.d.output.done || round > 3, carry: output, max_iterations: 5}',
    ],
    [
      'a loop over agents in a map',
      'name: b, loop: {body: {agents: [{name: c, script: x}]}, until: "${c.done}", carry: "${c}", max_iterations: 5}',
    ],
    ['a loop over an ensemble', 'name: b, loop: {body: other, until: steps.unknown_here.output, max_iterations: 2}'],
    ['another ensemble', 'name: b, ensemble: other, depends_on: [a], input_scope: dependencies'],
    ['dispatch', 'name: b, dispatch: "${a.target}", depends_on: [a]'],
    [
      'templates',
      'name: b, model_profile: p, depends_on: [a], template: {prompt: "{{ input }} {% for x in steps.a.output %}{{ x }}{% endfor %}", system: Be kind.}',
    ],
    ['a schema', 'name: b, model_profile: p, output_schema: {type: object, properties: {n: {type: integer}}}'],
    ['keys that ask for nothing', 'name: b, script: x, fan_out: false, when: ""'],
  ])('%s', (_, agent) => expect(findProblems(first, agent)).toEqual([]))
})

describe('what is refused or warned about', () => {
  it.each([
    [
      'a condition over an agent it does not wait for',
      ['name: b, script: x, when: steps.a.output.n > 1'],
      [
        '5:30 error condition_invalid when of "b": "a" is not a step that it can see (character 1) | Add "a" to depends_on.',
      ],
    ],
    [
      'a misspelt step',
      ['name: b, script: x, depends_on: [alpha], when: steps.alhpa.output', 'name: alpha, script: x'],
      [
        '5:51 error condition_invalid when of "b": "alhpa" is not a step that it can see (character 1) | Did you mean "alpha"?',
      ],
    ],
    [
      'broken CEL',
      ['name: b, script: x, depends_on: [a], when: steps.a.output >'],
      ['5:47 error condition_invalid when of "b": the expression ends too early (character 17)'],
    ],
    [
      'an older reference to a stranger',
      ['name: b, script: x, depends_on: [a], when: "${z.n} == 1"'],
      ['5:47 error condition_invalid when of "b": "z" is not a step that it can see | Did you mean "a"?'],
    ],
    [
      'dispatch that is no expression',
      ['name: b, dispatch: billing, depends_on: [a]'],
      [
        '5:23 error condition_invalid dispatch of "b": unknown variable: billing (character 1) | An expression sees input and steps.NAME.output or steps.NAME.status; texts stand in quotes.',
      ],
    ],
    [
      'two sources of items',
      ['name: b, script: x, depends_on: [a], fan_out: true, for_each: [1]'],
      [
        '5:66 error ensemble_invalid "b" has both fan_out and for_each | Keep one of them: both say where the items come from.',
      ],
    ],
    [
      'a width of nothing',
      ['name: b, script: x, max_parallel: 2'],
      ['5:24 warning ensemble_invalid max_parallel of "b" has no effect without fan_out or for_each'],
    ],
    [
      'two widths',
      ['name: b, script: x, for_each: {in: [1], width: 2}, max_parallel: 2'],
      ['5:69 error ensemble_invalid "b" says twice how many items run at once: width and max_parallel'],
    ],
    [
      'B07 a loop without a limit',
      ['name: b, loop: {body: [{name: c, script: x}], until: steps.c.output.ok}'],
      ['5:19 error loop_unbounded the loop of "b" has no limit | Add max_iterations: the most rounds it may take.'],
    ],
    [
      'a loop that can only repeat itself',
      ['name: b, loop: {body: [{name: c, script: x}], max_iterations: 3}'],
      [
        '5:13 warning ensemble_invalid every round of the loop of "b" gets the same input and none ends it | Add until or carry.',
      ],
    ],
    [
      'until over an agent outside the loop',
      ['name: b, depends_on: [a], loop: {body: [{name: c, script: x}], until: steps.a.output, max_iterations: 3}'],
      [
        '5:74 error condition_invalid loop.until of "b": "a" is not a step that it can see (character 1) | Did you mean "c"?',
      ],
    ],
    [
      'mistakes inside a loop have their own places',
      [
        'name: b, loop: {body: [{name: c, script: x, depends_on: [d]}, {name: c, script: x}], carry: input, max_iterations: 3}',
      ],
      [
        '5:61 error dependency_unknown "c" depends on "d", which is not an agent of this ensemble | Did you mean "c"?',
        '5:73 error name_duplicate the agent name "c" is used twice, first on line 5',
      ],
    ],
    [
      'an agent inside a loop without work',
      ['name: b, loop: {body: [{name: c}], carry: input, max_iterations: 3}'],
      [
        '5:27 error ensemble_invalid "c" has no work: neither model_profile, nor model and provider, nor script | Add `model_profile: default` for the default model.',
      ],
    ],
    [
      'an unknown key inside a loop',
      ['name: b, loop: {body: [{name: c, script: x, depend_on: [a]}], carry: input, max_iterations: 3}'],
      [
        '5:48 warning unknown_key the key agents[1].loop.body[0].depend_on is not part of the format and is not used | Did you mean "depends_on"?',
      ],
    ],
    [
      'input_key without a dependency',
      ['name: b, ensemble: x, input_key: items'],
      ['5:37 error ensemble_invalid input_key of "b" needs depends_on: the first dependency gives the input'],
    ],
    [
      'sight of nothing',
      ['name: b, script: x, input_scope: dependencies'],
      [
        '5:37 error ensemble_invalid "b" sees nothing: input_scope leaves the input out, and there are no dependencies | Add depends_on.',
      ],
    ],
    [
      'broken templates, with the line',
      ['name: b, model_profile: p, template: "x\\n{{ input | shout }}"'],
      ['5:41 error template_invalid template of "b": undefined filter: shout on line 2 of the template'],
    ],
    [
      'templates over strangers',
      [
        'name: b, model_profile: p, depends_on: [a], template: {prompt: "{{ a }}", system: "{{ steps.c.output }}"}',
        'name: c, script: x',
      ],
      [
        '5:67 error template_invalid template.prompt of "b": there is no variable a | Write steps.a.output.',
        '5:86 error template_invalid template.system of "b": "c" is not a step that it can see | Add "c" to depends_on.',
      ],
    ],
    [
      'verification of what is no answer',
      ['name: b, ensemble: x, verify: [non-empty], retry: 2'],
      [
        '5:34 error ensemble_invalid "b" cannot have verify beside ensemble | Verify the agents inside it, or an agent after it.',
        '5:47 warning ensemble_invalid retry of "b" has no effect: the steps inside ensemble keep their results',
      ],
    ],
    [
      'more than one kind of work',
      ['name: b, ensemble: x, dispatch: steps.a.output, depends_on: [a]'],
      ['5:3 error ensemble_invalid "b" has more than one kind of work: ensemble, dispatch | Keep one of them.'],
    ],
  ])('%s', (_, agents, problems) => expect(findProblems(first, ...agents)).toEqual(problems))

  test('loops inside loops have an end', () => {
    let inner = '{name: z, script: x}'
    for (let depth = 0; depth < 7; depth++)
      inner = `{name: l, loop: {body: [${inner}], carry: input, max_iterations: 2}}`
    expect(findProblems(first, inner.slice(1, -1))).toEqual([
      expect.stringContaining('error ensemble_too_deep the loop of "l" stands inside 5 others; 5 are allowed'),
    ])
  })

  test('a second last step', () => {
    const text = `${around(first)}coordinator: {model_profile: p}\nassemble: concatenate\n`
    expect(parseEnsemble(text).problems).toMatchObject([
      { line: 6, message: 'coordinator and assemble are both the last step' },
    ])
  })
})
