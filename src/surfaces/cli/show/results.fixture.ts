import { BATCH_RESULTS } from './batch-results.fixture.ts'
import { makeBisection, makeUpgradeCheck } from './bisect.fixture.ts'
import { EDIT_RESULTS } from './edit-results.fixture.ts'
import { MODEL_RESULTS } from './model-results.fixture.ts'
import { QUOTE_RESULTS } from './quote-results.fixture.ts'
import { ROUTE_RESULTS } from './route-results.fixture.ts'
import { HOSTILE, TOOL_RESULTS } from './tool-results.fixture.ts'
import { MCP_SERVER, TRUST_RESULTS } from './trust-results.fixture.ts'

export const SPENT = { calls: 1, failed_calls: 0, cached_calls: 0, unmetered: 0, unpriced: 0 }

export const REPORT = {
  run: 'r',
  target: { kind: 'ensemble', name: 'e' },
  status: 'paused',
  agents: [],
  answers: [],
  errors: [],
  unknown: [],
  totals: { usage: {} },
}

/** A result of every operation, with hostile text in it. */
export const RESULTS: { readonly [operation: string]: unknown } = {
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
  'recovery show': {
    runs: 2,
    unreadable: 1,
    recoveries: [{ code: HOSTILE, action: 'fallback', tried: 3, succeeded: 2, failed: 1 }],
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
    ensembles: [
      { name: 'e', source: 'project', description: HOSTILE, agents: 2, file: '/e.yaml' },
      {
        name: 'f',
        source: 'project',
        description: 'd',
        agents: 1,
        file: '/f.yaml',
        runnable: false,
        reasons: [{ agent: 'a', status: 'missing_profile', reason: HOSTILE }],
      },
    ],
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
  'cache show': {
    file: HOSTILE,
    enabled: false,
    max_bytes: 1000,
    answers: 1,
    bytes: 10,
    hits: 2,
    saved: 5,
    shares: [{ kind: 'model', source: HOSTILE, target: HOSTILE, answers: 1, bytes: 10, hits: 2, saved: 5 }],
  },
  'cache clear': { removed: 1 },
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
  'chain save': { name: HOSTILE, file: HOSTILE, steps: ['x'], replaced: true, backup: HOSTILE, warnings: [] },
  'chain delete': { name: HOSTILE, file: HOSTILE, deleted: true, backup: HOSTILE },
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
  ...EDIT_RESULTS,
  ...BATCH_RESULTS,
  ...TRUST_RESULTS,
  'scripts show': { reference: 'a.py', path: '/a.py', safety: 'unsafe', interactive: true, source: HOSTILE },
  'scripts test': { run: 'r', status: 'failed', output: { text: HOSTILE }, code: 'script_failed', message: HOSTILE },
  ...TOOL_RESULTS,
  ...QUOTE_RESULTS,
  ...MODEL_RESULTS,
  ...ROUTE_RESULTS,
  'providers list': {
    providers: [{ provider: 'p', available: true, reason: HOSTILE, models: ['m'] }],
    default: { provider: 'p', model: 'm', why: 'because' },
  },
  'providers limits': {
    limits: [
      {
        provider: HOSTILE,
        key_name: HOSTILE,
        base_url: HOSTILE,
        state: {
          limits: { requests: 60, window_ms: 60_000 },
          used: { requests: 7, tokens: 0 },
          waiting: 2,
          pause_ms: 1_500,
        },
      },
    ],
    breakers: [
      { name: HOSTILE, state: 'open', probe_in_ms: 12_000 },
      { name: 'p/m', state: 'closed' },
    ],
  },
  'providers test': { ok: false, provider: 'p', model: 'm', code: 'provider_auth', message: HOSTILE, detail: HOSTILE },
  'profiles list': {
    profiles: [{ name: 'x', provider: 'p', model: HOSTILE, fallback: 'y', source: 'user' }],
    problems: [],
  },
  'budgets list': {
    budgets: [
      {
        title: HOSTILE,
        limits: { max_cost: 10, max_calls: 3 },
        settled: { cost: 5, tokens: 7 },
        reserved: { cost: 1, tokens: 2 },
        calls: 1,
        gone: { cost: 1, tokens: 2, calls: 1 },
      },
    ],
    each_run: {},
  },
  'keys create': {
    key: 'orc_0_x',
    id: '0',
    name: HOSTILE,
    status: 'live',
    scopes: ['read'],
    created: '2026-01-01T00:00:00Z',
  },
  'keys list': {
    keys: [
      {
        id: '0',
        name: HOSTILE,
        status: 'expired',
        scopes: ['read', 'run'],
        created: '2026-01-01T00:00:00Z',
        expires: '2026-02-01T00:00:00Z',
        max_requests_per_minute: 60,
        max_concurrent: 2,
      },
    ],
  },
  'keys revoke': {
    revoked: [{ id: '0', name: HOSTILE, status: 'revoked', scopes: [], created: '2026-01-01T00:00:00Z' }],
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
