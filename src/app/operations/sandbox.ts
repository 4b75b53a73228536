import { writeFile } from 'node:fs/promises'
import * as z from 'zod'
import { OrcError } from '../../events/errors.ts'
import { createBwrapSandbox } from '../../sandbox/bwrap.ts'
import { createTiers, type Tiers } from '../../sandbox/choose.ts'
import { proveTier } from '../../sandbox/prove.ts'
import type { Sandbox } from '../../sandbox/sandbox.ts'
import { TIERS, type TierName } from '../../sandbox/tier-name.ts'
import { defineOperation } from '../operation.ts'
import type { TierState } from '../sandbox-page.ts'

const tier = z.enum(TIERS)

export const listSandboxes = defineOperation({
  name: 'sandbox list',
  summary: 'List the sandboxes: which can be used here, what they are made of and what they promise.',
  input: z.object({}),
  run: async () => {
    const tiers = createTiers()
    const states: TierState[] = []
    for (const name of TIERS) states.push(await describeTier(name, tiers[name]))
    return { tiers: states }
  },
})

export const checkSandboxes = defineOperation({
  name: 'sandbox check',
  summary: 'Attack the sandboxes from inside, with things planted for it, and show what each of them held.',
  input: z.object({
    tier: z.array(tier).default([]).describe('The sandboxes to try; default: all that are here.'),
    docs: z.string().min(1).optional().describe('Write a page with what was found, and the overhead, to this file.'),
    rounds: z.number().int().min(1).max(100).default(9).describe('For the overhead on that page.'),
  }),
  run: async (input, { signal }) => {
    const { tryEscapes } = await import('../../sandbox/escape/suite.ts')
    const tiers = createTiers()
    const states = await Promise.all(TIERS.map((name) => describeTier(name, tiers[name])))
    const wanted = input.tier.length > 0 ? input.tier : states.filter(isHere).map((state) => state.tier)
    const trials = await tryEscapes(wanted, {
      signal,
      make: (name, scene) => (name === 'bwrap' ? createBwrapSandbox({ egress: scene.egress }) : tiers[name]),
    })
    if (!trials)
      throw new OrcError({
        code: 'sandbox_missing',
        message: 'the attacks are written in Python, and there is no python3 here that a sandbox can use',
        hint: 'On Debian: apt-get install python3',
      })
    const escaped = trials.filter(({ cell }) => cell === 'ESCAPED').length
    const unproved = trials.filter(({ cell }) => cell === 'not run').length
    const result = {
      tiers: states,
      tried: wanted,
      untested: states.filter((state) => !wanted.includes(state.tier)).map((state) => state.tier),
      trials,
      escaped,
      unproved,
      passed: escaped === 0 && unproved === 0,
    }
    if (input.docs !== undefined) {
      const { writeSandboxPage } = await import('../sandbox-page.ts')
      await writeFile(input.docs, writeSandboxPage(result, await measure(tiers, { rounds: input.rounds, signal })))
    }
    return result
  },
})

export const benchSandboxes = defineOperation({
  name: 'sandbox bench',
  summary: 'Measure what each sandbox adds to the start and end of a program, beside a plain child.',
  input: z.object({ rounds: z.number().int().min(1).max(1000).default(15).describe('How often each is measured.') }),
  run: async ({ rounds }, { signal }) => ({ rounds, overhead: await measure(createTiers(), { rounds, signal }) }),
})

async function measure(tiers: Tiers, options: { readonly rounds: number; readonly signal: AbortSignal }) {
  const { measureOverhead } = await import('../../sandbox/overhead.ts')
  const here: [TierName, Sandbox][] = []
  for (const name of TIERS) if (isHere(await describeTier(name, tiers[name]))) here.push([name, tiers[name]])
  return measureOverhead(new Map(here), options)
}

async function describeTier(name: TierName, sandbox: Sandbox): Promise<TierState> {
  const report = await sandbox.describe()
  if (report.state !== 'available') return report
  const { holds, why } = await proveTier(name, sandbox)
  return { ...report, proved: holds, ...(why === undefined ? {} : { why }) }
}

function isHere({ state, proved }: TierState): boolean {
  return state === 'available' && proved === true
}
