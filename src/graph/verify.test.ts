import { describe, expect, test } from 'vitest'
import { assembleBlock, compileAssemble } from './assemble.ts'
import { Report } from './report.ts'
import type { GraphStep } from './step-graph.ts'
import { compileVerify, findCheck, type VerifySettings, verifyBlock } from './verify.ts'

const candidates = [{ provider: 'p', model: 'm' }]
const inner: GraphStep = {
  id: 'a',
  kind: 'agent',
  spec: { candidates },
  after: [{ step: 'b', on: 'always' }],
  timeout_ms: 5,
  retry: { attempts: 2 },
}

function verify(written: unknown, more: { settings?: VerifySettings; timed?: boolean } = {}) {
  const report = new Report((path) => ({ file: path.join('.') }))
  const step = compileVerify(report, {
    inner,
    block: verifyBlock.parse(written),
    path: ['verify'],
    timed: more.timed ?? false,
    means: {
      settings: more.settings ?? {},
      findModel: () => candidates,
      findScript: (reference) =>
        reference === 'gone.py' ? { type: 'missing', searched: [] } : { type: 'inline', text: reference },
      steps: new Set(['b']),
    },
  })
  return { step, problems: report.problems.map(({ code, file, message }) => `${file} ${code} ${message}`) }
}

describe('verify', () => {
  test('wraps the step: dependencies outside, retry inside', () => {
    const { step, problems } = verify(['non-empty', { min_length: 5, max_length: 9 }])
    expect(problems).toEqual([])
    expect(step).toEqual({
      id: 'a',
      kind: 'verified',
      after: [{ step: 'b', on: 'always' }],
      spec: {
        step: { id: 'answer', kind: 'agent', spec: { candidates }, retry: { attempts: 2 }, timeout_ms: 5 },
        checks: [
          { name: 'non-empty', kind: 'non-empty' },
          { name: 'min_length 5', kind: 'min-length', limit: 5 },
          { name: 'max_length 9', kind: 'max-length', limit: 9 },
        ],
        repair_limit: 2,
      },
    })
  })

  test("the user's own time limit holds for the whole", () => {
    const { step } = verify(['coherent'], { timed: true })
    expect(step.timeout_ms).toBe(5)
    expect(step.spec['step']).not.toHaveProperty('timeout_ms')
  })

  test('how often to repair: the block, else the setting, else twice', () => {
    const limit = (written: object, settings = {}) =>
      verify({ checks: ['coherent'], ...written }, { settings }).step.spec['repair_limit']
    expect([limit({ repair_limit: 0 }, { repair_limit: 7 }), limit({}, { repair_limit: 7 }), limit({})]).toEqual([
      0, 7, 2,
    ])
  })

  test('switched off, the step is the plain one, and what is wrong is said all the same', () => {
    expect(verify({ checks: ['coherent'], enabled: false }).step).toBe(inner)
    expect(verify(['coherent'], { settings: { enabled: false } }).step).toBe(inner)
    expect(verify({ checks: ['nope'], enabled: false }).problems).toHaveLength(1)
  })

  test('a judge', () => {
    const { step } = verify({ judge: { rubric: 'good' } })
    expect(step.spec['judge']).toEqual({ candidates, rubric: 'good', threshold: 0.7 })
  })

  test.each([
    ['an unknown check', ['non-emtpy'], 'verify.0 check_unknown there is no check "non-emtpy"'],
    ['a broken pattern', [{ regex: '(a' }], 'verify.0.regex ensemble_invalid the pattern cannot be used'],
    ['a look-behind', { checks: [{ not_regex: '(?<!a)b' }] }, 'verify.checks.0.not_regex ensemble_invalid the pattern'],
    ['broken CEL', [{ cel: 'output ==' }], 'verify.0.cel ensemble_invalid'],
    ['a step it cannot see', [{ cel: 'steps.c.output == output' }], 'verify.0.cel ensemble_invalid "c" is not a step'],
    [
      'a schema that is not checked',
      [{ json_schema: { pattern: 'x' } }],
      'verify.0.json_schema ensemble_invalid pattern',
    ],
    ['a missing script', [{ script: 'gone.py' }], 'verify.0.script script_missing'],
    ['an empty check', [{}], 'verify.0 ensemble_invalid a check is empty'],
    ['parameters of nothing', [{ parameters: {} }], 'verify.0 ensemble_invalid a check is empty'],
    ['a misspelt key of a check', [{ min_length: 1, regexp: 'x' }], 'verify.0.regexp check_unknown'],
    ['a misspelt key', { checks: ['coherent'], jugde: {} }, 'verify.jugde check_unknown'],
    ['a misspelt key of a judge', { judge: { rubric: 'x', treshold: 1 } }, 'verify.judge.treshold check_unknown'],
    ['nothing at all', {}, 'verify ensemble_invalid verify of "a" checks nothing'],
  ])('%s is refused', (_, written, problem) => {
    expect(verify(written).problems[0]).toContain(problem)
  })

  test('the names of older plans', () => {
    expect(findCheck('min-length-100')).toMatchObject({ kind: 'min-length', limit: 100 })
    expect(findCheck('coherent')).toMatchObject({ kind: 'min-words', limit: 10 })
    expect(findCheck('excellent')).toBeUndefined()
  })

  test.each([{ judge: {} }, { repair_limit: -1 }, 'yes'])('no block: %j', (written) => {
    expect(verifyBlock.safeParse(written).success).toBe(false)
  })
})

function assemble(written: unknown, after: readonly string[] = ['b', 'c']) {
  const report = new Report((path) => ({ file: path.join('.') }))
  const step = compileAssemble(report, {
    id: 'end',
    after: after.map((name) => ({ step: name, on: 'always' })),
    block: assembleBlock.parse(written),
    path: ['assemble'],
    blocks: after.map((name) => ({ step: name, label: name })),
    means: { findModel: ({ model_profile }) => [{ provider: 'p', model: model_profile ?? 'own' }] },
  })
  return { step, problems: report.problems.map(({ file, message }) => `${file} ${message}`) }
}

describe('assemble', () => {
  test('a word, and a map', () => {
    expect(assemble('concatenate').step).toMatchObject({ id: 'end', kind: 'assemble', spec: { method: 'concatenate' } })
    expect(assemble('synthesize').step?.spec['candidates']).toEqual([{ provider: 'p', model: 'own' }])
    const { step } = assemble({ method: 'rank', voters: ['x', { model_profile: 'y' }], instruct: 'Be fair.' })
    expect(step?.spec).toMatchObject({
      count: 'condorcet',
      instruct: 'Be fair.',
      voters: [[{ model: 'x' }], [{ model: 'y' }]],
    })
    expect(assemble({ method: 'best', judge: { model_profile: 'j', rubric: 'short' } }).step?.spec).toMatchObject({
      instruct: 'short',
      voters: [[{ model: 'j' }]],
    })
    expect(assemble({ method: 'vote', over: 'verdict' }).step?.spec).toMatchObject({ over: ['verdict'] })
  })

  test.each([
    [{ method: 'rank' }, 'assemble.method a ranking needs voters'],
    [{ method: 'rank', over: ['a', 'b'] }, 'assemble.over a ranking stands in one field'],
    [{ method: 'vote', over: 'x', voters: ['y'] }, 'assemble.over "over" means nothing'],
    [{ method: 'merge', separator: '-' }, 'assemble.separator "separator" means nothing for assemble: merge'],
    [{ method: 'vote', instruct: 'x' }, 'assemble.instruct "instruct" means nothing'],
    [{ method: 'vote', model_profile: 'x' }, 'assemble.model_profile "model_profile" means nothing'],
  ])('%j is refused', (written, problem) => {
    const { step, problems } = assemble(written)
    expect(problems[0]).toContain(problem)
    expect(step).toBeUndefined()
  })

  test('nothing to assemble', () => {
    expect(assemble('vote', []).problems).toEqual([
      'assemble "end" depends on nothing, so there is nothing to assemble',
    ])
  })
})
