import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../events/values.ts'
import type { Check, VerifiedSpec } from '../graph/verify.ts'
import { runCheck } from './checks.ts'
import { agent, candidate, type Model, recordsOf, runGraph } from './judgement.fixture.ts'

function verified(more: Partial<VerifiedSpec> & { readonly models?: readonly string[]; readonly inner?: JsonObject }) {
  const { models = ['first'], inner = {}, ...rest } = more
  const { id: _, ...answer } = agent('a', models, inner)
  const spec: VerifiedSpec = { step: { id: 'answer', ...answer }, checks: [], repair_limit: 2, ...rest }
  return { id: 'a', kind: 'verified', spec }
}

const long: Check = { name: 'min-length-100', kind: 'min-length', limit: 100 }
const judge = { candidates: [candidate('judge')], rubric: 'It names a date.', threshold: 0.7 }

describe('verified', () => {
  test('a good answer passes at once; the verdict is on record', async () => {
    const { report, events, calls } = await runGraph(
      [verified({ checks: [{ name: 'non-empty', kind: 'non-empty' }] })],
      {},
    )
    expect(report.status).toBe('succeeded')
    expect(report.agents[0]).toMatchObject({ output: 'ok', model: 'first' })
    expect(calls).toHaveLength(1)
    expect(recordsOf(events, 'step-verified')).toEqual([
      {
        step: 'a',
        status: 'passed',
        answer: 'a/answer',
        try: 1,
        repair: 0,
        criteria: ['non-empty'],
        failed: [],
        provider: 'p',
        model: 'first',
        content: { checks: [{ check: 'non-empty', passed: true, why: 'it holds' }] },
      },
    ])
  })

  test('a repair names the failures and shows the earlier answer', async () => {
    const model: Model = ({ prompt }) =>
      prompt.includes('## What is wrong with it') ? 'x'.repeat(120) : 'short ``` one'
    const { report, calls } = await runGraph([verified({ checks: [long] })], { model })
    expect(report.status).toBe('succeeded')
    expect(report.agents.map(({ name }) => name)).toEqual(['a', 'a/answer', 'a/answer~1'])
    expect(calls[1]?.prompt).toBe(
      [
        'the input',
        '## Your earlier answer',
        '````\nshort ``` one\n````',
        '## What is wrong with it',
        '- min-length-100: the answer has 13 characters; at least 100 are wanted',
        'Give the whole answer again with this put right, and nothing about the correction.',
      ].join('\n\n'),
    )
  })

  test.each([0, 1, 3])(
    'a check that never passes: 1 + %i calls on the first model, 1 per fallback, then failed',
    async (repair_limit) => {
      const models = ['first', 'second', 'third']
      const { report, calls, events } = await runGraph([verified({ models, checks: [long], repair_limit })], {})
      expect(calls.map(({ model }) => model)).toEqual([...Array(1 + repair_limit).fill('first'), 'second', 'third'])
      expect(report.status).toBe('failed')
      expect(report.errors[0]).toMatchObject({ agent: 'a', code: 'verification_failed' })
      expect(recordsOf(events, 'step-verified').map(({ status, model }) => [status, model])).toEqual(
        calls.map(({ model }) => ['failed', model]),
      )
      expect(report.agents[0]?.verdicts).toHaveLength(3 + repair_limit)
      expect(report.agents[0]?.output).toBe('ok')
      expect(report.agents[0]?.fallbacks).toMatchObject([
        { from: 'first', to: 'second', because: 'verification_failed' },
        { from: 'second', to: 'third' },
      ])
      // fallbacks start afresh
      expect(calls.at(-1)?.prompt).toBe('the input')
    },
  )

  test('a model that fails is not asked to repair; the next one is asked', async () => {
    const model: Model = (asked) => (asked.model === 'first' ? { code: 'provider_auth' } : 'fine')
    const { report, calls } = await runGraph([verified({ models: ['first', 'second'] })], { model })
    expect(report.status).toBe('succeeded')
    expect(calls.map((call) => call.model)).toEqual(['first', 'second'])
    expect(report.agents[0]?.fallbacks).toMatchObject([{ from: 'first', because: 'provider_auth' }])
  })

  test('when no model answers, the failure is that of the last one', async () => {
    const { report } = await runGraph([verified({ models: ['x', 'y'] })], { model: () => ({ code: 'rate_limited' }) })
    expect(report.errors.find(({ agent: name }) => name === 'a')).toMatchObject({ code: 'rate_limited' })
  })

  test('the judge comes last, and its reasons reach the repair', async () => {
    const model: Model = ({ model, prompt }) => {
      if (model !== 'judge') return prompt.includes('no date') ? 'On 3 May it rained. TRULY.' : 'It rained.'
      return prompt.includes('3 May') ? '{"score": 0.9, "reasons": "good"}' : '{"score": 0.2, "reasons": "no date"}'
    }
    const words: Check = { name: 'regex rained', kind: 'regex', pattern: 'rained', wanted: true }
    const { report, calls, events } = await runGraph([verified({ checks: [words], judge })], { model })
    expect(report.agents[0]).toMatchObject({ status: 'succeeded', output: 'On 3 May it rained. TRULY.' })
    expect(calls.map((call) => call.model)).toEqual(['first', 'judge', 'first', 'judge'])
    expect(calls[1]?.prompt).toContain('## The answer to judge\n\n```\nIt rained.\n```')
    expect(calls[1]?.request.response_schema).toMatchObject({ required: ['reasons', 'score'] })
    expect(calls[2]?.prompt).toContain('- judge: 0.2 of 1, at least 0.7 wanted: no date')
    expect(recordsOf(events, 'step-verified').map(({ status, score }) => [status, score])).toEqual([
      ['failed', 0.2],
      ['passed', 0.9],
    ])
  })

  test('a cheap check that fails spares the scripts and the judge', async () => {
    const { calls } = await runGraph([verified({ checks: [long], judge, repair_limit: 0 })], {})
    expect(calls.map(({ model }) => model)).toEqual(['first'])
  })

  test('a judge that cannot be asked is no pass, and no reason to ask again', async () => {
    const model: Model = (asked) => (asked.model === 'judge' ? { code: 'provider_auth' } : 'fine')
    const { report, calls } = await runGraph([verified({ judge })], { model })
    expect(calls.map((call) => call.model)).toEqual(['first', 'judge'])
    expect(report.errors[0]).toMatchObject({ code: 'verification_failed' })
    expect(report.errors[0]?.message).toContain('a check could not be made: judge (provider_auth')
    expect(report.agents[0]).toMatchObject({ output: 'fine' })
  })

  test('a script says yes with 0 and no with any other end of its own', async () => {
    const spec = {
      agent: 's',
      script: { type: 'inline', text: 'x' },
      parameters: {},
      environment: {},
      safety: 'pure',
      pass: 'json',
    }
    const check: Check = { name: 'script s', kind: 'script', step: { id: 'check', kind: 'script', spec } }
    const model: Model = ({ prompt }) => (prompt.includes('too dull') ? 'bright' : 'grey')
    const { report, calls, events } = await runGraph([verified({ checks: [check] })], {
      model,
      script: (input) =>
        (input as JsonObject)['answer'] === 'bright'
          ? { exit: 0, stdout: '' }
          : { exit: 1, stdout: '{"why": "too dull"}' },
    })
    expect(report.agents[0]).toMatchObject({ status: 'succeeded', output: 'bright' })
    expect(calls).toHaveLength(2)
    expect(events.filter(({ type }) => type === 'steps-added')).toHaveLength(5)
    const broken = await runGraph([verified({ checks: [check] })], { script: () => ({ code: 'script_not_started' }) })
    expect(broken.calls).toHaveLength(1)
    expect(broken.report.errors[0]?.message).toContain('a check could not be made: script s')
  })

  test('what is no model is asked once', async () => {
    const spec = {
      agent: 's',
      script: { type: 'inline', text: 'x' },
      parameters: {},
      environment: {},
      safety: 'unsafe',
      pass: 'json',
    }
    const step = { ...verified({ checks: [{ name: 'non-empty', kind: 'non-empty' }] }) }
    const inner = { ...step, spec: { ...step.spec, step: { id: 'answer', kind: 'script', spec } } }
    const { report, events } = await runGraph([inner], { script: () => ({ exit: 0, stdout: '' }) })
    expect(report.errors[0]).toMatchObject({ code: 'verification_failed' })
    expect(recordsOf(events, 'step-verified')).toHaveLength(1)
  })

  test('the answer step sees the dependencies, and CEL checks too', async () => {
    const cel: Check = { name: 'cel', kind: 'cel', expression: 'output.contains(steps.b.output) && size(input) > 3' }
    const step = { ...verified({ checks: [cel], inner: { blocks: [{ step: 'b', label: 'the B' }] } }) }
    const graph = [agent('b', ['b']), { ...step, after: [{ step: 'b', on: 'always' as const }] }]
    const { report, calls } = await runGraph(graph, { model: ({ model }) => (model === 'b' ? 'blue' : 'deep blue') })
    expect(report.status).toBe('succeeded')
    expect(calls[1]?.prompt).toContain('## Answer of the B\n\n```\nblue\n```')
  })
})

describe('checks', () => {
  const fault = (check: object, answer: unknown): string | undefined => {
    const verdict = runCheck({ name: 'c', ...check } as never, answer as never, { input: 'in', steps: {} })
    return verdict.passed ? undefined : verdict.why
  }

  test('non-empty', () => {
    for (const empty of ['', ' \n', null, {}, []])
      expect(fault({ kind: 'non-empty' }, empty)).toBe('the answer is empty')
    for (const full of ['x', 0, false, [0]]) expect(fault({ kind: 'non-empty' }, full)).toBeUndefined()
  })

  test('lengths count characters, not bytes; 76 characters are not 100', () => {
    const text = 'This is a long enough response that should pass the minimum length criterion'
    expect(fault({ kind: 'min-length', limit: 100 }, text)).toContain(`${text.length} characters`)
    expect(fault({ kind: 'min-length', limit: 2 }, '😀😀')).toBeUndefined()
    expect(fault({ kind: 'max-length', limit: 2 }, '😀😀😀')).toContain('at most 2')
    expect(fault({ kind: 'min-words', limit: 3 }, 'one — two')).toContain('2 words')
  })

  test('patterns, and a pattern made to never end', () => {
    expect(fault({ kind: 'regex', pattern: '^\\d+$', wanted: true }, '12')).toBeUndefined()
    expect(fault({ kind: 'regex', pattern: '^\\d+$', wanted: true }, 'a')).toContain('does not match')
    expect(fault({ kind: 'regex', pattern: 'cat', wanted: false }, 'concat')).toContain('must not match')
    expect(fault({ kind: 'regex', pattern: '^(a+)+$', wanted: true }, `${'a'.repeat(50_000)}!`)).toContain(
      'does not match',
    )
  })

  test('JSON Schema wants JSON alone', () => {
    const schema = { type: 'object', required: ['a'] }
    expect(fault({ kind: 'json-schema', schema }, '{"a": 1}')).toBeUndefined()
    expect(fault({ kind: 'json-schema', schema }, { b: 1 })).toBe('the output lacks a')
    expect(fault({ kind: 'json-schema', schema }, 'Sure: {"a": 1}')).toBe('the answer is not JSON alone')
  })

  test('CEL that cannot be computed is no pass', () => {
    expect(fault({ kind: 'cel', expression: 'output.n > 1' }, '{"n": 2}')).toBeUndefined()
    expect(fault({ kind: 'cel', expression: 'output.n > 1' }, 'two')).toContain('cannot be computed')
  })

  test.each([
    "I'm sorry, but I can't help with that.",
    'I’m sorry, I cannot assist with this request.',
    'As an AI language model, I have no opinions.',
    'I am not able to provide that.',
    'Unfortunately I cannot write this essay.',
  ])('a refusal: %s', (text) => {
    expect(fault({ kind: 'no-refusal' }, text)).toBe('the answer refuses the task')
  })

  test.each([
    'The birds cannot fly.',
    'She said sorry. I can help with that.',
    'You cannot divide by zero; I show why.',
  ])('no refusal: %s', (text) => {
    expect(fault({ kind: 'no-refusal' }, text)).toBeUndefined()
  })

  test.each([
    'Dear [insert name],',
    'TODO: write this',
    'Lorem ipsum dolor',
    '<your answer>',
    '// ... rest of the code',
    'Content goes here',
  ])('a placeholder: %s', (text) => {
    expect(fault({ kind: 'no-placeholder' }, text)).toContain('placeholder')
  })

  test.each(['My todo list is long.', 'a[i] = b[j]', 'You add [1] to it', '{"your": 1}'])(
    'no placeholder: %s',
    (text) => {
      expect(fault({ kind: 'no-placeholder' }, text)).toBeUndefined()
    },
  )

  test.each(['It is so [1].', 'See https://example.org', '(Turing, 1950)', 'Sources: the book', 'It is [^2].'])(
    'a citation: %s',
    (text) => {
      expect(fault({ kind: 'citation' }, text)).toBeUndefined()
    },
  )

  test('no citation', () => {
    expect(fault({ kind: 'citation' }, 'Trust me, it (really) is so.')).toBe('the answer names no source')
  })
})
