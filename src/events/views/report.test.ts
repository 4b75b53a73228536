/* oxlint-disable no-control-regex -- control characters are the subject here */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringifyClean } from './clean.ts'
import { toExecution } from './execution.ts'
import { createReport } from './report.ts'
import { reportToMarkdown } from './report-markdown.ts'
import { inline, makeRandomRun, NASTY_OUTPUTS, planned, SampleJournal, seedRandom } from './sample-events.ts'
import { createStreamNames } from './stream-names.ts'

function runDemo(): SampleJournal {
  return new SampleJournal()
    .start([
      planned('read', [], 'script'),
      planned('think', ['read']),
      planned('check', ['read']),
      planned('sum', ['think', 'check']),
    ])
    .begin('read')
    .finish('read', { success: true, lines: 3 })
    .begin('think')
    .route('think', { provider: 'ollama', model: 'm1', profile: 'small', reason: 'configured' })
    .begin('check')
    .wait(1000)
    .call('think', { input: 100, output: 20, cost: 1_500_000 })
    .finish('think', 'thought')
    .intend('check', 'check@1/model')
    .add('effect-failed', {
      key: 'check@1/model',
      code: 'provider_error',
      message: 'm',
      detail: inline('502 bad gateway'),
      touched: 'yes',
      retry: false,
    })
    .fail('check')
    .begin('sum')
    .route('sum', {
      provider: 'openai',
      model: 'm2',
      profile: 'big',
      reason: 'fallback',
      from: 'small',
      because: 'rate_limited',
    })
    .finish('sum', 'all in all')
    .end('partial')
}

test('a report tells the whole run', () => {
  const report = createReport(runDemo().events)
  expect(report).toMatchObject({
    run: 'run-1',
    target: { kind: 'ensemble', name: 'demo' },
    status: 'partial',
    started: '2026-01-02T03:04:05.000Z',
    duration_ms: 1160,
    input: 'the input',
    order: ['read', 'think', 'check', 'sum'],
    phases: [['read'], ['think', 'check'], ['sum']],
    answers: ['sum'],
    totals: { total: 4, succeeded: 3, failed: 1, percentage: 100, usage: { calls: 2, failed_calls: 1 } },
    errors: [{ agent: 'check', code: 'provider_error', message: 'the model broke', detail: '502 bad gateway' }],
  })
  expect(report.agents.map((agent) => agent.name)).toEqual(['read', 'think', 'check', 'sum'])
  expect(report.agents[1]).toMatchObject({
    status: 'succeeded',
    attempts: 1,
    model: 'm1',
    output: 'thought',
    usage: { cost: 1_500_000 },
  })
  expect(report.agents[3]?.fallbacks).toEqual([
    { from: 'small', to: 'big', provider: 'openai', model: 'm2', because: 'rate_limited' },
  ])
  expect(JSON.parse(JSON.stringify(report))).toEqual(report)
})

test('condition steps are machinery and seen through', () => {
  const journal = new SampleJournal().start([planned('a'), planned('b?', ['a'], 'condition'), planned('b', ['b?'])])
  const report = createReport(journal.events)
  expect(report.agents.map(({ name, dependencies }) => [name, dependencies])).toEqual([
    ['a', []],
    ['b', ['a']],
  ])
  expect(report.answers).toEqual(['b'])
})

test('content that is not at hand is said to be missing, not empty', () => {
  const { inline: _, ...large } = inline('x'.repeat(50))
  const journal = new SampleJournal()
    .start([planned('a')])
    .begin('a')
    .add('step-finished', { step: 'a', attempt: 1, output: large })
  expect(createReport(journal.events).agents[0]).toMatchObject({ output_withheld: 52 })
  expect(createReport(journal.events, () => 'loaded').agents[0]).toMatchObject({ output: 'loaded' })
  expect(reportToMarkdown(createReport(journal.events))).toContain('(52 bytes) is not at hand')
})

test('effects nobody knows are listed until they are resolved', () => {
  const journal = new SampleJournal()
    .start([planned('a')])
    .begin('a')
    .intend('a', 'a/t', 'tool')
  journal.add('effect-unknown', { key: 'a/t', step: 'a' })
  expect(createReport(journal.events).unknown).toEqual([{ key: 'a/t', step: 'a' }])
  journal.add('effect-done', { key: 'a/t', answer: inline('ok'), source: 'person' })
  expect(createReport(journal.events).unknown).toEqual([])
})

test('an unsafe effect that failed and may have happened is listed, with how it failed', () => {
  const intended = { step: 'a', attempt: 1, request: inline({}) }
  const begin = () =>
    new SampleJournal()
      .start([planned('a')])
      .begin('a')
      .add('effect-intended', { ...intended, key: 'a/t', kind: 'tool', safety: 'unsafe' })
  const failed = { key: 'a/t', code: 'cut', message: '', touched: 'maybe', retry: false } as const
  const doubtful = begin().add('effect-failed', failed)
  expect(createReport(doubtful.events).unknown).toEqual([{ key: 'a/t', step: 'a', code: 'cut', touched: 'maybe' }])
  expect(reportToMarkdown(createReport(doubtful.events))).toContain('it may have happened')
  const harmless = begin().add('effect-failed', { ...failed, touched: 'no' })
  expect(createReport(harmless.events).unknown).toEqual([])
})

test("what a thrown error said stands in the engine's note, and is the failure's detail", () => {
  const journal = new SampleJournal()
    .start([planned('a')])
    .begin('a')
    .fail('a', { code: 'internal' })
  journal.add('note-written', { about: 'a', text: inline('x is not a function') })
  expect(createReport(journal.events).errors[0]?.detail).toBe('x is not a function')
})

test('execution.json has the older names, and null for what is unknown', () => {
  const execution = toExecution(createReport(runDemo().events))
  expect(execution).toMatchObject({
    ensemble: 'demo',
    status: 'completed_with_errors',
    input: { data: 'the input' },
    results: {
      read: { response: '{"success":true,"lines":3}', status: 'success' },
      check: { response: null, status: 'failed', error: 'the model broke' },
    },
    synthesis: null,
    execution_order: ['read', 'think', 'check', 'sum'],
    metadata: { agents_used: 4, duration: '1.16s', started_at: '2026-01-02T03:04:05.000Z' },
  })
  const usage = execution.metadata.usage as { agents: Record<string, unknown>; totals: unknown }
  expect(usage.agents.think).toMatchObject({
    input_tokens: 100,
    output_tokens: 20,
    total_tokens: 120,
    cost_usd: 0.0015,
    model: 'm1',
    model_profile: 'small',
  })
  expect(usage.agents.check).toMatchObject({ input_tokens: null, total_tokens: null, cost_usd: null })
  expect(usage.totals).toMatchObject({
    total_tokens: 120,
    total_input_tokens: 100,
    total_cost_usd: 0.0015,
    agents_count: 4,
  })
})

test('B03: an agent called __proto__ is an agent', () => {
  const journal = new SampleJournal()
    .start([planned('__proto__'), planned('constructor')])
    .begin('__proto__')
    .finish('__proto__', 'x')
    .end('succeeded')
  const { results } = toExecution(createReport(journal.events))
  expect(Object.keys(results)).toEqual(['__proto__', 'constructor'])
  expect(({} as { status?: string }).status).toBeUndefined()
})

test('the Markdown report has summary, graph, outputs and errors', () => {
  const text = reportToMarkdown(createReport(runDemo().events))
  for (const part of [
    '# demo',
    '| Status | **partial** |',
    '| Tokens | at least 100 in, 20 out |',
    '| Cost | at least $0.0015 |',
    '```mermaid\ngraph TD',
    '  n1 --> n3',
    '|-- think [succeeded]',
    '(also after check)',
    '```text\nthought\n```',
    '502 bad gateway',
    'fell back from small to big because of rate\\_limited',
  ]) {
    expect(text).toContain(part)
  }
})

/** Reads Markdown's fences line by line as CommonMark does and gives what stands outside. */
function outsideFences(markdown: string): string[] {
  let fence: string | undefined
  const outside: string[] = []
  for (const line of markdown.split(/\r\n|\r|\n/)) {
    const mark = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line)
    if (fence === undefined && mark?.[1] !== undefined) fence = mark[1]
    else if (fence === undefined) outside.push(line)
    else if (mark?.[1]?.startsWith(fence) && mark[2]?.trim() === '') fence = undefined
  }
  expect(fence).toBeUndefined()
  return outside
}

function expectHarmless(markdown: string): void {
  expect(markdown).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
  expect(markdown.isWellFormed()).toBe(true)
  for (const line of outsideFences(markdown)) {
    const plain = line.replaceAll(/\\[!-/:-@[-`{-~]/g, '')
    expect(plain).not.toMatch(/[<>]|!\[|\]\(|https?:|javascript:/i)
    expect(plain).toMatch(/^(|#{1,4} .*|\| .* \||- .*|\*.*\*|None\.|No output: .*|The content .*)$/)
  }
}

test.each(NASTY_OUTPUTS.map((output) => [stringifyClean(output), output]))(
  'B21 S21: %s stays inside the Markdown report',
  (_, nasty) => {
    const journal = new SampleJournal().start([planned('a'), planned('b', ['a']), planned(nasty, ['b'])], {
      input: nasty,
      name: nasty,
    })
    journal
      .begin('a')
      .finish('a', nasty)
      .begin('b')
      .route('b', { model: nasty, provider: nasty, profile: nasty, reason: 'fallback', from: nasty, because: nasty })
    journal.intend('b', nasty).add('effect-failed', {
      key: nasty,
      code: 'x',
      message: nasty,
      detail: inline(nasty),
      touched: 'yes',
      retry: false,
    })
    journal.fail('b', { message: nasty, code: nasty }).add('effect-unknown', { key: nasty, step: 'b' })
    const fact = { step: 'a', attempt: 1, n: 1 }
    const facts = {
      status: nasty,
      answer: nasty,
      model: nasty,
      voter: nasty,
      method: nasty,
      criteria: [nasty],
      failed: [nasty],
    }
    const content = inline({
      checks: [{ check: nasty, why: nasty }],
      ranking: [nasty],
      why: nasty,
      order: [nasty],
      tied: [nasty, nasty],
    })
    journal.add('step-verified', { ...fact, facts, content }).add('ballot-cast', { ...fact, facts, content })
    journal.add('note-written', { ...fact, facts: { ...facts, about: 'tally' }, content })
    journal.add('step-cancelled', { step: nasty, attempt: 1, reason: nasty }).end('failed', { reason: nasty })
    const markdown = reportToMarkdown(createReport(journal.events))
    expectHarmless(markdown)
    expectHarmless(
      reportToMarkdown(
        createReport(
          new SampleJournal()
            .start([planned('a')])
            .begin('a')
            .finish('a', { [nasty]: nasty }).events,
        ),
      ),
    )
  },
)

test('B24: any run gives a report, a page, an execution and a stream, at every event', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const events = makeRandomRun(seedRandom(seed))
      const names = createStreamNames()
      const stream = events.flatMap((event) => names.translate(event))
      const report = createReport(events)
      expectHarmless(reportToMarkdown(report))
      expect(Object.keys(toExecution(report).results)).toEqual(toExecution(report).execution_order)
      expect(JSON.parse(JSON.stringify(report))).toEqual(report)
      expect(stream.filter(({ type }) => /^execution_(completed|failed)$/.test(type))).toHaveLength(
        report.ended === undefined ? 0 : 1,
      )
      for (const cut of [1, 3, 10]) reportToMarkdown(createReport(events.slice(0, cut)))
    }),
    { numRuns: 200 },
  )
})
