import { describe, expect, it } from 'vitest'
import { listInjections } from '../../test/fixtures/injections.ts'
import { FakeContext } from '../../test/fixtures/step-context.ts'
import { type Inputs, StepFailure, type StepOutcome, type StepView } from '../engine/step.ts'
import type { ScriptRequest } from '../events/script-call.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { scriptStep } from './script.ts'

const file = { type: 'file', reference: 'x.py', path: 's/x.py', sha256: 'ab', program: ['python3'] } as const

function view(more: JsonObject = {}): StepView {
  const spec = { agent: 'x', script: file, parameters: {}, environment: {}, safety: 'unsafe', pass: 'json', ...more }
  return { id: 'x', kind: 'script', attempt: 1, spec }
}

function answer(stdout: string, more: JsonObject = {}): Json {
  return { exit: 0, stdout, stderr: '', truncated: false, ...more }
}

async function ask(inputs: Inputs, more: JsonObject = {}): Promise<ScriptRequest> {
  const ctx = new FakeContext(() => answer('{}'))
  await scriptStep.run(view(more), inputs, ctx)
  return ctx.asked[0]?.request as unknown as ScriptRequest
}

async function outputOf(stdout: string, more: JsonObject = {}): Promise<Json> {
  const ctx = new FakeContext(() => answer(stdout, more))
  return (await scriptStep.run(view(), { input: '', dependencies: [] }, ctx)).output
}

async function failureOf(stdout: string, more: JsonObject = {}): Promise<StepFailure> {
  const failure = await outputOf(stdout, more).catch((error: unknown) => error)
  if (failure instanceof StepFailure) return failure
  throw new Error('the step did not fail')
}

const alone = (input: Json): Inputs => ({ input, dependencies: [] })
const one: StepOutcome = { step: 'one', status: 'succeeded', output: { list: [1, 'two'] } }
const two: StepOutcome = { step: 'two', status: 'succeeded', output: 'prose' }
const three: StepOutcome = { step: 'three', status: 'failed', code: 'timeout', message: 'too slow' }

describe('scriptStep: what a script is given', () => {
  it('asks one effect, unsafe unless it says otherwise', async () => {
    const ctx = new FakeContext(() => answer(''))
    await scriptStep.run(view({ safety: 'pure', environment: { A: '1' } }), alone('in'), ctx)
    expect(ctx.asked).toMatchObject([{ kind: 'script', name: 'script', pool: 'script', safety: 'pure' }])
    expect(ctx.asked[0]?.request).toMatchObject({ script: file, environment: { A: '1' } })
  })

  it('without dependencies: input, parameters, context', async () => {
    const request = await ask(alone('the input'), { parameters: { n: 3 } })
    expect(JSON.parse(request.stdin)).toEqual({ input: 'the input', parameters: { n: 3 }, context: {} })
    expect(request.environment).toEqual({
      INPUT_DATA: 'the input',
      INPUT_TEXT: 'the input',
      AGENT_PARAMETERS: '{"n":3}',
      SCRIPT_PARAMS: '{"n":3}',
    })
  })

  it('JSON as input stands as JSON in both places', async () => {
    const request = await ask(alone({ text: 'words', files: [] }))
    expect(JSON.parse(request.stdin).input).toEqual({ text: 'words', files: [] })
    expect(request.environment).toMatchObject({ INPUT_DATA: '{"text":"words","files":[]}', INPUT_TEXT: 'words' })
  })

  it('with dependencies: what readers of both forms look for', async () => {
    const request = await ask({ input: 'the input', dependencies: [one, two, three] }, { parameters: { n: 3 } })
    expect(JSON.parse(request.stdin)).toEqual({
      input: 'the input',
      parameters: { n: 3 },
      context: {},
      agent_name: 'x',
      input_data: 'the input',
      dependencies: {
        one: { response: '{"list":[1,"two"]}', status: 'success', output: { list: [1, 'two'] } },
        two: { response: 'prose', status: 'success', output: 'prose' },
        three: { response: '', status: 'failed', error: { code: 'timeout', message: 'too slow' } },
      },
    })
  })

  it('an input made for the script is handed on in the environment alone', async () => {
    const input = '{"agent_name": "x", "input_data": "{}"}'
    const request = await ask(alone(input))
    expect(request.stdin).toBe('')
    expect(request.environment['INPUT_DATA']).toBe(input)
  })

  it('what no environment variable can hold stays out of it', async () => {
    const long = 'ä'.repeat(60_000)
    const request = await ask(alone(long), { parameters: { text: 'a' } })
    expect(Object.keys(request.environment)).toEqual(['AGENT_PARAMETERS', 'SCRIPT_PARAMS'])
    expect(JSON.parse(request.stdin).input).toBe(long)
    expect((await ask(alone('a\0b'))).environment).not.toHaveProperty('INPUT_DATA')
    const made = JSON.stringify({ agent_name: 'x', input_data: long })
    expect((await ask(alone(made))).stdin).toBe(made)
  })

  it('fills references in parameters from the dependencies', async () => {
    const parameters = { whole: '${one.list}', part: 'got ${one.list[1]} and ${two}', kept: '$${one}' }
    const request = await ask({ input: '', dependencies: [one, two] }, { parameters })
    expect(JSON.parse(request.stdin).parameters).toEqual({
      whole: [1, 'two'],
      part: 'got two and prose',
      kept: '${one}',
    })
  })

  it('fails before the script starts when a reference has no value', async () => {
    const ctx = new FakeContext(() => answer(''))
    const run = scriptStep.run(view({ parameters: { a: '${three.x}' } }), { input: '', dependencies: [three] }, ctx)
    await expect(run).rejects.toMatchObject({ code: 'template_unresolved' })
    expect(ctx.asked).toEqual([])
  })

  it('an item stands as the documented object, and alone as the text', async () => {
    const input = { item: { path: 'a.ts' }, chunk_index: 0, total_chunks: 2, base_input: 'all' }
    const request = await ask(alone(input))
    expect(JSON.parse(request.stdin)).toEqual({ input, parameters: {}, context: {} })
    expect(request.environment).toMatchObject({ INPUT_DATA: JSON.stringify(input), INPUT_TEXT: '{"path":"a.ts"}' })
    expect((await ask(alone({ ...input, item: 'words' }))).environment['INPUT_TEXT']).toBe('words')
    expect((await ask(alone({ ...input, more: 1 }))).environment['INPUT_TEXT']).toBe(
      JSON.stringify({ ...input, more: 1 }),
    )
  })

  it('input_key puts one key of the first dependency in the place of the input', async () => {
    const rules = { input_key: 'list' }
    const only = await ask({ input: 'the input', dependencies: [one] }, { rules, parameters: { n: '${one.list[1]}' } })
    expect(JSON.parse(only.stdin)).toEqual({ input: [1, 'two'], parameters: { n: 'two' }, context: {} })
    const more = await ask({ input: 'the input', dependencies: [one, two] }, { rules })
    expect(JSON.parse(more.stdin)).toMatchObject({ input: [1, 'two'], dependencies: { two: { response: 'prose' } } })
    expect(JSON.parse(more.stdin).dependencies).not.toHaveProperty('one')
  })

  it.each([
    [{ dependencies: [one] }, 'input_key "gone": the output of "one" has no such key'],
    [{ dependencies: [two] }, 'input_key "gone": the output of "two" is not a JSON object'],
    [{ dependencies: [three] }, 'input_key "gone": the output of "three" is not a JSON object'],
    [{ dependencies: [] }, 'input_key "gone": the step has no dependency to take it from'],
  ])('fails before the script starts without the key: %#', async (inputs, message) => {
    const ctx = new FakeContext(() => answer(''))
    const run = scriptStep.run(view({ rules: { input_key: 'gone' } }), { input: '', ...inputs }, ctx)
    await expect(run).rejects.toMatchObject({ code: 'input_key_missing', message })
    expect(ctx.asked).toEqual([])
  })

  it('input_scope leaves the original input out', async () => {
    const rules = { input_scope: 'dependencies' }
    const request = await ask({ input: 'secret', dependencies: [two] }, { rules })
    expect(JSON.stringify(request)).not.toContain('secret')
    expect(JSON.parse(request.stdin)).toMatchObject({
      input: '',
      input_data: '',
      dependencies: { two: { output: 'prose' } },
    })
  })

  it('knows its dependencies by the names of their author, wherever they were placed', async () => {
    const placed = [one, two].map((outcome) => ({ ...outcome, step: `outer[3]/${outcome.step}` }))
    const request = await ask({ input: '', dependencies: placed }, { parameters: { whole: '${one.list}' } })
    const given = JSON.parse(request.stdin)
    expect([given.parameters, Object.keys(given.dependencies)]).toEqual([{ whole: [1, 'two'] }, ['one', 'two']])
  })

  it('passes on that a script is interactive, and inline text', async () => {
    expect(await ask(alone(''), { script: { ...file, interactive: true } })).toMatchObject({ interactive: true })
    const script = { type: 'inline', text: 'echo' }
    expect(await ask(alone(''), { script })).toMatchObject({ script })
  })

  it('S15: 80 payloads stay data in every place', async () => {
    for (const payload of listInjections('/tmp/canary')) {
      const request = await ask(
        { input: payload, dependencies: [{ ...two, output: payload }] },
        { parameters: { p: payload.replaceAll('${', () => '$${'), q: '${two}' } },
      )
      const given = JSON.parse(request.stdin)
      expect(request.script).toEqual(file)
      expect([
        given.input,
        given.input_data,
        given.parameters.p,
        given.parameters.q,
        given.dependencies.two.response,
      ]).toEqual(Array(5).fill(payload))
    }
  })
})

describe('scriptStep: what a script answers', () => {
  it.each<[string, Json]>([
    ['{"success": true, "n": 1}\n', { success: true, n: 1 }],
    ['[1]', [1]],
    ['42\n', 42],
    ['', ''],
    [' \n', ''],
    ['plain words\n', { success: true, output: 'plain words' }],
    ['{"a": 1}\n{"a": 2}\n', { success: true, output: '{"a": 1}\n{"a": 2}' }],
    ['1e999', { success: true, output: '1e999' }],
    [`${'['.repeat(300)}${']'.repeat(300)}`, { success: true, output: `${'['.repeat(300)}${']'.repeat(300)}` }],
  ])('%j', async (stdout, output) => {
    expect(await outputOf(stdout)).toEqual(output)
  })

  it('an exit code other than 0 is a failure that keeps what was said', async () => {
    const failure = await failureOf('some words', { exit: 3, stderr: 'oops' })
    expect(failure).toMatchObject({ code: 'script_failed', message: 'the script ended with exit code 3' })
    expect(failure.output).toEqual({
      success: false,
      error: 'the script ended with exit code 3',
      exit_code: 3,
      stdout: 'some words',
      stderr: 'oops',
    })
    expect((await failureOf('{"error": "mine"}', { exit: 1 })).output).toEqual({ error: 'mine' })
  })

  it('success: false is a failure, and its object stays the output', async () => {
    const failure = await failureOf('{"success": false, "error": "no file"}')
    expect(failure.code).toBe('script_reported_failure')
    expect(failure.output).toEqual({ success: false, error: 'no file' })
  })

  it('output with a hole in it is no answer', async () => {
    expect(await failureOf('{"a": 1}', { truncated: true })).toMatchObject({ code: 'output_too_large' })
  })
})
