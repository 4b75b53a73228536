import { describe, expect, test } from 'vitest'
import { operations } from '../../../app/operations.ts'
import { createStyle } from '../render/style.ts'
import { measure } from '../render/width.ts'
import { makeBisection, makeUpgradeCheck } from './bisect.fixture.ts'
import type { Page } from './page.ts'
import { showResult } from './shows.ts'
import { renderTimeline } from './timeline.ts'
import { HOSTILE, TOOL_RESULTS } from './tool-results.fixture.ts'
import { MCP_SERVER, TRUST_RESULTS } from './trust-results.fixture.ts'

const style = createStyle({ color: false, unicode: true })
const pipe: Page = { style, rich: false, terminal: false }
const screen: Page = { style, width: 60, rich: true, terminal: true }

const SPENT = { calls: 1, failed_calls: 0, cached_calls: 0, unmetered: 0, unpriced: 0 }

const REPORT = {
  run: 'r',
  target: { kind: 'ensemble', name: 'e' },
  status: 'paused',
  agents: [],
  answers: [],
  errors: [],
  unknown: [],
  totals: { usage: {} },
}

const RESULTS: { readonly [operation: string]: unknown } = {
  import: {
    imports: [
      {
        format: 'dify',
        sources: [HOSTILE],
        files: ['ensembles/a.yaml'],
        report: [
          { level: 'taken', what: HOSTILE, where: HOSTILE, why: HOSTILE },
          { level: 'not_possible', what: HOSTILE, where: HOSTILE, why: HOSTILE },
        ],
        problems: [{ code: 'import_refused', message: HOSTILE, hint: HOSTILE }],
      },
    ],
    passed_over: [{ file: HOSTILE, why: HOSTILE }],
    folder: HOSTILE,
    dry_run: false,
    written: ['ensembles/a.yaml', HOSTILE],
    unchanged: [HOSTILE],
    backups: [HOSTILE],
    valid: true,
    ok: false,
    problems: [],
  },
  init: { folder: '/p/.llm-orc', written: ['/p/.llm-orc/config.yaml'], kept: ['/p/.llm-orc/.gitignore'] },
  plan: {
    run: 'r1',
    request: HOSTILE,
    tasks: [
      { id: 'a', type: 'generate', description: HOSTILE },
      { id: HOSTILE, type: 'synthesize', description: 'x' },
    ],
    edges: [{ from: 'a', to: HOSTILE, join: 'any' }],
    levels: [['a'], [HOSTILE]],
    saved: HOSTILE,
    provider_notes: [HOSTILE],
  },
  'runs list': {
    runs: [{ id: 'r1', status: 'succeeded', target: HOSTILE, started: '2026-11-21T05:02:11.345Z', events: 12 }],
  },
  'runs replay': { run: 'r1', equal: true, events: 12, taken: [], redacted: [], finished: true, head: 'abc' },
  'runs doctor': {
    file: '/j.db',
    problems: [],
    runs: [
      {
        run: 'r1',
        events: 3,
        healthy: false,
        violations: [{ invariant: 'I12', seq: 3, message: HOSTILE }],
        more: 4,
        torn: { from: 4, records: 2, moved_to: HOSTILE },
      },
    ],
    rules: { I12: 'a rule' },
    healthy: false,
  },
  'runs show': {
    run: 'r1',
    events: 12,
    at: { seq: 4, type: 'step-started', time: '2026-11-21T05:02:11.345Z' },
    report: { ...REPORT, unknown: [{ key: 'lost/x' }, { key: HOSTILE }] },
    asks: [
      {
        key: HOSTILE,
        step: HOSTILE,
        kind: 'script',
        what: 'unknown',
        request: HOSTILE,
        since: '2026-11-21T05:02:11.345Z',
        idempotency_key: 'f'.repeat(64),
        parent: { event: 9, outcome: 'done', text: HOSTILE },
      },
    ],
    timeline: {
      now: 100,
      lanes: 2,
      spans: [
        { step: HOSTILE, attempt: 1, lane: 0, start: 0, end: 20, status: 'failed' },
        { step: HOSTILE, attempt: 2, lane: 0, start: 60, end: 100, status: 'succeeded' },
        { step: '日本語'.repeat(20), attempt: 1, lane: 1, start: 99, status: 'running' },
      ],
      waits: [
        { step: HOSTILE, why: 'retry', start: 20, end: 60 },
        { step: '日本語'.repeat(20), why: 'person', start: 99 },
      ],
    },
    effects: [
      {
        key: HOSTILE,
        step: HOSTILE,
        attempt: 1,
        kind: 'script',
        safety: 'unsafe',
        seq: 5,
        outcome: 'failed',
        tries: 2,
        code: HOSTILE,
        cost: 1200,
        since: '',
        source: 'world',
      },
      {
        key: 'b',
        step: 'b',
        attempt: 2,
        kind: 'model',
        safety: 'billable',
        seq: 6,
        outcome: 'reused',
        tries: 0,
        answered: 3,
        since: '',
        source: 'record',
      },
    ],
  },
  'runs export': { run: 'r1', file: HOSTILE, bytes: 120, redacted: ['3/input', HOSTILE] },
  'runs import': { run: HOSTILE, events: 3, written: 3 },
  'runs compare': {
    a: { run: 'a', events: 9, head: '', status: 'succeeded', ms: 5, spent: SPENT },
    b: { run: HOSTILE, events: 9, head: '', status: 'failed', ms: 7, spent: SPENT },
    shared: 4,
    divergence: {
      index: 5,
      a: { type: 'effect-done' },
      b: { type: 'effect-done' },
      step: HOSTILE,
      path: 'data/x',
      left: HOSTILE,
      right: [1],
    },
    steps: [{ step: HOSTILE, a: { status: 'succeeded', output: HOSTILE }, b: undefined, same: false }],
  },
  'runs bisect': makeBisection(HOSTILE),
  'runs upgrade': makeUpgradeCheck(HOSTILE),
  'runs delete': { run: 'r1', deleted: true },
  'runs prune': { dry_run: true, removed: ['r1'] },
  'ensembles list': {
    ensembles: [{ name: 'e', source: 'project', description: HOSTILE, agents: 2, file: '/e.yaml' }],
    problems: [],
  },
  'ensembles check': {
    name: 'e',
    file: '/e.yaml',
    valid: false,
    problems: [{ code: 'dependency_cycle', message: HOSTILE, file: 'e.yaml', line: 3, column: 5 }],
  },
  'ensembles show': {
    name: 'e',
    description: HOSTILE,
    agents: [{ name: 'a', kind: 'agent', model: 'm', depends_on: ['b'] }],
    phases: [['b'], ['a']],
    warnings: [],
  },
  'validate run': {
    passed: false,
    ensembles: [
      {
        ensemble: 'e',
        passed: false,
        run: 'r1',
        results: [
          { layer: 'schema', name: 'fields', passed: true, message: '' },
          { layer: 'behavioral', name: 'order', passed: false, message: HOSTILE },
          { layer: 'semantic', name: 'semantic', passed: null, message: 'not evaluated' },
        ],
      },
    ],
  },
  'artifacts list': { artifacts: [{ ensemble: 'e', id: 'x', folder: '/a/e/x' }] },
  'artifacts delete': { deleted: { ensemble: 'e', id: 'x', folder: '/a/e/x' } },
  'artifacts cleanup': { dry_run: false, removed: [{ ensemble: 'e', id: 'x', folder: '/a/e/x' }] },
  'artifacts show': { folder: '/a', artifact: { results: [{ agent: 'a', status: 'success', response: HOSTILE }] } },
  'scripts list': {
    scripts: [{ relative: 'a.py', level: 'project', size: 9, pinned: {}, shadowed: true }],
    problems: [],
  },
  'chain list': {
    chains: [
      { name: HOSTILE, source: 'project', steps: ['Plan>/Poet)-x', HOSTILE] },
      { name: 'y', source: 'user', steps: [], problem: HOSTILE },
    ],
    problems: [{ code: 'config_invalid', message: HOSTILE }],
  },
  'chain show': {
    name: HOSTILE,
    source: 'user',
    steps: [{ name: HOSTILE, title: HOSTILE, models: ['p/m'], system: HOSTILE }],
    warnings: [{ code: 'chain_invalid', message: HOSTILE, severity: 'warning' }],
  },
  'chain save': { name: HOSTILE, file: HOSTILE, steps: ['x'], replaced: true, warnings: [] },
  'chain delete': { name: HOSTILE, file: HOSTILE, deleted: true },
  'workflow list': {
    workflows: [
      {
        name: HOSTILE,
        source: 'user',
        description: HOSTILE,
        params: [{ name: HOSTILE, required: true }],
        steps: [{ name: HOSTILE, tool: 'gate', gated: true }],
        problems: [{ code: 'workflow_invalid', message: HOSTILE }],
      },
    ],
    problems: [],
  },
  ...TRUST_RESULTS,
  'scripts show': { reference: 'a.py', path: '/a.py', safety: 'unsafe', interactive: true, source: HOSTILE },
  'scripts test': { run: 'r', status: 'failed', output: { text: HOSTILE }, code: 'script_failed', message: HOSTILE },
  ...TOOL_RESULTS,
  'providers list': {
    providers: [{ provider: 'p', available: true, reason: HOSTILE, models: ['m'] }],
    default: { provider: 'p', model: 'm', why: 'because' },
  },
  'providers test': { ok: false, provider: 'p', model: 'm', code: 'provider_auth', message: HOSTILE, detail: HOSTILE },
  'profiles list': {
    profiles: [{ name: 'x', provider: 'p', model: HOSTILE, fallback: 'y', source: 'user' }],
    problems: [],
  },
  'mcp servers list': {
    servers: [{ name: 's', command: HOSTILE, env: ['A'], file: HOSTILE, enabled: true, trusted: false, digest: 'd' }],
    problems: [{ code: 'config_invalid', message: HOSTILE }],
  },
  'mcp servers add': { name: 's', url: HOSTILE, file: HOSTILE },
  'mcp servers remove': { name: 's', file: HOSTILE, removed: true },
  'mcp servers trust': { name: 's', command: HOSTILE, file: HOSTILE, trusted: true, digest: 'd' },
  'mcp servers test': MCP_SERVER,
  'mcp probe': { ...MCP_SERVER, tools: [] },
  'of a plug-in': { count: 2, rows: [{ name: HOSTILE, of: { a: 1 } }], names: ['a', 'b'], nothing: null },
}

describe('every result can be shown', () => {
  test.each(Object.keys(RESULTS))('%s', (operation) => {
    const plain = showResult(operation, RESULTS[operation], pipe)
    expect(plain.text).not.toBe('')
    expect(`${plain.text}${plain.aside}`).not.toMatch(/undefined undefined|\[object/)
    for (const width of [60, 1]) {
      const { text, aside = '' } = showResult(operation, RESULTS[operation], { ...screen, width })
      // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
      expect(text + aside).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202e]/)
    }
  })

  test('operations without a look of their own are few', () => {
    const without = operations.filter(
      ({ name }) =>
        !(name in RESULTS) &&
        !/^(run|chain run|workflow run|demo|version|validate \w+|runs (tail|cancel|resume|resolve|steer|fork)|approvals (give|deny))$/.test(
          name,
        ),
    )
    expect(without.map(({ name }) => name)).toEqual([])
  })
})

test('a question is shown whole, with the words that answer it', () => {
  const questions = [{ key: `look@1/${HOSTILE}`, question: `Fit?\n${HOSTILE}`, options: ['yes', 'no'] }]
  const asks = questions.map(({ key }) => key)
  const result = { run: 'r', status: 'paused', report: REPORT, provider_notes: [], asks, questions }
  const { aside = '' } = showResult('workflow run', result, pipe)
  expect(aside).toMatch(/asks:\n {2}Fit\?\n {2}red/)
  expect(aside).toMatch(/llm-orc runs resolve r '.*' done yes\|no$/)
  expect(aside).not.toContain('failed|not-done')
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
  expect(aside).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202e]/)
})

test('tables give way to a narrow terminal, never to a pipe', () => {
  const long = { runs: [{ id: 'r'.repeat(40), status: 's', target: 't'.repeat(200), started: '', events: 1 }] }
  for (const line of showResult('runs list', long, screen).text.split('\n'))
    expect(measure(line)).toBeLessThanOrEqual(60)
  expect(showResult('runs list', long, pipe).text).toContain('t'.repeat(200))
})

test.each([60, 30, 12])('a timeline fits %i columns, and shows attempts and waits', (width) => {
  const { timeline } = RESULTS['runs show'] as { timeline: object }
  const text = renderTimeline(timeline as Parameters<typeof renderTimeline>[0], { ...screen, width })
  for (const line of text.split('\n')) expect(measure(line)).toBeLessThanOrEqual(width)
  if (width === 60) expect(text).toMatch(/█+░+2█+ ✓ 0\.10s x2/)
  if (width === 60) expect(text).toMatch(/2 日本語.* +\? ↻/)
})

test('what a step proposed stands below it, and what was skipped is named', () => {
  const span = { attempt: 1, start: 0, end: 10, status: 'succeeded' }
  const spans = [
    { ...span, step: 'a', lane: 0 },
    { ...span, step: 'b', lane: 1 },
    { ...span, step: 'a/answer', parent: 'a', lane: 2 },
  ]
  const agent = { kind: 'agent', attempts: 1, usage: SPENT, fallbacks: [], dependencies: [] }
  const agents = [
    { ...agent, name: 'a', status: 'succeeded', output: 'the answer', loop: { rounds: 2, ended: 'limit', limit: 2 } },
    { ...agent, name: 'c', status: 'skipped', reason: 'condition', attempts: 0 },
    { ...agent, name: 'a/answer', parent: 'a', status: 'failed', code: 'x', message: HOSTILE },
  ]
  const result = { run: 'r', events: 9, report: { ...REPORT, agents }, asks: [] }
  const timeline = showResult('runs show', { ...result, timeline: { now: 10, lanes: 3, spans, waits: [] } }, pipe).text
  expect(timeline).toMatch(/ 1 a .*\n {2}3 {3}answer .*\n {2}2 b /)
  expect(timeline).toContain('Skipped\n  c: its condition did not hold')
  const { text } = showResult('runs show', result, pipe)
  expect(text).toMatch(/the answer\n2 rounds; ended at the limit of 2\n {2}✗ answer {2}x: red line/)
  expect(text).toContain('(skipped: its condition did not hold)')
  expect(text).not.toContain('\u001b[31m')
})

test('a difference is shown with both sides', () => {
  const { text } = showResult(
    'runs replay',
    {
      run: 'r',
      equal: false,
      events: 4,
      seq: 3,
      message: 'differs',
      expected: 'the one',
      got: 'the other',
    },
    pipe,
  )
  expect(text).toContain('differs')
  expect(text).toContain('expected  the one')
  expect(text).toContain('got  the other')
})

test('what a run asks comes with the command that answers it', () => {
  const { aside } = showResult(
    'run',
    { run: 'r', status: 'paused', asks: ["a b/'x"], report: REPORT, provider_notes: ['embedded, because'] },
    pipe,
  )
  expect(aside).toContain("llm-orc runs resolve r 'a b/'\\''x' done|failed|not-done")
  expect(aside).toContain('note: embedded, because')
})
