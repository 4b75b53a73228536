import { HOSTILE } from './tool-results.fixture.ts'

const entry = { name: HOSTILE, description: HOSTILE, category: 'code', path: `ensembles/${HOSTILE}` }
const edited = { name: HOSTILE, path: HOSTILE, changes_applied: [HOSTILE], backup_created: true, backup: HOSTILE }

/** Of what is made, changed and copied. */
export const EDIT_RESULTS: { readonly [operation: string]: unknown } = {
  'ensembles create': { created: true, path: HOSTILE, agents_copied: 2 },
  'ensembles update': { ...edited, preview: `name: x\n${HOSTILE}`, warnings: [], modified: false },
  'ensembles delete': { deleted: true, name: HOSTILE, path: HOSTILE },
  'ensembles runnable': {
    ensemble: HOSTILE,
    runnable: false,
    agents: [
      {
        name: HOSTILE,
        profile: 'p',
        provider: 'x',
        status: 'missing_profile',
        reason: HOSTILE,
        alternatives: [HOSTILE],
      },
    ],
    problems: [{ code: 'profile_missing', message: HOSTILE }],
  },
  'ensembles metrics': { ensemble: HOSTILE, total_executions: 2, success_rate: 0.5, avg_cost: 0, avg_duration: 1.5 },
  'artifacts analyze': {
    artifact_id: HOSTILE,
    status: 'failed',
    analysis: {
      total_agents: 1,
      successful_agents: 0,
      failed_agents: 1,
      failures: [{ agent: HOSTILE, error: HOSTILE }],
    },
    metrics: { agent_success_rate: 0, cost: null, duration: 1 },
  },
  'profiles create': { created: true, name: HOSTILE, path: HOSTILE },
  'profiles update': { ...edited, updated: true },
  'profiles delete': { deleted: true, name: HOSTILE, path: HOSTILE },
  'scripts create': { created: true, name: HOSTILE, category: HOSTILE, path: HOSTILE, template: 'basic' },
  'scripts delete': { deleted: true, name: HOSTILE, category: HOSTILE, path: HOSTILE },
  'library browse': { ensembles: [entry], scripts: [entry] },
  'library show': { ...entry, type: 'ensemble', content: `name: x\n${HOSTILE}` },
  'library search': { query: HOSTILE, results: { ensembles: [{ ...entry, match: 'name' }], scripts: [] }, total: 1 },
  'library copy': { copied: true, source: HOSTILE, destination: HOSTILE },
  'library info': { path: HOSTILE, exists: true, ensembles_count: 1, scripts_count: 2, categories: [HOSTILE] },
  'roles list': { roles: [{ name: HOSTILE, summary: HOSTILE, source: 'project', file: HOSTILE }], problems: [] },
  'roles show': { name: HOSTILE, prompt: HOSTILE, context: HOSTILE, source: 'project' },
  overview: {
    overview: 'What it is.',
    directory_structure: { project: HOSTILE },
    schemas: { ensemble: ['name', 'agents'] },
    workflows: { 'run an ensemble': ['ensembles list', 'run NAME'] },
  },
  'mcp serve': { served: 'http://127.0.0.1:8080/mcp', stopped: true },
}
