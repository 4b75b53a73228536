import { expect, test } from 'vitest'
import { type Lease, type LeaseTerms, takeLease } from './lease.ts'
import { createMemoryJournal } from './memory.ts'

/** A journal, a clock that stands still, and terms for owners by name. */
function openWorld() {
  const { journal } = createMemoryJournal()
  let now = 1_000
  const termsOf = (id: string, isDead?: LeaseTerms['isDead']): LeaseTerms => ({
    owner: { id, pid: 1 },
    ttl_ms: 100,
    clock: () => now,
    ...(isDead && { isDead }),
  })
  const take = async (id: string, isDead?: LeaseTerms['isDead']): Promise<Lease> => {
    const taken = await takeLease(journal, 'r', termsOf(id, isDead))
    if (!taken.ok) throw new Error(`held by ${taken.holder.owner.id}`)
    return taken.lease
  }
  return { journal, termsOf, take, pass: (ms: number) => (now += ms) }
}

test('B03 a lease is held by one until it expires', async () => {
  const { journal, take, termsOf, pass } = openWorld()
  const first = await take('one')
  expect(first).toMatchObject({ run: 'r', fence: 2, until: 1_100 })
  expect(await takeLease(journal, 'r', termsOf('two'))).toEqual({
    ok: false,
    holder: { owner: { id: 'one', pid: 1 }, until: 1_100 },
  })
  pass(100)
  expect((await take('two')).fence).toBe(4)
})

test('of twenty that take it at once exactly one gets it, each time it expires', async () => {
  const { journal, termsOf, pass } = openWorld()
  for (let round = 0; round < 5; round++, pass(100)) {
    const taken = await Promise.all(
      Array.from({ length: 20 }, (_, n) => takeLease(journal, 'r', termsOf(`${round}.${n}`))),
    )
    expect(taken.filter(({ ok }) => ok)).toHaveLength(1)
  }
})

test('the fence keeps out a holder that was overtaken', async () => {
  const { journal, take, pass } = openWorld()
  const write = (lease: Lease) =>
    journal.append([lease.guard(), { stream: 'inbox/r', expected: 'any', records: [lease.fence] }])
  const slow = await take('slow')
  expect((await write(slow)).ok).toBe(true)
  pass(500)
  const next = await take('next')
  expect(await write(slow)).toEqual({ ok: false, stream: 'lease/r', actual: 4 })
  expect(await slow.renew()).toBe(false)
  expect(await slow.release()).toBe(false)
  expect((await write(next)).ok).toBe(true)
})

test('a renewal keeps it, and appends made meanwhile pass', async () => {
  const { journal, take, pass } = openWorld()
  const lease = await take('one')
  const write = () => journal.append([lease.guard(), { stream: 'inbox/r', expected: 'any', records: [1] }])
  pass(90)
  const [before, renewed, after] = await Promise.all([write(), lease.renew(), write()])
  expect([before.ok, renewed, after.ok]).toEqual([true, true, true])
  expect(lease.until).toBe(1_190)
  pass(90)
  await expect(take('two')).rejects.toThrow('held by one')
})

test('appends made while a renewal fails are kept out, and so are all later ones', async () => {
  const { journal, take, pass } = openWorld()
  const slow = await take('slow')
  pass(100)
  const next = await take('next')
  const write = (lease: Lease) => journal.append([lease.guard()])
  const [renewed, meanwhile] = await Promise.all([slow.renew(), write(slow)])
  expect([renewed, meanwhile.ok]).toEqual([false, false])
  for (let n = 0; n < 5; n++) {
    expect(await next.renew()).toBe(true)
    expect((await write(slow)).ok).toBe(false)
    expect(await slow.renew()).toBe(false)
  }
  expect((await write(next)).ok).toBe(true)
})

test('a renewal that the journal could not answer counts as lost', async () => {
  const { journal, take } = openWorld()
  const lease = await take('one')
  journal.append = () => Promise.reject(new Error('the disk is full'))
  await expect(lease.renew()).rejects.toThrow('full')
  expect(lease.fence).toBe(Number.MAX_SAFE_INTEGER)
})

test('a released lease is free at once, and guards nothing any more', async () => {
  const { journal, take } = openWorld()
  const first = await take('one')
  expect(await first.release()).toBe(true)
  expect((await journal.append([first.guard()])).ok).toBe(false)
  const second = await take('two')
  await journal.append([{ stream: 'inbox/r', expected: 'any', records: ['came first'] }])
  // The rest of a run: its pause, the release and the unchanged inbox stand in one append.
  const rest = (inbox: number) =>
    journal.append([second.releasing(), { stream: 'inbox/r', expected: inbox, records: [] }])
  expect((await rest(0)).ok).toBe(false)
  await expect(take('three')).rejects.toThrow('held by two')
  expect((await rest(1)).ok).toBe(true)
  expect((await take('three')).fence).toBe(8)
})

test('the lease of an owner that is certainly dead is taken at once', async () => {
  const { take } = openWorld()
  await take('crashed')
  await expect(take('two', () => false)).rejects.toThrow('held by crashed')
  expect((await take('two', async (owner) => owner.id === 'crashed')).fence).toBe(4)
})
