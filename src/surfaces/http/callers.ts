import type { Access } from '../../app/access.ts'
import { mayDo, NOBODY, type Principal, type Right } from '../../app/principal.ts'
import { demand } from '../../app/rights.ts'
import { seenBy } from '../../app/seen-by.ts'
import { OrcError } from '../../events/errors.ts'
import { isLocalName } from './guards.ts'
import type { CallerMeans, FaceContext, FaceRoutes, Means } from './means.ts'
import { METADATA_PATH } from './protected-resource.ts'

/** Requests and streams that one caller may have open. */
const MOST_OPEN = 256
/** ms between two looks whether those with open streams would still be let in. */
const LOOK_EVERY_MS = 300

/** What can be seen without being anybody: nothing of the user's. */
function isPublic(c: FaceContext): boolean {
  const { method, path } = c.req
  return (
    (method === 'GET' || method === 'HEAD') &&
    (path === '/health' || path === METADATA_PATH || path.startsWith(`${METADATA_PATH}/`))
  )
}

/** Finds out who asks; everything behind works with what that caller may see. Answers with what ends it. */
export function addCallers(
  routes: FaceRoutes,
  means: Means,
  { access, app }: { readonly access: Access; readonly app: CallerMeans['app'] },
): () => void {
  const open = new Map<string, number>()
  const attended = new Set<Attended>()
  routes.use(async (c, next) => {
    const admission = await access.authenticate({
      credential: readCredential(c.req.raw.headers),
      remote: c.env?.incoming?.socket?.remoteAddress,
      local_name: isLocalName(c.req.header('host')),
    })
    const nobody = !admission.ok && isPublic(c)
    if (!admission.ok && !nobody) {
      if (admission.retry_after_s !== undefined) c.set('retryAfter', admission.retry_after_s)
      throw admission.problem
    }
    const principal = admission.ok ? admission.principal : NOBODY
    const isLive = admission.ok ? admission.isLive : async () => true
    const mine: CallerMeans = {
      ...means,
      app: seenBy(app, principal),
      principal,
      streams: means.streams.of(isLive),
      spend: () => access.spend(principal),
    }
    c.set('means', mine)
    if (principal.kind === 'local' || nobody) return next()
    const out = enter(open, principal)
    const one: Attended = { isLive, cut: () => c.env?.outgoing?.destroy() }
    attended.add(one)
    const leave = () => {
      attended.delete(one)
      out()
    }
    // What streams on counts until it is over; its end comes from there.
    c.env?.outgoing?.once('close', leave)
    try {
      access.spend(principal)
      await next()
    } finally {
      if (!c.env?.outgoing) leave()
    }
  })
  const look = async () => {
    // What can say a last word has been told to; what is open at the next look as well is cut.
    for (const each of attended) {
      if (await each.isLive()) continue
      if (each.told) each.cut()
      each.told = true
    }
    await means.streams.endRevoked()
  }
  const timer = setInterval(() => void look(), LOOK_EVERY_MS)
  return () => clearInterval(timer)
}

/** A request under way. */
interface Attended {
  isLive(): Promise<boolean>
  cut(): void
  told?: boolean
}

/** Throws OrcError `access_limited`. */
function enter(open: Map<string, number>, { kind, name }: Principal): () => void {
  const key = `${kind} ${name}`
  const now = open.get(key) ?? 0
  if (now >= MOST_OPEN)
    throw new OrcError({
      code: 'access_limited',
      message: `${name} has ${MOST_OPEN} requests open`,
      hint: 'Close some.',
    })
  open.set(key, now + 1)
  let inside = true
  return () => {
    if (!inside) return
    inside = false
    const left = (open.get(key) ?? 1) - 1
    if (left > 0) open.set(key, left)
    else open.delete(key)
  }
}

/** For routes that are no operation. Throws OrcError `access_denied`. */
export function requireCaller(c: FaceContext, right: Right): CallerMeans {
  const mine = c.get('means')
  demand(mine.principal, right, `${c.req.method} ${c.req.routePath}`)
  return mine
}

export function isKnown({ principal }: CallerMeans): boolean {
  return mayDo(principal, 'read')
}

/**
 * A key or token, from the header; a page's WebSocket can set none, and brings it as a protocol `bearer.KEY`. Never from the address, which
 * is logged everywhere.
 */
function readCredential(headers: Headers): string | undefined {
  const bearer = /^bearer +([\x21-\x7e]+)$/i.exec(headers.get('authorization') ?? '')?.[1]
  if (bearer !== undefined || headers.has('authorization')) return bearer ?? ''
  const given = headers.get('x-api-key')
  if (given !== null) return given
  const protocols = headers.get('upgrade') === null ? undefined : headers.get('sec-websocket-protocol')
  return protocols
    ?.split(',')
    .map((each) => each.trim())
    .find((each) => each.startsWith('bearer.'))
    ?.slice('bearer.'.length)
}
