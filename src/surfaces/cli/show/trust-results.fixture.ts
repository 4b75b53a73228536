import { HOSTILE } from './tool-results.fixture.ts'

const APPROVAL = {
  run: 'r',
  key: HOSTILE,
  step: 'a',
  grant: { tool: HOSTILE, version: HOSTILE, safety: 'unsafe' },
  status: 'denied',
  by: 'person',
  reason: HOSTILE,
  asked: '2026-01-02T03:04:05.000Z',
  expires: '2026-01-02T04:04:05.000Z',
  request: { arguments: { command: HOSTILE, [HOSTILE]: [HOSTILE] } },
  digest: 'd',
}

export const MCP_SERVER = {
  name: 's',
  url: 'https://s.example/mcp',
  era: 'modern',
  protocol: '2026-07-28',
  server: { name: HOSTILE, version: HOSTILE },
  tools: [{ name: 't', description: HOSTILE, safety: 'unsafe', digest: 'd', input_schema: {} }],
  problems: [{ code: 'mcp_tool_refused', message: HOSTILE, severity: 'warning' }],
}

/** By operation: results about approvals, policy, sandboxes and pictures, with such text wherever strangers can put some. */
export const TRUST_RESULTS = {
  'sandbox list': {
    tiers: [
      {
        tier: 'bwrap',
        state: 'ready',
        made_of: 'bubblewrap',
        promises: ['dns'],
        not: 'much',
        proved: false,
        why: HOSTILE,
      },
    ],
  },
  'sandbox check': {
    tried: ['bwrap'],
    trials: [{ attack: 'dns', title: 'asks DNS', tier: 'bwrap', cell: 'ESCAPED', detail: HOSTILE }],
    untested: ['gvisor'],
    escaped: 1,
    unproved: 0,
    passed: false,
  },
  'sandbox bench': {
    rounds: 3,
    overhead: [{ program: 'sh', tier: 'bwrap', ms: { median: 1 }, more_ms: 1, ratio: { min: 1, median: 2, max: 3 } }],
  },
  'ensembles graph': { name: 'e', format: 'ascii', drawing: `[a]  ${HOSTILE}` },
  'approvals list': { approvals: [APPROVAL] },
  'approvals show': APPROVAL,
  'policy check': { tool: HOSTILE, decision: 'ask', reason: HOSTILE },
  'policy explain': {
    tool: 'bash',
    decision: 'deny',
    reason: HOSTILE,
    place: 'policy.yaml:3',
    call: { name: 'bash', argument: HOSTILE, paths: [HOSTILE], hosts: [HOSTILE] },
    levels: [{ level: 'project', may_allow: false, rules: [HOSTILE] }],
  },
}
