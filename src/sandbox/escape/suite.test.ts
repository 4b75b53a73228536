import { describe, expect, it } from 'vitest'
import { createBwrapSandbox } from '../bwrap.ts'
import { createLandlockSandbox } from '../landlock.ts'
import { createProcessSandbox } from '../process-tier.ts'
import { ATTACK_IDS, PROMISES } from '../promises.ts'
import type { Sandbox } from '../sandbox.ts'
import type { TierName } from '../tier-name.ts'
import { findMissing } from '../tiers.fixture.ts'
import type { Scene } from './scene.ts'
import { tryEscapes } from './suite.ts'

const missing = await findMissing('python3', 'bwrap', 'socat', 'prlimit', 'setpriv')
const landlock = missing === '' && (await createLandlockSandbox().describe()).state === 'available'
const signal = new AbortController().signal

function make(tier: TierName, scene: Scene): Sandbox {
  if (tier === 'landlock') return createLandlockSandbox()
  return tier === 'process' ? createProcessSandbox() : createBwrapSandbox({ egress: scene.egress })
}

describe('S: escapes', { timeout: 300_000 }, () => {
  it.skipIf(missing !== '').each([
    ['bwrap', true],
    ['landlock', landlock],
  ] as const)('%s holds what it promises', async (tier, here) => {
    if (!here) return console.warn(`SKIPPED: ${tier} is not available on this machine`)
    const trials = await tryEscapes([tier], { signal, make })
    expect(trials?.filter(({ cell }) => cell === 'ESCAPED' || cell === 'not run')).toEqual([])
    expect(trials?.filter(({ cell }) => cell === 'blocked')).toHaveLength(PROMISES[tier].length)
    expect(trials).toHaveLength(ATTACK_IDS.length)
  })

  it.skipIf(missing !== '')('the attacks are real: without a wall they succeed', async () => {
    const attacks = [
      'read-home',
      'write-outside',
      'tcp-loopback',
      'udp-outside',
      'unix-socket',
      'abstract-socket',
    ] as const
    const trials = await tryEscapes(['process'], { signal, make, attacks })
    expect(trials?.map(({ cell }) => cell)).toEqual(attacks.map(() => 'not promised'))
    const others = ['proc-environment', 'kill-parent', 'kill-sibling', 'fork-bomb', 'daemon', 'status'] as const
    const more = await tryEscapes(['process'], { signal, make, attacks: others })
    expect(more?.map(({ cell }) => cell)).toEqual(others.map(() => 'not promised'))
  })

  it.skipIf(missing !== '')('a tier that cannot start a program has proved nothing', async () => {
    const broken: Sandbox = {
      ...createBwrapSandbox(),
      run: (spec) => createBwrapSandbox({ path: '/nowhere' }).run(spec),
    }
    const trials = await tryEscapes(['bwrap'], { signal, make: () => broken, attacks: ['read-home'] })
    expect(trials).toMatchObject([{ cell: 'not run', detail: expect.stringContaining('bwrap') }])
  })
})
