import { expect, test } from 'vitest'
import type { Event } from '../events/event.ts'
import { Probation } from './probation.ts'

function begin(...steps: (readonly [id: string, kind: string, parent?: string])[]) {
  const kept: string[] = []
  const probation = new Probation(({ answer }) => kept.push(String(answer)))
  const see = (type: string, data: object) => probation.see({ type, data } as unknown as Event)
  const top = steps.filter(([, , parent]) => parent === undefined).map(([id, kind]) => ({ id, kind }))
  see('run-started', { target: { name: 't' }, steps: top })
  for (const [id, kind, parent] of steps)
    if (parent !== undefined) see('steps-added', { step: parent, attempt: 1, steps: [{ id, kind }] })
  return {
    kept,
    see,
    answer: (step: string, text: string, { attempt = 1, turn = false, source = 'x/m', keep = true } = {}) =>
      probation.hold({
        step,
        attempt,
        source,
        turn,
        ...(keep ? { answer: { key: 'k', kind: 'model', answer: text, made: 0, source, run: 'r', step } } : {}),
      }),
    finish: (step: string, attempt = 1) => see('step-finished', { step, attempt }),
    check: (answer: string, status: 'passed' | 'failed') =>
      see('step-verified', { step: 'v', attempt: 1, n: 1, facts: { answer, status } }),
  }
}

test('a newer answer takes the place of one that was refused; wishes of the same model for tools stay', () => {
  const run = begin(['a', 'agent'])
  run.answer('a', 'other model asks for a tool', { turn: true, source: 'x/other' })
  run.answer('a', 'tool 1', { turn: true })
  run.answer('a', 'no JSON')
  run.answer('a', 'tool 2', { turn: true })
  run.answer('a', 'JSON')
  run.finish('a')
  expect(run.kept).toEqual(['tool 1', 'tool 2', 'JSON'])
})

test('when the newest answer is not to be kept, an older one is not kept in its stead', () => {
  const run = begin(['a', 'agent'])
  run.answer('a', 'no JSON')
  run.answer('a', 'from the cache', { keep: false })
  run.finish('a')
  expect(run.kept).toEqual([])
})

test('answers of an earlier attempt are not those of the one that succeeded', () => {
  const run = begin(['a', 'agent'])
  run.answer('a', 'first', { turn: true })
  run.see('step-failed', { step: 'a', attempt: 1, retry_at: 5 })
  run.answer('a', 'second', { attempt: 2 })
  run.finish('a', 2)
  expect(run.kept).toEqual(['second'])
})

test('a checked answer is kept when it passes; a first draft that was mended is not', () => {
  const run = begin(['v', 'verified'], ['v/answer', 'agent', 'v'], ['v/answer~1', 'agent', 'v'])
  run.answer('v/answer', 'draft')
  run.finish('v/answer')
  run.check('v/answer', 'failed')
  run.answer('v/answer~1', 'mended')
  run.finish('v/answer~1')
  expect(run.kept).toEqual([])
  run.check('v/answer~1', 'passed')
  run.finish('v')
  expect(run.kept).toEqual(['mended'])
})

test('every check around a step has to pass', () => {
  const run = begin(
    ['v', 'verified'],
    ['v/answer', 'nested', 'v'],
    ['v/answer/w', 'verified', 'v/answer'],
    ['v/answer/w/answer', 'agent', 'v/answer/w'],
    ['v/answer/b', 'agent', 'v/answer'],
  )
  run.answer('v/answer/w/answer', 'twice checked')
  run.answer('v/answer/b', 'once checked')
  run.finish('v/answer/w/answer')
  run.finish('v/answer/b')
  run.check('v/answer/w/answer', 'passed')
  expect(run.kept).toEqual([])
  run.check('v/answer', 'passed')
  expect(run.kept.toSorted()).toEqual(['once checked', 'twice checked'])
})

test('an outer check that fails, or never comes, drops what passed inside', () => {
  const run = begin(['v', 'verified'], ['v/answer', 'agent', 'v'])
  run.answer('v/answer', 'draft')
  run.finish('v/answer')
  run.see('run-finished', {})
  run.check('v/answer', 'passed')
  expect(run.kept).toEqual([])
})

test('of a run whose beginning is not known nothing is kept', () => {
  const kept: unknown[] = []
  const probation = new Probation((answer) => kept.push(answer))
  const answer = { key: 'k', kind: 'model', answer: 'x', made: 0, source: 's', run: 'r', step: 'a' } as const
  probation.hold({ step: 'a', attempt: 1, source: 's', turn: false, answer })
  probation.see({ type: 'step-finished', data: { step: 'a', attempt: 1 } } as unknown as Event)
  expect(kept).toEqual([])
})
