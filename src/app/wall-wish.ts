import type { SandboxAsk, ScriptRequest } from '../events/script-call.ts'
import type { ToolRequest } from '../events/tool-call.ts'
import { TIERS, type TierName } from '../sandbox/tier-name.ts'
import { findFallback, findWanted, type SandboxWish } from '../sandbox/wish.ts'
import type { Asked } from '../trust/call.ts'
import type { App } from './app.ts'

/** What settings demand of every wall, and what they make do with. */
export function demandedBy({ config }: Pick<App, 'config'>): Pick<SandboxWish, 'least' | 'fallback'> {
  const { tier, fallback } = config.settings.sandbox ?? {}
  return { ...(tier === undefined ? {} : { least: tier }), ...(fallback === undefined ? {} : { fallback }) }
}

/** The wish of a script: it is the user's own, and says itself whether it wants a wall. */
export function wishOf(ask: SandboxAsk | undefined): SandboxWish {
  const { tier, rules: _, ...paths } = ask ?? {}
  const permissions = { ...(ask ? { read: ['**'] } : {}), ...paths }
  return { foreign: false, permissions, ...(tier !== undefined && isTier(tier) ? { tier } : {}) }
}

export function isTier(name: string): name is TierName {
  return (TIERS as readonly string[]).includes(name)
}

/** The wall that a program would run behind as settings are now, for people and for grants; undefined for what starts none here. */
export function describeWall(app: Pick<App, 'config'>, { kind, request }: Asked): string | undefined {
  const wish = kind === 'script' ? wishOf((request as ScriptRequest).sandbox) : wishOfTool(kind, request)
  if (!wish) return undefined
  const whole = { ...wish, ...demandedBy(app) }
  const fallback = findFallback(whole)
  return fallback === undefined ? findWanted(whole) : `${findWanted(whole)}, else ${fallback}`
}

function wishOfTool(kind: string, request: Asked['request']): SandboxWish | undefined {
  if (kind !== 'tool') return undefined
  const { source, permissions } = request as unknown as ToolRequest
  const starts = source === 'builtin' ? (permissions.programs ?? []).length > 0 : !source.startsWith('mcp:')
  return starts ? { foreign: true, permissions } : undefined
}
