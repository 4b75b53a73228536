import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../events/values.ts'
import { checkGraph } from './check-graph.ts'
import { renderLiquid } from './liquid.ts'
import { parseWorkflow } from './workflow.ts'
import { compileWorkflow, listModels } from './workflow-compile.ts'
import { fillParams, type Params, promptParam } from './workflow-params.ts'
import { translateTemplate } from './workflow-template.ts'
import type { Path } from './yaml.ts'
import { parseYaml } from './yaml.ts'

const lines = (problems: readonly { line?: number; code: string; message: string }[]) =>
  problems.map(({ line, code, message }) => `${line ?? 0} ${code} ${message}`)

function read(text: string) {
  const yaml = parseYaml(text, 'config.yaml')
  expect(yaml.problems).toEqual([])
  return parseWorkflow('w', yaml.data as Json, (path: Path, part) => yaml.place(path, part))
}

function compile(text: string, given: Params = {}) {
  const { workflow, problems } = read(text)
  if (!workflow) return { graph: undefined, problems: lines(problems), models: [] }
  const filled = fillParams(workflow, given)
  if (!filled.ok) return { graph: undefined, problems: lines(filled.problems), models: [] }
  const models = listModels(workflow, filled.params)
  const compiled = compileWorkflow(workflow, filled.params, {
    model: (name) => {
      const [provider = '', model = 'usual'] = name.split('/')
      if (provider === 'gone') return { code: 'profile_missing', message: `there is no model "${name}"` }
      return { name: '', provider, model }
    },
    profile: () => undefined,
    defaultProfile: () => ({ name: 'default', provider: 'embedded', model: 'extractive' }),
  })
  return { graph: compiled.graph, problems: lines(compiled.problems), models }
}

const ELABORATION = `
params:
  - user_prompt
  - initial_model: gemini-1.5-flash
  - responder_model: claude-3-sonnet
steps:
  - name: initial_answer
    tool: model_call
    inputs: {model: "{{params.initial_model}}", provider: gemini, prompt: "{{params.user_prompt}}"}
  - name: next_prompt
    tool: model_call
    memory:
      needs: [user_prompt, tool_output(initial_answer)]
    inputs:
      model: "{{ params.initial_model }}"
      provider: gemini
      max_tokens: "200"
      prompt: "Given '{{memory.user_prompt}}' and '{{memory.initial_answer_output}}': what else?"
  - name: responder
    tool: model_call
    memory: {needs: ["tool_output(next_prompt)"]}
    on_failure: abort_chain
    inputs: {model: "{{params.responder_model}}", provider: anthropic, prompt: "{{memory.next_prompt_output}}"}
`

describe('a workflow of the older form', () => {
  it('compiles to agents one after another; models are chosen by the parameters', () => {
    const { graph, problems, models } = compile(ELABORATION, { user_prompt: 'What is tea?' })
    expect(problems).toEqual([])
    expect(graph && checkGraph(graph)).toEqual([])
    expect(models).toEqual(['gemini/gemini-1.5-flash', 'anthropic/claude-3-sonnet'])
    expect(graph?.output).toBe('responder')
    expect(graph?.steps.map(({ id, kind, after, spec }) => ({ id, kind, after, template: spec['template'] }))).toEqual([
      { id: 'initial_answer', kind: 'agent', template: { prompt: '{{ input["user_prompt"] }}' } },
      {
        id: 'next_prompt',
        kind: 'agent',
        after: [{ step: 'initial_answer', on: 'success' }],
        template: {
          prompt: `Given '{{ input["user_prompt"] }}' and '{{ steps["initial_answer"]["output"] }}': what else?`,
        },
      },
      {
        id: 'responder',
        kind: 'agent',
        after: [{ step: 'next_prompt', on: 'success' }],
        template: { prompt: '{{ steps["next_prompt"]["output"] }}' },
      },
    ])
    expect(graph?.steps[1]?.spec['candidates']).toEqual([
      { provider: 'gemini', model: 'gemini-1.5-flash', max_tokens: 200 },
    ])
  })

  it('a step that reads an older one sees it; after on_failure: continue it runs whatever happened', () => {
    const { graph } = compile(`
params: {topic: tea}
steps:
  - {name: a, tool: model_call, inputs: {prompt: "{{params.topic}}"}}
  - {name: b, tool: model_call, on_failure: continue, inputs: {prompt: "{{steps.a.output}}"}}
  - {name: c, tool: model_call, inputs: {prompt: "{{steps.a.output}} {% if steps.b.output %}more{% endif %}"}}
`)
    expect(graph?.steps[2]?.after).toEqual([
      { step: 'a', on: 'success' },
      { step: 'b', on: 'always' },
    ])
    expect(graph?.steps[0]?.spec['candidates']).toMatchObject([{ provider: 'embedded' }])
  })

  it('a gate alone is a step; a gate on a step stands before it, and sees what it asks about', () => {
    const { graph } = compile(`
steps:
  - {name: draft, tool: model_call, inputs: {prompt: go}}
  - {name: look, tool: human, inputs: {}, gate: {prompt: "Fit? {{steps.draft.output}}"}}
  - {name: send, tool: model_call, inputs: {prompt: "{{steps.draft.output}}"}, gate: {prompt: "Send {{steps.draft.output}}?"}}
  - {name: note, gate: {prompt: "Why?", answer: text}}
`)
    expect(
      graph?.steps.slice(1).map(({ id, kind, after, spec }) => [id, kind, after, kind === 'gate' ? spec : undefined]),
    ).toEqual([
      [
        'look',
        'gate',
        [{ step: 'draft', on: 'success' }],
        { question: 'Fit? {{ steps["draft"]["output"] }}', wants: 'approval' },
      ],
      [
        'send/gate',
        'gate',
        [
          { step: 'draft', on: 'success' },
          { step: 'look', on: 'success' },
        ],
        { question: 'Send {{ steps["draft"]["output"] }}?', wants: 'approval' },
      ],
      [
        'send',
        'agent',
        [
          { step: 'draft', on: 'success' },
          { step: 'look', on: 'success' },
          { step: 'send/gate', on: 'verdict' },
        ],
        undefined,
      ],
      ['note', 'gate', [{ step: 'send', on: 'success' }], { question: 'Why?', wants: 'text' }],
    ])
  })

  it('parallel queries become one step with a width', () => {
    const { graph } = compile(
      `
params: [q]
steps:
  - name: ask
    tool: parallel_query
    inputs:
      max_workers: 2
      queries:
        - {provider: gemini, model: a, prompt_template: "A {{params.q}}", temperature: 0.2}
        - {provider: mistral, prompt_template: "B {{params.q}}"}
  - {name: sum, tool: model_call, inputs: {prompt: "{{steps.ask.outputs}} {{steps.ask.outputs.0.output}}"}}
`,
      { q: 'tea' },
    )
    expect(graph?.steps[0]).toMatchObject({
      kind: 'queries',
      spec: {
        width: 2,
        queries: [
          {
            provider: 'gemini',
            model: 'a',
            step: { spec: { template: { prompt: 'A {{ input["q"] }}' }, candidates: [{ temperature: 0.2 }] } },
          },
          { provider: 'mistral', model: 'usual' },
        ],
      },
    })
    expect(graph?.steps[1]?.spec['template']).toEqual({
      prompt: '{{ steps["ask"]["output"]["outputs"] }} {{ steps["ask"]["output"]["outputs"][0]["output"] }}',
    })
  })

  it('everything wrong is named at once, with its line', () => {
    const { problems } = compile(`params: [topic, topic, 3]
steps:
  - {name: a, tool: model_cal, inputs: {prompt: x}}
  - {name: "a/b", tool: model_call, inputs: {prompt: x}}
  - {name: A, tool: model_call, inputs: {prompt: x}, permissions: [disk]}
  - {name: c, inputs: {prompt: x}}
  - {name: d, tool: model_call, on_failure: stop, inputs: {}}
`)
    expect(problems).toEqual([
      '7 workflow_invalid steps[4].on_failure should be "abort_chain" or "continue", not the text "stop"',
    ])
    const more = compile(`params: [topic, topic, 3]
steps:
  - {name: a, tool: model_cal, inputs: {prompt: x}}
  - {name: "a/b", tool: model_call, inputs: {prompt: x}}
  - {name: A, tool: model_call, inputs: {prompt: x}, permissions: [disk]}
  - {name: c, inputs: {prompt: x}}
`)
    expect(more.problems).toEqual([
      '1 workflow_invalid the parameter "topic" stands twice',
      '1 workflow_invalid a parameter is a name, or a name with its default: `- topic: tea`',
      '3 workflow_invalid "a" uses the tool "model_cal", which does not exist',
      expect.stringContaining('4 workflow_invalid the name "a/b"'),
      '5 name_duplicate two steps are called "A"',
      '5 unknown_key "A" asks for permissions that it does not need: a model call touches nothing else',
      '6 workflow_invalid "c" has no tool',
    ])
  })

  it('templates, needs and inputs that cannot be right are refused before anything runs', () => {
    const { problems } = compile(
      `params: [topic]
steps:
  - name: a
    tool: model_call
    memory: {needs: [user_prompt, last_output, tool_output(b), "a)("]}
    inputs: {provider: gone, prompt: "{{params.topik}} {{steps.b.output}} {{memory.b_output}}"}
  - name: b
    tool: model_call
    inputs: {provider: "{{params.where}}", temperature: hot, promt: x, prompt: "{{a.output}} {{ 1 | nofilter }}"}
  - {name: c, tool: model_call, inputs: {provider: x}}
  - {name: d, tool: parallel_query, inputs: {queries: []}}
`,
      { topic: 'tea' },
    )
    expect(problems.map((line) => line.replace(/ workflow_invalid/, ''))).toEqual([
      '5 "user_prompt" is needed, but the workflow has no parameter user_prompt',
      '5 "last_output" is needed, but there is no step before',
      '5 "tool_output(b)" is nothing that the step can see',
      '5 "a)(" is nothing that the step can see',
      '6 profile_missing "a": there is no model "gone"',
      '6 {{params.topik}} names a parameter that the workflow does not have',
      '6 {{steps.b.output}} names a step that does not stand before this one',
      '6 {{memory.b_output}} is not among the memory.needs of this step',
      '9 provider: {{params.where}} cannot be filled; models and numbers are chosen before the run and see nothing but {{params.NAME}}',
      '9 temperature of "b" should be a number, not "hot"',
      '9 unknown_key the input promt of "b" is not used',
      expect.stringContaining('9 the template cannot be read: undefined filter: nofilter'),
      '10 "c" has no prompt',
      expect.stringContaining('11 "d" needs `queries`'),
    ])
    expect(compile('steps:\n  - {name: b, tool: model_call, inputs: {prompt: "{{a.output}}"}}').problems).toEqual([
      '2 workflow_invalid {{a…}} names nothing that a template can see',
    ])
  })

  it.each([
    ['[]'],
    ['{}'],
    ['steps: []'],
    ['steps: {}'],
    ['text'],
    ['steps: [1, [2], null]'],
    ['{params: 3, steps: [{name: a}]}'],
  ])('%s is refused without a crash', (text) => {
    expect(compile(text).graph).toBeUndefined()
    expect(compile(text).problems.length).toBeGreaterThan(0)
  })

  it('whatever stands in the file, it is compiled or refused', () => {
    const leaf = fc.oneof(
      fc.constantFrom<Json>('a', 'model_call', 'parallel_query', '{{steps.a.output}}', '{{', null, true, 3),
      fc.string({ maxLength: 8 }),
    )
    const keys = fc.constantFrom(
      'name',
      'tool',
      'inputs',
      'prompt',
      'queries',
      'gate',
      'memory',
      'needs',
      'params',
      'steps',
      'provider',
    )
    const { tree } = fc.letrec<{ tree: Json }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        leaf,
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(keys, tie('tree'), { maxKeys: 4 }),
      ),
    }))
    fc.assert(
      fc.property(fc.record({ params: tree, steps: fc.array(tree, { maxLength: 3 }) }), (data) => {
        const { workflow, problems } = parseWorkflow('w', data as Json, () => ({}))
        if (!workflow) {
          expect(problems.length).toBeGreaterThan(0)
          return
        }
        const filled = fillParams(workflow, {})
        if (!filled.ok) return
        const compiled = compileWorkflow(workflow, filled.params, {
          model: (name) => ({ name: '', provider: 'p', model: name }),
          profile: () => undefined,
          defaultProfile: () => ({ name: 'default', provider: 'p', model: 'm' }),
        })
        if (compiled.graph) expect(checkGraph(compiled.graph)).toEqual([])
        else expect(compiled.problems.length).toBeGreaterThan(0)
      }),
    )
  })
})

describe('parameters', () => {
  const workflow = (params: string) => {
    const found = read(`params: ${params}\nsteps: [{name: a, gate: {}}]`).workflow
    if (!found) throw new Error('it should be read')
    return found
  }

  it('are given, or have a default, in the type that is asked for', () => {
    const typed = workflow(
      '{n: {type: int}, ok: {type: boolean, default: false}, list: {type: list}, note: {required: false}, text: }',
    )
    expect(fillParams(typed, { n: '3', list: '[1]', text: '007' })).toEqual({
      ok: true,
      params: { n: 3, ok: false, list: [1], note: null, text: '007' },
    })
    const wrong = fillParams(typed, { n: '3.5', ok: 'perhaps', list: '{', txt: 'x' })
    expect(wrong.ok ? [] : wrong.problems.map(({ message }) => message)).toEqual([
      'the workflow "w" has no parameter "txt"',
      'the parameter "n" should be int, not "3.5"',
      'the parameter "ok" should be boolean, not "perhaps"',
      'the parameter "list" should be list, not "{"',
      'the workflow "w" needs the parameter "text"',
    ])
  })

  it('a prompt goes to user_prompt, prompt, or the first that has to be given', () => {
    expect(promptParam(workflow('[a, user_prompt]'))).toBe('user_prompt')
    expect(promptParam(workflow('[{a: 1}, b, c]'))).toBe('b')
    expect(promptParam(workflow('[{a: 1}]'))).toBeUndefined()
  })
})

describe('templates', () => {
  const sight = {
    params: new Set(['x', 'a-b']),
    steps: ['one', 'step two'],
    memory: new Map([
      ['user_prompt', 'input["x"]'],
      ['one_output', 'one'],
      ['parameters', 'input'],
    ]),
  }
  const scope = {
    input: { x: 'X {{ y }}', 'a-b': 'AB' },
    steps: { one: { output: 'O', status: 'succeeded' }, 'step two': { output: { f: [1, 'deep'] } } },
  }
  const fill = (text: string) => renderLiquid(translateTemplate(text, sight).template, scope)

  it.each([
    ['{{params.x}}', 'X {{ y }}'],
    ['{{ params.x | upcase }}', 'X {{ Y }}'],
    ['{{params.a-b}}{{-params.a-b-}}', 'ABAB'],
    ['{{steps.one.output}} {{steps.one}}', 'O O'],
    ['{{steps.step two.output}}', '{"f":[1,"deep"]}'],
    ['{{steps.step two.f.1}}', 'deep'],
    ['{{memory.user_prompt}}/{{memory.one_output}}', 'X {{ y }}/O'],
    ['{{memory.parameters.x}}', 'X {{ y }}'],
    ['{{steps.one.status}} {{- " tight" }}', 'succeeded tight'],
    ['no braces } { at all', 'no braces } { at all'],
  ])('%s', (text, value) => {
    expect(fill(text)).toEqual({ ok: true, value })
  })

  it('a parameter is never read as a template, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('{{', '}}', '{%', '%}', 'steps', ' ', '"', 'x') }), (x) => {
        const { template } = translateTemplate('<{{params.x}}>', sight)
        expect(renderLiquid(template, { ...scope, input: { x } })).toEqual({ ok: true, value: `<${x}>` })
      }),
    )
  })
})
