import { expect, test } from 'vitest'
import { compileRegex } from './linear-regex.ts'

test('a pattern matches anywhere, with flags at its front', () => {
  const found = compileRegex('(?i)HELLO \\p{L}+')
  expect(found.ok && found.test('well, hello été!')).toBe(true)
  expect(found.ok && found.test('hello 1')).toBe(false)
})

test.each(['(a', 'a**', '(?=x)', '(a)\\1', '(?<!x)y', 'a'.repeat(1001), 'x{1001}', '(x{100}){100}'])(
  'what cannot be used is refused with a reason: %.20s',
  (pattern) => {
    const found = compileRegex(pattern)
    expect(found).toMatchObject({ ok: false, message: expect.stringMatching(/\w/) })
  },
)

test('time is linear in the text for patterns that ruin a backtracking engine', () => {
  for (const pattern of ['^(a+)+$', '^(a|aa)+$', '(x+x+)+y', '^(([a-z])+.)+[A-Z]([a-z])+$']) {
    const found = compileRegex(pattern)
    // Backtracking would need longer than the universe has been there.
    expect(found.ok && found.test(`${'a'.repeat(20_000)}!`)).toBe(false)
  }
})
