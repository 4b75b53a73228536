import * as z from 'zod'
import { OrcError } from '../../events/errors.ts'
import { type KeyRecord, makeKey, statusOfKey } from '../../trust/keys.ts'
import { openKeyRing } from '../access.ts'
import { defineOperation } from '../operation.ts'
import { RIGHTS } from '../principal.ts'

const DAY_MS = 86_400_000
const UNITS: { readonly [unit: string]: number } = { m: 60_000, h: 3_600_000, d: DAY_MS }

const span = z.string().regex(/^\d{1,5}[mhd]$/, 'a time like 90m, 12h or 30d')
const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i, 'letters, digits, dots and dashes')

export const createKey = defineOperation({
  name: 'keys create',
  summary: 'Make an access key for the server. It is shown once.',
  input: z.object({
    name: name.describe('Whose it is; runs and budgets go by this name.'),
    scopes: z
      .array(z.enum(RIGHTS))
      .default(['read', 'run'])
      .describe('What it may do: read, run, write, approve, admin (all); may be repeated.'),
    expires: span.optional().describe('How long it is good for, like 30d or 12h; default: until it is revoked.'),
    max_requests_per_minute: z.int().min(1).max(1_000_000).optional().describe('Requests it may send a minute.'),
    max_concurrent: z.int().min(1).max(10_000).optional().describe('Runs it may have under way.'),
    rotate: span.optional().describe('There is a key of this name: it stays good for this long, like 1h.'),
  }),
  run: async ({ name: whose, scopes, expires, max_requests_per_minute, max_concurrent, rotate }, { app }) => {
    const now = Date.now()
    const { key, record } = makeKey({
      name: whose,
      scopes: RIGHTS.filter((right) => scopes.includes(right)),
      created: now,
      ...(expires === undefined ? {} : { expires: now + readSpan(expires) }),
      ...(max_requests_per_minute === undefined ? {} : { requests_per_minute: max_requests_per_minute }),
      ...(max_concurrent === undefined ? {} : { concurrent: max_concurrent }),
    })
    await openKeyRing(app).change((records) => {
      const older = records.filter((each) => each.name === whose && statusOfKey(each, now) === 'live')
      if (older.length > 0 && rotate === undefined) throw exists(whose)
      const until = now + readSpan(rotate ?? '0m')
      const ending = records.map((each) =>
        older.includes(each) ? { ...each, expires: Math.min(each.expires ?? Infinity, until) } : each,
      )
      return { records: [...ending, record], result: undefined }
    })
    return { key, ...describeKey(record, now) }
  },
})

export const listKeys = defineOperation({
  name: 'keys list',
  summary: 'List the access keys: whose they are, and what they may do.',
  input: z.object({}),
  run: async (_, { app }) => {
    const now = Date.now()
    return { keys: (await openKeyRing(app).list()).map((record) => describeKey(record, now)) }
  },
})

export const revokeKey = defineOperation({
  name: 'keys revoke',
  summary: 'Revoke an access key, or all of one name. Open streams end within a second; runs go on.',
  input: z.object({
    key: z.string().min(1).describe('The id of the key, or the name of its owner for all of theirs.'),
    confirm: z.boolean().default(false).describe('Really revoke it.'),
  }),
  run: async ({ key, confirm }, { app }) => {
    const now = Date.now()
    const ring = openKeyRing(app)
    const isMeant = ({ id, name: whose, revoked }: KeyRecord) => revoked === undefined && (id === key || whose === key)
    const meant = (await ring.list()).filter(isMeant)
    if (meant.length === 0)
      throw new OrcError({
        code: 'not_found',
        message: `there is no key ${key}`,
        hint: 'See them with: llm-orc keys list',
      })
    if (!confirm) {
      const message = `this revokes ${meant.map(({ id, name: whose }) => `${id} of ${whose}`).join(', ')}`
      throw new OrcError({ code: 'confirmation_needed', message, hint: 'Add --confirm to do it.' })
    }
    const revoked = await ring.change((records) => {
      const after = records.map((each) => (isMeant(each) ? { ...each, revoked: now } : each))
      return { records: after, result: after.filter((each) => each.revoked === now) }
    })
    return { revoked: revoked.map((record) => describeKey(record, now)) }
  },
})

function describeKey(record: KeyRecord, now: number) {
  const { id, name: whose, scopes, created, expires, revoked, requests_per_minute, concurrent } = record
  const time = (at: number) => new Date(at).toISOString()
  return {
    id,
    name: whose,
    status: statusOfKey(record, now),
    scopes,
    created: time(created),
    ...(expires === undefined ? {} : { expires: time(expires) }),
    ...(revoked === undefined ? {} : { revoked: time(revoked) }),
    ...(requests_per_minute === undefined ? {} : { max_requests_per_minute: requests_per_minute }),
    ...(concurrent === undefined ? {} : { max_concurrent: concurrent }),
  }
}

/** ms. */
function readSpan(text: string): number {
  return Number(text.slice(0, -1)) * (UNITS[text.slice(-1)] ?? DAY_MS)
}

function exists(whose: string): OrcError {
  const hint = 'Revoke it first, or give both some time together: --rotate 1h'
  return new OrcError({ code: 'key_exists', message: `${whose} has a key already`, hint })
}
