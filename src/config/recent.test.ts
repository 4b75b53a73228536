import { expect, test } from 'vitest'
import { Recent } from './recent.ts'

test('the same text is read once, until others have taken its room', () => {
  const made: string[] = []
  const recent = new Recent<number>(10)
  const take = (text: string) => recent.take(text, () => made.push(text))
  for (const text of ['aaaa', 'bbbb', 'aaaa', 'cccc', 'aaaa', 'bbbb']) take(text)
  expect(made).toEqual(['aaaa', 'bbbb', 'cccc', 'bbbb'])
  expect(take('longer than it may be')).toBe(take('longer than it may be') - 1)
})
