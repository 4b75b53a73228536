import { expect, test } from 'vitest'
import { findOperation, loadOperations } from './operations.ts'

test('each operation stands in the table under its own name', async () => {
  const all = await loadOperations()
  expect(all.size).toBeGreaterThan(100)
  for (const [name, operation] of all) expect(await findOperation(name)).toBe(operation)
})

test('what is no operation is none, whatever else an object may have', async () => {
  for (const name of ['nothing', 'toString', '__proto__', '']) expect(await findOperation(name)).toBeUndefined()
})
