import { expect, test } from 'vitest'
import { loadOperations } from './operations.ts'
import { isListed, rightFor } from './rights.ts'

test.each([...(await loadOperations()).keys()])('the operation %s says which right it needs', (name) => {
  expect(isListed(name)).toBe(true)
})

test('what nobody has listed needs all rights', () => {
  expect(rightFor('constructor')).toBe('admin')
  expect(rightFor('something new')).toBe('admin')
})
