import { type BwrapOptions, createBwrapSandbox } from './bwrap.ts'
import { createLandlockSandbox } from './landlock.ts'
import { describeMissing } from './missing.ts'
import { createProcessSandbox } from './process-tier.ts'
import { type Proof, proveTier } from './prove.ts'
import { type Refusal, type Sandbox } from './sandbox.ts'
import type { TierName } from './tier-name.ts'
import { untestedTier } from './untested.ts'
import { findFallback, findWanted, type SandboxWish } from './wish.ts'

export interface ChosenSandbox {
  readonly sandbox: Sandbox
  readonly wanted: TierName
  readonly granted: TierName
  readonly proof: Proof
}

export type Tiers = { readonly [T in TierName]: Sandbox }

export function createTiers(options: BwrapOptions = {}): Tiers {
  return {
    process: createProcessSandbox(),
    landlock: createLandlockSandbox(options.path === undefined ? {} : { path: options.path }),
    bwrap: createBwrapSandbox(options),
    srt: untestedTier('srt'),
    container: untestedTier('container'),
    gvisor: untestedTier('gvisor'),
  }
}

/** A tier that is here and has been proved here, or why there is none: nothing weaker is ever taken in silence. */
export async function chooseSandbox(wish: SandboxWish, tiers: Tiers): Promise<ChosenSandbox | Refusal> {
  const wanted = findWanted(wish)
  const first = await tryTier(wanted, tiers)
  if (!('code' in first)) return { ...first, wanted, granted: wanted }
  const fallback = findFallback(wish)
  if (fallback === undefined) return first
  const second = await tryTier(fallback, tiers)
  return 'code' in second ? first : { ...second, wanted, granted: fallback }
}

async function tryTier(tier: TierName, tiers: Tiers): Promise<Pick<ChosenSandbox, 'sandbox' | 'proof'> | Refusal> {
  const sandbox = tiers[tier]
  const report = await sandbox.describe()
  if (report.state !== 'available') return describeMissing(report)
  const proof = await proveTier(tier, sandbox)
  if (proof.holds) return { sandbox, proof }
  return {
    code: 'sandbox_unproved',
    message: `the sandbox ${tier} is here, but does not hold what it promises: ${proof.why}`,
    hint: 'See all of it with: llm-orc sandbox check',
  }
}
