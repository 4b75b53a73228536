import { describe, expect, it } from 'vitest'
import { chooseSandbox, createTiers, type Tiers } from './choose.ts'
import { createProcessSandbox } from './process-tier.ts'
import { isAtLeast, TIERS } from './tier-name.ts'
import { findWanted, type SandboxWish } from './wish.ts'

const bare = createTiers({ path: '/nowhere' })
const own = { foreign: false } as const
const foreign = { foreign: true } as const

describe('the tier that is wanted', () => {
  it.each<[SandboxWish, string]>([
    [own, 'process'],
    [foreign, 'bwrap'],
    [{ ...own, permissions: { read: ['**'] } }, 'bwrap'],
    [{ ...own, permissions: { read: [] } }, 'process'],
    [{ ...own, permissions: { hosts: ['a.test'] } }, 'bwrap'],
    [{ ...own, tier: 'landlock' }, 'landlock'],
    [{ ...foreign, tier: 'process' }, 'process'],
    [{ ...foreign, tier: 'process', least: 'bwrap' }, 'bwrap'],
    [{ ...own, least: 'landlock' }, 'landlock'],
    [{ ...own, tier: 'gvisor', least: 'bwrap' }, 'gvisor'],
  ])('%j: %s', (wish, tier) => {
    expect(findWanted(wish)).toBe(tier)
  })

  it('is never weaker than settings ask, whatever is combined', () => {
    for (const least of TIERS)
      for (const tier of [undefined, ...TIERS])
        for (const base of [own, foreign])
          expect(isAtLeast(findWanted({ ...base, least, ...(tier ? { tier } : {}) }), least)).toBe(true)
  })
})

describe('the tier that is given', () => {
  it('is refused with what is missing, and nothing weaker is taken in silence', async () => {
    const refused = await chooseSandbox(foreign, bare)
    expect(refused).toMatchObject({ code: 'sandbox_missing', message: expect.stringContaining('bwrap') })
    expect(await chooseSandbox({ ...own, tier: 'gvisor' }, bare)).toMatchObject({ code: 'sandbox_missing' })
  })

  it('is a weaker one only where settings name it, and never below the least', async () => {
    expect(await chooseSandbox({ ...foreign, fallback: 'process' }, bare)).toMatchObject({
      wanted: 'bwrap',
      granted: 'process',
    })
    expect(await chooseSandbox({ ...foreign, fallback: 'process', least: 'landlock' }, bare)).toMatchObject({
      code: 'sandbox_missing',
    })
  })

  it('is refused when it does not hold here', async () => {
    const open = createProcessSandbox()
    const describe = async () => ({ ...(await open.describe()), tier: 'landlock' as const })
    const lying: Tiers = { ...bare, landlock: { describe, run: open.run } }
    expect(await chooseSandbox({ ...own, tier: 'landlock' }, lying)).toMatchObject({ code: 'sandbox_unproved' })
  })
})
