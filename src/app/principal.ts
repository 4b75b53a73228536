import type { Event } from '../events/event.ts'

/** What somebody may do. `admin` is all of them; the others stand each for itself. */
export const RIGHTS = ['read', 'run', 'write', 'approve', 'admin'] as const
export type Right = (typeof RIGHTS)[number]

/** What one caller may take of a server. */
export interface CallerLimits {
  readonly requests_per_minute?: number
  /** Runs under way. */
  readonly concurrent?: number
}

/** Who asks. The local user sits at this machine, and may do everything. */
export interface Principal {
  /** A key's own name; `oidc:SUBJECT` for who brings a token. */
  readonly name: string
  readonly kind: 'local' | 'key' | 'oidc'
  readonly scopes: readonly Right[]
  readonly limits?: CallerLimits
}

export const LOCAL: Principal = { name: 'local', kind: 'local', scopes: ['admin'] }

/** Who has shown nothing: what is public, and no more. */
export const NOBODY: Principal = { name: 'nobody', kind: 'key', scopes: [] }

export function mayDo({ scopes }: Principal, right: Right): boolean {
  return scopes.includes(right) || scopes.includes('admin')
}

/** Whether there are runs that are not its to see. */
export function seesOnlyOwn(principal: Principal | undefined): principal is Principal {
  return principal !== undefined && !mayDo(principal, 'admin')
}

/** The name under which what this caller begins is kept; absent: the local user's. */
export function ownerOf({ principal }: { readonly principal?: Principal }): string | undefined {
  return principal && principal.kind !== 'local' ? principal.name : undefined
}

/** Whose a run is; a fork is whose its parent was. Absent: the local user's. */
export function ownerIn([first]: readonly Event[]): string | undefined {
  return first?.type === 'run-started' ? first.data.principal : undefined
}
