/** Text that a terminal would obey. */
export const HOSTILE = 'red\u001b[31m\u0007\nline\u202e \u009b2J'

/** By operation: results that hold such text wherever strangers can put some. */
export const TOOL_RESULTS = {
  'tools list': {
    tools: [
      {
        name: 'x',
        version: '1.0.0',
        aliases: [HOSTILE],
        safety: 'pure',
        source: 'catalog',
        description: HOSTILE.repeat(9),
      },
    ],
    problems: [{ code: 'tool_invalid', message: HOSTILE }],
  },
  'tools show': {
    name: 'x',
    version: '1.0.0',
    safety: 'pure',
    source: HOSTILE,
    place: HOSTILE,
    digest: 'd',
    description: HOSTILE,
    permissions: { hosts: [HOSTILE] },
    versions: [HOSTILE, '2.0.0'],
    migrations: [HOSTILE],
    input_schema: { description: HOSTILE },
  },
  'tools test': { run: 'r', status: 'failed', output: { text: HOSTILE }, code: 'tool_failed', message: HOSTILE },
  'tools new': { name: 'x', version: '1.0.0', folder: HOSTILE, files: ['tool.json'] },
  'tools migrate': {
    success: false,
    data: { text: HOSTILE },
    error: { code: 'migration_failed', message: HOSTILE, detail: HOSTILE },
    rolled_back: false,
    path: [],
  },
}
