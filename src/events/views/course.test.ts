import { describe, expect, test } from 'vitest'
import { describeCourseOf, describeReason } from './course-words.ts'
import { arrangeFamilies } from './family.ts'
import { createReport } from './report.ts'
import { reportToMarkdown } from './report-markdown.ts'
import { inline, planned, SampleJournal } from './sample-events.ts'

const child = (id: string) => planned(id)

function words(journal: SampleJournal, name = 'a'): string[] {
  const agent = createReport(journal.events).agents.find((one) => one.name === name)
  return agent ? describeCourseOf(agent) : []
}

describe('how a step came to its output', () => {
  test('verdicts, with repairs and reasons', () => {
    const journal = new SampleJournal().start([planned('a', [], 'verified')]).begin('a')
    const fact = { step: 'a', attempt: 1 }
    const base = { criteria: ['non-empty', 'judge'], provider: 'p' }
    journal
      .add('step-verified', {
        ...fact,
        n: 1,
        facts: {
          ...base,
          status: 'failed',
          try: 1,
          repair: 0,
          answer: 'a/answer',
          model: 'm',
          failed: ['judge'],
          score: 0.2,
        },
        content: inline({ checks: [{ check: 'judge', passed: false, why: 'too\nshort' }] }),
      })
      .add('step-verified', {
        ...fact,
        n: 2,
        facts: {
          ...base,
          status: 'passed',
          try: 2,
          repair: 1,
          answer: 'a/answer~1',
          model: 'm',
          profile: 'big',
          failed: [],
        },
      })
    expect(words(journal)).toEqual([
      'try 1 (m) failed: judge (too\nshort)',
      'try 2 (big, repair 1) passed: non-empty, judge',
    ])
    expect(reportToMarkdown(createReport(journal.events))).toContain('\n- try 1 (m) failed\\: judge (too short)\n')
  })

  test('a new attempt tells its course anew', () => {
    const journal = new SampleJournal().start([planned('a')]).begin('a')
    journal.add('ballot-cast', { step: 'a', attempt: 1, n: 1, facts: { voter: 'v', status: 'cast' } })
    journal.fail('a', { retry_at: 1 }).add('step-retried', { step: 'a', attempt: 2, version: 1 })
    expect(words(journal)).toEqual([])
  })

  test('ballots and the count', () => {
    const journal = new SampleJournal().start([planned('a', [], 'assemble')]).begin('a')
    const cast = (n: number, facts: object, content: object) =>
      journal.add('ballot-cast', {
        step: 'a',
        attempt: 1,
        n,
        facts: { ...facts } as never,
        content: inline(content as never),
      })
    cast(1, { voter: 'a/voter-1', model: 'm', status: 'cast' }, { ranking: ['x', 'y'], reasons: 'good' })
    cast(2, { voter: 'a/voter-2', model: 'n', status: 'abstained' }, { why: 'rate_limited: later' })
    journal.add('note-written', {
      step: 'a',
      attempt: 1,
      n: 1,
      facts: { about: 'tally', method: 'borda' },
      content: inline({ order: ['x', 'y'], scores: { x: 1, y: 1 }, tied: ['x', 'y'] }),
    })
    expect(words(journal)).toEqual([
      'voter-1 (m) voted x > y (good)',
      'voter-2 (n) abstained: rate_limited: later',
      'borda: x 1, y 1; drawn by lot between x, y',
    ])
  })

  test('rounds of a loop', () => {
    const journal = new SampleJournal().start([planned('a', [], 'loop')]).begin('a')
    const note = (n: number, ended: string) =>
      journal.add('note-written', { step: 'a', attempt: 1, n, facts: { about: 'loop', rounds: 3, ended, limit: 3 } })
    expect(words(note(1, 'until'))).toEqual(['3 rounds; then `until` held'])
    expect(words(note(2, 'limit'))).toEqual(['3 rounds; ended at the limit of 3'])
  })

  test('items: how many of how many, and which failed', () => {
    const journal = new SampleJournal().start([planned('a', [], 'each')]).begin('a')
    const steps = [child('a[0]'), child('a[1]'), child('a[2]')]
    journal.add('steps-added', { step: 'a', attempt: 1, proposal: 'items', steps })
    journal.begin('a[0]').finish('a[0]').begin('a[1]').fail('a[1]')
    expect(words(journal)).toEqual(['1 of 3 items succeeded; not: a[1]'])
  })

  test('why a step was skipped', () => {
    expect(describeReason({ status: 'skipped', reason: 'condition' })).toBe('its condition did not hold')
    expect(describeReason({ status: 'cancelled', reason: 'asked' })).toBe('asked')
    const journal = new SampleJournal().start([planned('a')]).add('step-skipped', { step: 'a', reason: 'condition' })
    expect(reportToMarkdown(createReport(journal.events))).toContain('No output: skipped (its condition did not hold).')
  })
})

test('what the steps below one spent counts for it too', () => {
  const journal = new SampleJournal().start([planned('a')]).begin('a')
  journal.add('steps-added', { step: 'a', attempt: 1, proposal: 'x', steps: [child('a/1'), child('a/2')] })
  journal.begin('a/1').call('a/1', { input: 5, output: 1, cost: 10 }).begin('a/2').call('a/2', { input: 7, cost: 1 })
  const [a, one] = createReport(journal.events).agents
  expect(a?.family_usage).toMatchObject({ calls: 2, input: 12, output: 1, cost: 11 })
  expect([a?.usage.calls, one?.usage.calls, one?.family_usage]).toEqual([0, 1, undefined])
})

test('children stand under those who proposed them', () => {
  const journal = new SampleJournal()
    .start([planned('a'), planned('b')])
    .begin('b')
    .begin('a')
  journal.add('steps-added', { step: 'b', attempt: 1, proposal: 'x', steps: [child('b/1')] })
  journal.add('steps-added', { step: 'a', attempt: 1, proposal: 'x', steps: [child('a/1'), child('a/2')] })
  journal.begin('a/1').add('steps-added', { step: 'a/1', attempt: 1, proposal: 'x', steps: [child('a/1/x')] })
  const { agents } = createReport(journal.events)
  expect(arrangeFamilies(agents).map(({ agent, depth }) => `${depth} ${agent.name}`)).toEqual([
    '0 a',
    '1 a/1',
    '2 a/1/x',
    '1 a/2',
    '0 b',
    '1 b/1',
  ])
})
