import type { ToolPermissions } from '../events/tool-call.ts'
import { isAtLeast, type TierName } from './tier-name.ts'

/** What decides on a tier. The strictest of all wins. */
export interface SandboxWish {
  /** As the ensemble or the tool writes it. */
  readonly tier?: TierName
  /** Settings and policy ask for at least this. */
  readonly least?: TierName
  /** A weaker tier that settings allow by name where the wanted one is missing; never below `least`. */
  readonly fallback?: TierName
  /** Written by neither the user nor this program: a model's commands, other people's tools. */
  readonly foreign: boolean
  readonly permissions?: ToolPermissions
}

/** The tier that a wish comes to: foreign code and declared permissions need a wall; hosts need one with a door. */
export function findWanted({ tier, least, foreign, permissions = {} }: SandboxWish): TierName {
  const declared = Object.values(permissions).some((list) => (list ?? []).length > 0)
  const usual: TierName = tier ?? (foreign || declared ? 'bwrap' : 'process')
  return least !== undefined && !isAtLeast(usual, least) ? least : usual
}

/** The weaker tier that may be taken where the wanted one is missing; usually none. */
export function findFallback(wish: SandboxWish): TierName | undefined {
  const { fallback, least } = wish
  if (fallback === undefined || isAtLeast(fallback, findWanted(wish))) return undefined
  return least !== undefined && !isAtLeast(fallback, least) ? undefined : fallback
}
