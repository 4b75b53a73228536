import { describe, expect, test } from 'vitest'
import { exitCodeFor } from './exits.ts'
import { chooseOutput } from './settings.ts'

const ended = (status: string) => ({ report: { status, errors: [] } })

describe('exit codes', () => {
  test.each([
    ['run', ended('succeeded'), 0],
    ['run', ended('partial'), 1],
    ['run', ended('failed'), 1],
    ['run', ended('exhausted'), 5],
    ['run', ended('cancelled'), 130],
    ['run', { ...ended('paused'), asks: ['a/script'] }, 4],
    ['run', { run: 'r', status: 'detached', provider_notes: [] }, 0],
    ['runs show', ended('failed'), 0],
    ['runs cancel', ended('cancelled'), 0],
    ['runs cancel', ended('succeeded'), 0],
    ['runs cancel', ended('failed'), 1],
    ['runs resolve', ended('running'), 0],
    ['runs resume', ended('partial'), 1],
    ['runs replay', { equal: false }, 1],
    ['runs replay', { equal: true }, 0],
    ['runs doctor', { healthy: false }, 1],
    ['validate run', { passed: false }, 1],
    ['validate run', { passed: true }, 0],
    ['providers test', { ok: false }, 1],
    ['scripts test', { status: 'failed' }, 1],
    ['tools test', { status: 'succeeded', output: { code: 3 } }, 0],
    ['tools test', { status: 'failed', code: 'tool_failed' }, 1],
    ['tools test', { status: 'failed', code: 'path_refused' }, 3],
    ['tools test', { status: 'paused', asks: ['x'] }, 4],
    ['tools migrate', { success: false }, 1],
    ['ensembles check', { valid: true, problems: [{ code: 'unknown_key', severity: 'warning' }] }, 0],
    ['ensembles check', { valid: false, problems: [{ code: 'dependency_cycle' }] }, 2],
    ['runs list', { runs: [] }, 0],
  ])('%s of %j is %i', (operation, result, code) => {
    expect(exitCodeFor(operation, result)).toBe(code)
  })
})

test('the form of the result follows what was said, then who listens', () => {
  const here = { isTTY: true, streams: true }
  const pipe = { isTTY: false, streams: true }
  expect(chooseOutput({}, here)).toBe('rich')
  expect(chooseOutput({}, pipe)).toBe('text')
  expect(chooseOutput({ detailed: true }, pipe)).toBe('rich')
  expect(chooseOutput({ output: 'json' }, here)).toBe('json')
  expect(chooseOutput({ output_format: 'text' }, here)).toBe('text')
  expect(chooseOutput({ output_format: 'json' }, pipe)).toBe('lines')
  expect(chooseOutput({ output_format: 'json', streaming: false }, pipe)).toBe('execution')
  expect(chooseOutput({ output_format: 'json' }, { isTTY: false, streams: false })).toBe('json')
})
