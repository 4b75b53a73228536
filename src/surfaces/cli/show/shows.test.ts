import { describe, expect, test } from 'vitest'
import { loadOperations } from '../../../app/operations.ts'
import { createStyle } from '../render/style.ts'
import { measure } from '../render/width.ts'
import type { Page } from './page.ts'
import { REPORT, RESULTS, SPENT } from './results.fixture.ts'
import { showResult } from './shows.ts'
import { renderTimeline } from './timeline.ts'
import { HOSTILE } from './tool-results.fixture.ts'

const style = createStyle({ color: false, unicode: true })
const pipe: Page = { style, rich: false, terminal: false }
const screen: Page = { style, width: 60, rich: true, terminal: true }

describe('every result can be shown', () => {
  test.each(Object.keys(RESULTS))('%s', async (operation) => {
    const plain = await showResult(operation, RESULTS[operation], pipe)
    expect(plain.text).not.toBe('')
    expect(`${plain.text}${plain.aside}`).not.toMatch(/undefined undefined|\[object/)
    for (const width of [60, 1]) {
      const { text, aside = '' } = await showResult(operation, RESULTS[operation], { ...screen, width })
      // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
      expect(text + aside).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202e]/)
    }
  })

  test('operations without a look of their own are few', async () => {
    const without = [...(await loadOperations()).values()].filter(
      ({ name }) =>
        !(name in RESULTS) &&
        !/^(run|chain run|workflow run|demo|version|validate \w+|runs (tail|cancel|resume|resolve|steer|fork)|approvals (give|deny))$/.test(
          name,
        ),
    )
    expect(without.map(({ name }) => name)).toEqual([])
  })
})

test('a question is shown whole, with the words that answer it', async () => {
  const questions = [{ key: `look@1/${HOSTILE}`, question: `Fit?\n${HOSTILE}`, options: ['yes', 'no'] }]
  const asks = questions.map(({ key }) => key)
  const result = { run: 'r', status: 'paused', report: REPORT, provider_notes: [], asks, questions }
  const { aside = '' } = await showResult('workflow run', result, pipe)
  expect(aside).toMatch(/asks:\n {2}Fit\?\n {2}red/)
  expect(aside).toMatch(/llm-orc runs resolve r '.*' done yes\|no$/)
  expect(aside).not.toContain('failed|not-done')
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
  expect(aside).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202e]/)
})

test('tables give way to a narrow terminal, never to a pipe', async () => {
  const long = { runs: [{ id: 'r'.repeat(40), status: 's', target: 't'.repeat(200), started: '', events: 1 }] }
  for (const line of (await showResult('runs list', long, screen)).text.split('\n'))
    expect(measure(line)).toBeLessThanOrEqual(60)
  expect((await showResult('runs list', long, pipe)).text).toContain('t'.repeat(200))
})

test.each([60, 30, 12])('a timeline fits %i columns, and shows attempts and waits', (width) => {
  const { timeline } = RESULTS['runs show'] as { timeline: object }
  const text = renderTimeline(timeline as Parameters<typeof renderTimeline>[0], { ...screen, width })
  for (const line of text.split('\n')) expect(measure(line)).toBeLessThanOrEqual(width)
  if (width === 60) expect(text).toMatch(/█+░+2█+ ✓ 0\.10s x2/)
  if (width === 60) expect(text).toMatch(/2 日本語.* +\? ↻/)
})

test('what a step proposed stands below it, and what was skipped is named', async () => {
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
  const drawn = { ...result, timeline: { now: 10, lanes: 3, spans, waits: [] } }
  const { text: timeline } = await showResult('runs show', drawn, pipe)
  expect(timeline).toMatch(/ 1 a .*\n {2}3 {3}answer .*\n {2}2 b /)
  expect(timeline).toContain('Skipped\n  c: its condition did not hold')
  const { text } = await showResult('runs show', result, pipe)
  expect(text).toMatch(/the answer\n2 rounds; ended at the limit of 2\n {2}✗ answer {2}x: red line/)
  expect(text).toContain('(skipped: its condition did not hold)')
  expect(text).not.toContain('\u001b[31m')
})

test('a difference is shown with both sides', async () => {
  const { text } = await showResult(
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

test('what a run asks comes with the command that answers it', async () => {
  const { aside } = await showResult(
    'run',
    { run: 'r', status: 'paused', asks: ["a b/'x"], report: REPORT, provider_notes: ['embedded, because'] },
    pipe,
  )
  expect(aside).toContain("llm-orc runs resolve r 'a b/'\\''x' done|failed|not-done")
  expect(aside).toContain('note: embedded, because')
})
