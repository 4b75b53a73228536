import { describe, expect, test } from 'vitest'
import { callScript, readDocument } from './run-library.ts'

const measureText = (input: string, parameters = {}) =>
  callScript('text/measure_text.mjs', { input, parameters, context: {} })
const measureDiff = (input: string) => callScript('code/measure_diff.mjs', { input, parameters: {}, context: {} })

describe('measure_text', () => {
  test('counts what can be counted by hand', async () => {
    const text =
      '# Title\n\nOne two three. Four five?\n\n- Six on 4 May 2025 at 07:41.\n- It cost 12.50 EUR, 3 % more!\n\n```\nnot prose\n```\n'
    expect(await measureText(text)).toMatchObject({
      success: true,
      words: 18,
      sentences: 4,
      paragraphs: 3,
      questions: 1,
      longest_sentence_words: 7,
      average_sentence_words: 4.5,
      headings: [{ level: 1, title: 'Title' }],
      dates: ['4 May 2025'],
      times: ['07:41'],
      amounts: ['12.50 EUR'],
      percentages: ['3 %'],
    })
  })

  test('measures the shipped document', async () => {
    const measured = await measureText(readDocument('payout-incident.md'), { terms: 3 })
    expect(measured['words']).toBeGreaterThan(800)
    expect(measured['words']).toBeLessThan(1000)
    expect(measured['headings']).toHaveLength(9)
    expect(measured['frequent_terms']).toHaveLength(3)
    expect(measured).toMatchObject({ frequent_terms: [{ term: 'bank' }, {}, {}], questions: 3 })
  })

  test('counts other scripts than Latin, and nothing at all', async () => {
    expect(await measureText('支払いは二回送信されました。原因は不明です。')).toMatchObject({
      sentences: 2,
      flesch_reading_ease: null,
    })
    expect(await measureText('')).toMatchObject({
      success: true,
      words: 0,
      sentences: 0,
      average_sentence_words: 0,
      flesch_reading_ease: null,
    })
  })

  test('a megabyte is measured too', async () => {
    const text = `${readDocument('payout-incident.md')}\n\n`.repeat(190)
    expect(text.length).toBeGreaterThan(1_000_000)
    expect(await measureText(text)).toMatchObject({ success: true, headings: expect.any(Array) })
  })

  test('a file that is not there is an error as data', async () => {
    expect(await measureText('', { path: '/no/such/file' })).toMatchObject({
      success: false,
      error: expect.stringContaining('/no/such/file'),
    })
  })
})

describe('measure_diff', () => {
  test('counts the shipped diff and flags its planted faults', async () => {
    const measured = await measureDiff(readDocument('example.diff'))
    expect(measured).toMatchObject({
      success: true,
      files_changed: 4,
      additions: 28,
      deletions: 23,
      test_files_changed: 0,
      code_without_tests: true,
    })
    const flags = (measured['flags'] as { kind: string; place: string; line: string }[]).map(
      ({ kind, place }) => `${kind} ${place}`,
    )
    expect(flags).toEqual(
      expect.arrayContaining([
        'possible secret payouts/settings.py:6',
        'query built from text payouts/store.py:14',
        'shared default payouts/worker.py:20',
        'check removed payouts/worker.py:23',
        'catches everything payouts/worker.py:33',
        'unfinished payouts/worker.py:34',
      ]),
    )
    expect(JSON.stringify(measured)).not.toContain('sandbox-4471')
  })

  test('added, removed, renamed and binary files; lines that look like headers; no final newline', async () => {
    const diff = [
      'diff --git a/old.txt b/old.txt',
      '--- a/old.txt',
      '+++ /dev/null',
      '@@ -1,2 +0,0 @@',
      '--- a/this is content',
      '-+++ b/so is this',
      'diff --git a/tests/new.py b/tests/new.py',
      '--- /dev/null',
      '+++ b/tests/new.py',
      '@@ -0,0 +1 @@',
      '+++ x',
      '\\ No newline at end of file',
      'similarity index 90%',
      'rename from a.py',
      'rename to b.py',
      '--- a/a.py',
      '+++ b/b.py',
      '@@ -1 +1 @@',
      '-x = 1',
      '+x = 2',
      'Binary files a/p.png and b/p.png differ',
    ].join('\n')
    expect((await measureDiff(diff))['files']).toEqual([
      { path: 'old.txt', status: 'removed', additions: 0, deletions: 2, test: false },
      { path: 'tests/new.py', status: 'added', additions: 1, deletions: 0, test: true },
      { path: 'b.py', status: 'renamed', additions: 1, deletions: 1, test: false },
      { path: 'p.png', status: 'binary', additions: 0, deletions: 0, test: false },
    ])
  })

  test.each(['', 'just words', '@@ -1 +1 @@\n-a\n+b'])('%j is no diff', async (text) => {
    expect(await measureDiff(text)).toEqual({ success: false, error: expect.stringMatching(/diff/) })
  })
})
