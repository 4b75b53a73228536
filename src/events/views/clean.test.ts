/* oxlint-disable no-control-regex -- control characters are the subject here */
import { expect, test } from 'vitest'
import { cleanLine, cleanText, stringifyClean } from './clean.ts'
import { escapeInline, fence } from './markdown-text.ts'
import { NASTY_OUTPUTS } from './sample-events.ts'

test.each([
  ['\x1b[1;31mred\x1b[0m', 'red'],
  ['\x1b]8;;https://x\x1b\\link\x1b]8;;\x07', 'link'],
  ['\x1b]52;c;QUJD\x07after', 'after'],
  ['\x9b2Jx\x9d0;t\x9cy', 'xy'],
  ['\x1bP1;2|data\x1b\\z', 'z'],
  ['\x1b]0;unfinished\nnext line', '0;unfinished\nnext line'],
  ['a\tb\r\nc\rd', 'a\tb\nc\nd'],
  ['\x1b[\x1b[31mm', 'm'],
  ['\0\x07\x08\x7f', ''],
  ['a\u202eb\u2066c', 'abc'],
  ['Grüße, 你好 👩‍👩‍👧 שלום', 'Grüße, 你好 👩‍👩‍👧 שלום'],
  ['x\ud800y', 'x\ufffdy'],
])('S21: %j is cleaned', (foreign, clean) => {
  expect(cleanText(foreign)).toBe(clean)
})

test('B21: cleaning twice changes nothing more, and JSON keeps its content', () => {
  for (const nasty of NASTY_OUTPUTS) {
    expect(cleanText(cleanText(nasty))).toBe(cleanText(nasty))
    expect(cleanLine(nasty)).not.toMatch(/[\n\t]/)
    expect(JSON.parse(stringifyClean({ [nasty]: nasty }))).toEqual({ [nasty]: nasty })
    expect(stringifyClean(nasty)).not.toMatch(/[\0-\x1f\x7f-\x9f]/)
  }
})

test('cleaning takes time that grows with the text only', () => {
  const times = [20_000, 200_000].map((size) => {
    const text = '\x1b]'.repeat(size / 4) + '\x1b['.repeat(size / 4) + '\x9d'.repeat(size)
    const start = performance.now()
    cleanText(text)
    return performance.now() - start
  })
  expect(times[1]).toBeLessThan(1000 + 100 * (times[0] ?? 0))
})

test('a fence is longer than any run of backticks inside', () => {
  expect(fence('a ```` b', 'text')).toBe('`````text\na ```` b\n`````')
  expect(fence('plain\n', 'json')).toBe('```json\nplain\n```')
})

test('inline text keeps its words and loses its powers', () => {
  expect(escapeInline('a|b\n![x](y) <b>&amp;')).toBe('a\\|b \\!\\[x\\](y) \\<b\\>\\&amp;')
})
