/** By what they promise, the weakest first. */
export const TIERS = ['process', 'landlock', 'bwrap', 'srt', 'container', 'gvisor'] as const
export type TierName = (typeof TIERS)[number]

/** Is this tier at least as strong as that one? */
export function isAtLeast(tier: TierName, least: TierName): boolean {
  return TIERS.indexOf(tier) >= TIERS.indexOf(least)
}
