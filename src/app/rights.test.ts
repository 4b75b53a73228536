import { expect, test } from 'vitest'
import { operations } from './operations.ts'
import { isListed, rightFor } from './rights.ts'

test.each(operations.map(({ name }) => name))('the operation %s says which right it needs', (name) => {
  expect(isListed(name)).toBe(true)
})

test('what nobody has listed needs all rights', () => {
  expect(rightFor('constructor')).toBe('admin')
  expect(rightFor('something new')).toBe('admin')
})
