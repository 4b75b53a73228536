/* oxlint-disable no-control-regex -- control characters are the subject here */
import { expect, test } from 'vitest'
import { OrcError } from '../../../events/errors.ts'
import { createReport } from '../../../events/views/report.ts'
import { inline, NASTY_OUTPUTS, planned, SampleJournal } from '../../../events/views/sample-events.ts'
import { exitCodeOf } from './exit-code.ts'
import { renderMarkdown } from './markdown.ts'
import { renderProblems } from './problem.ts'
import { renderRich } from './rich.ts'
import { createStyle, wantsColor, wantsUnicode } from './style.ts'
import { renderTable } from './table.ts'
import { renderText } from './text.ts'
import { fit, measure } from './width.ts'

const plain = createStyle({ color: false, unicode: false })
const color = createStyle({ color: true, unicode: true })
const RAW = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/
/** What our own dress puts in: colours only. */
const undress = (text: string) => text.replace(/\x1b\[\d+m/g, '')

function runTwo(): SampleJournal {
  return new SampleJournal()
    .start([planned('a'), planned('b', ['a']), planned('c', ['a'])])
    .begin('a')
    .route('a', { provider: 'ollama', model: 'm1', profile: 'small' })
    .call('a', { input: 1200, output: 34, cost: 2_500_000 })
    .finish('a', '# Title\nsome **bold** text')
    .begin('b')
    .finish('b', { success: true })
}

test('text is the answer only; several answers are labelled', () => {
  const one = new SampleJournal()
    .start([planned('a'), planned('b', ['a'])])
    .begin('a')
    .finish('a', 'no')
    .begin('b')
    .finish('b', 'yes')
  expect(renderText(createReport(one.events), { terminal: false })).toBe('yes\n')
  const two = runTwo().begin('c').finish('c', 'see').end('succeeded')
  expect(renderText(createReport(two.events), { terminal: false })).toBe(
    '== b ==\n{\n  "success": true\n}\n\n== c ==\nsee\n',
  )
  expect(renderText(createReport(new SampleJournal().start([]).events), { terminal: false })).toBe('')
})

test('the named output step answers alone', () => {
  const journal = new SampleJournal()
    .start([planned('a'), planned('b')], { output: 'a' })
    .begin('a')
    .finish('a', 'x')
    .begin('b')
    .finish('b', 'y')
  expect(renderText(createReport(journal.events), { terminal: true })).toBe('x\n')
})

test('a pipe gets the bytes of the answer, a terminal gets no commands', () => {
  const journal = new SampleJournal()
    .start([planned('a')])
    .begin('a')
    .finish('a', '\x1b[31mred')
  expect(renderText(createReport(journal.events), { terminal: false })).toBe('\x1b[31mred\n')
  expect(renderText(createReport(journal.events), { terminal: true })).toBe('red\n')
})

test('the rich result shows each agent, what it took, and the end', () => {
  const text = renderRich(createReport(runTwo().begin('c').fail('c').end('partial').events), {
    style: plain,
    width: 60,
  })
  expect(text.split('\n').slice(0, 4)).toEqual([
    `+ a ${'-'.repeat(56)}`,
    'Title',
    'some bold text',
    'ollama/m1 (small)  0.04s  1,200 in, 34 out tokens  $0.0025',
  ])
  expect(text).toContain('x c ')
  expect(text).toContain('provider_error: the model broke')
  expect(text).toContain('partial  2 succeeded  1 failed')
  expect(text).not.toMatch(RAW)
})

test.each(['succeeded', 'partial', 'failed', 'cancelled', 'exhausted', 'paused', 'running'] as const)(
  'the exit code of a %s run',
  (status) => {
    const codes = { succeeded: 0, partial: 1, failed: 1, cancelled: 130, exhausted: 5, paused: 4, running: 1 }
    expect(exitCodeOf({ status, errors: [] })).toBe(codes[status])
  },
)

test('B21 S21: no output commands the terminal, in any renderer', () => {
  for (const nasty of NASTY_OUTPUTS) {
    const journal = new SampleJournal()
      .start([planned('a'), planned(nasty)], { name: nasty })
      .begin('a')
      .finish('a', nasty)
    journal
      .begin(nasty)
      .route(nasty, { model: nasty, provider: nasty, profile: nasty, reason: 'fallback', from: nasty, because: nasty })
    journal
      .intend(nasty, 'k')
      .add('effect-failed', { key: 'k', code: 'c', message: '', detail: inline(nasty), touched: 'yes', retry: false })
    journal
      .fail(nasty, { message: nasty, code: nasty })
      .add('effect-unknown', { key: nasty, step: 'a' })
      .end('failed', { reason: nasty })
    const report = createReport(journal.events)
    const problem = { code: 'bad_input', message: nasty, hint: nasty, file: nasty, line: 1, column: 2 } as const
    for (const style of [plain, color]) {
      for (const text of [
        renderRich(report, { style, width: 40 }),
        renderText(report, { terminal: true }),
        renderTable([{ title: 'x' }], [[nasty]], { style, width: 20 }),
        renderProblems([problem], style),
      ]) {
        expect(undress(text)).not.toMatch(RAW)
        expect(text.isWellFormed()).toBe(true)
      }
    }
  }
})

test.each([1, 2, 3, 10])('B17: width %i is enough', (width) => {
  const report = createReport(runTwo().end('partial').events)
  expect(renderRich(report, { style: plain, width })).toContain('Title')
  const table = renderTable([{ title: 'name' }, { title: 'number', align: 'right' }], [['long name', '12345']], {
    style: plain,
    width,
  })
  expect(table.split('\n')).toHaveLength(2)
})

test('problems say where, what, and what to do', () => {
  const problem = {
    code: 'bad_input',
    message: 'two\nlines',
    hint: 'do this',
    file: 'x.yaml',
    line: 3,
    column: 7,
  } as const
  expect(renderProblems([problem], plain)).toBe('x.yaml:3:7  error bad_input  two\n   lines\n   do this')
  const error = new OrcError([{ code: 'not_found', message: 'gone', severity: 'warning' }, problem])
  expect(renderProblems(error, plain)).toMatch(/^warning not_found {2}gone\nx\.yaml:3:7 /)
})

test('tables align, shrink their widest column, and know wide characters', () => {
  const columns = [{ title: 'name' }, { title: 'n', align: 'right' }] as const
  expect(
    renderTable(
      columns,
      [
        ['a', '1'],
        ['bcdef', '100'],
      ],
      { style: plain },
    ),
  ).toBe('name     n\na        1\nbcdef  100')
  expect(renderTable(columns, [['abcdefghij', '1']], { style: plain, width: 8 })).toBe('name   n\nabcd~  1')
  expect(
    renderTable(
      columns,
      [
        ['你好', '1'],
        ['abcd', '2'],
      ],
      { style: plain },
    ),
  ).toBe('name  n\n你好  1\nabcd  2')
})

test('columns are counted by what is seen', () => {
  expect(['abc', 'é', 'e\u0301', '你', '👩‍👩‍👧', ''].map(measure)).toEqual([3, 1, 1, 2, 2, 0])
  expect([fit('abcdef', 4, '…'), fit('abc', 1, '…'), fit('abc', 0, '…'), fit('你好吗', 4, '~')]).toEqual([
    'abc…',
    'a',
    '',
    '你~',
  ])
})

test('Markdown is dressed lightly and keeps every word', () => {
  const source =
    '# Head\n- item `x**y**`\n> said\n```js\nlet **a** = 1\n```\n1. **one** and __two__\n***\n~~~\n```\n~~~'
  expect(renderMarkdown(source, plain).split('\n')).toEqual([
    'Head',
    '* item x**y**',
    '| said',
    '  let **a** = 1',
    '1. one and two',
    '-'.repeat(20),
    '  ```',
  ])
  expect(renderMarkdown('# Head', color)).toBe('\x1b[1m\x1b[4mHead\x1b[24m\x1b[22m')
})

test('B17: NO_COLOR, FORCE_COLOR, TERM and the locale are obeyed', () => {
  expect(wantsColor({}, true)).toBe(true)
  expect(wantsColor({}, false)).toBe(false)
  expect(wantsColor({ NO_COLOR: '1' }, true)).toBe(false)
  expect(wantsColor({ NO_COLOR: '' }, true)).toBe(true)
  expect(wantsColor({ TERM: 'dumb' }, true)).toBe(false)
  expect(wantsColor({ FORCE_COLOR: '1', NO_COLOR: '1' }, false)).toBe(true)
  expect(wantsColor({ FORCE_COLOR: '0' }, true)).toBe(false)
  expect(wantsUnicode({ LANG: 'C' })).toBe(false)
  expect(wantsUnicode({ LANG: 'C', LC_ALL: 'de_DE.UTF-8' })).toBe(true)
})
