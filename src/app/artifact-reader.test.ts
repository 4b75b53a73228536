import { expect, test } from 'vitest'
import { readArtifact, summarizeArtifact } from './artifact-reader.ts'

const CLI_SHAPE = {
  ensemble: 'code-review',
  status: 'completed_with_errors',
  input: { data: 'look at this' },
  results: {
    second: { status: 'failed', error: 'model loading failed' },
    first: { response: '{"success": true, "size": 3}', status: 'success' },
  },
  synthesis: null,
  metadata: {
    agents_used: 2,
    started_at: '2025-11-02T10:20:30.123456',
    completed_at: '2025-11-02T10:20:31.353456',
    duration: '1.23s',
    usage: {
      agents: {
        first: { input_tokens: 10, output_tokens: 5, total_tokens: 15, cost_usd: 0.001, duration_ms: 400, model: 'm' },
      },
      totals: { total_tokens: 15, agents_count: 1 },
    },
  },
  execution_order: ['first', 'second'],
}

const MCP_SHAPE = {
  ensemble_name: 'code-review',
  input: 'look at this',
  timestamp: '2025-11-02T10:20:30.123456',
  status: 'completed',
  results: { first: { response: 'fine', status: 'success' } },
  synthesis: null,
  agents: [{ name: 'first', status: 'completed', result: { response: 'fine', status: 'success' } }],
}

test('the command line shape is read, agents in the configured order', () => {
  const artifact = readArtifact(JSON.stringify(CLI_SHAPE))
  expect(artifact).toMatchObject({
    ensemble: 'code-review',
    status: 'completed_with_errors',
    input: 'look at this',
    timestamp: '2025-11-02T10:20:30.123456',
    duration_ms: 1230,
    results: [
      { agent: 'first', status: 'success', response: '{"success": true, "size": 3}' },
      { agent: 'second', status: 'failed', response: null, error: 'model loading failed' },
    ],
  })
  expect(artifact.usage).toEqual(CLI_SHAPE.metadata.usage)
  expect(summarizeArtifact(artifact)).toEqual({
    timestamp: '2025-11-02T10:20:30.123456',
    status: 'completed_with_errors',
    duration_ms: 1230,
    agent_count: 2,
  })
})

test('the MCP shape is read to the same object', () => {
  const expected = {
    ensemble: 'code-review',
    status: 'completed',
    input: 'look at this',
    timestamp: MCP_SHAPE.timestamp,
  }
  const results = [{ agent: 'first', status: 'success', response: 'fine' }]
  expect(readArtifact(JSON.stringify(MCP_SHAPE))).toMatchObject({ ...expected, results })
  const { results: _, ...withoutMap } = MCP_SHAPE
  expect(readArtifact(JSON.stringify(withoutMap))).toMatchObject({ ...expected, results })
  const bare = {
    ...withoutMap,
    agents: [{ name: 'first', status: 'completed', result: 'fine' }],
    total_duration_ms: 77,
  }
  expect(readArtifact(JSON.stringify(bare))).toMatchObject({ ...expected, results, duration_ms: 77 })
})

test('a response that is an object, and a result without a status, are read too', () => {
  const { results } = readArtifact(
    '{"ensemble":"e","results":{"a":{"response":{"x":1}},"b":"text","c":{"error":"bad"}}}',
  )
  expect(results).toEqual([
    { agent: 'a', status: 'success', response: '{"x":1}' },
    { agent: 'b', status: 'success', response: 'text' },
    { agent: 'c', status: 'failed', response: null, error: 'bad' },
  ])
})

test.each(['', '{', '[]', 'null', '3', '{}', '{"ensemble":5}', '\0'])(
  '%j is artifact_unreadable and names the file',
  (text) => {
    expect(() => readArtifact(text, '/x/execution.json')).toThrow(
      expect.objectContaining({
        problems: [expect.objectContaining({ code: 'artifact_unreadable', file: '/x/execution.json' })],
      }),
    )
  },
)

test('B03: hostile keys are only names', () => {
  const text =
    '{"ensemble":"e","results":{"__proto__":{"response":"x","polluted":true}},"agents":{"__proto__":{}},"metadata":[]}'
  expect(readArtifact(text).results).toEqual([{ agent: '__proto__', status: 'success', response: 'x' }])
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
})
