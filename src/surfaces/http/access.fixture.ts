/** Keys and tokens for the tests of access. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { App } from '../../app/app.ts'
import { createKey, revokeKey } from '../../app/operations/keys.ts'
import type { Right } from '../../app/principal.ts'

/** ms until a server has looked at its keys again. */
export const SEEN_MS = 350

export interface MadeKey {
  readonly key: string
  readonly id: string
  readonly name: string
}

export async function makeKey(
  app: App,
  name: string,
  wish: {
    readonly scopes?: Right[]
    readonly expires?: string
    readonly rotate?: string
    readonly max_concurrent?: number
    readonly max_requests_per_minute?: number
  } = {},
): Promise<MadeKey> {
  const { signal } = new AbortController()
  const made = await createKey.run(createKey.input.parse({ name, ...wish }), { app, signal })
  await sleep(SEEN_MS)
  return made as MadeKey
}

/** A key, or all of one name. */
export async function revoke(app: App, key: string | MadeKey): Promise<void> {
  await revokeKey.run(
    { key: typeof key === 'string' ? key : key.id, confirm: true },
    { app, signal: new AbortController().signal },
  )
}

export const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
