/** What one key may do. A window is any stretch of time of that length, wherever it begins. */
export interface RateLimits {
  /** Calls per window. */
  readonly requests?: number
  /** Tokens per window, in and out together. */
  readonly tokens?: number
  readonly window_ms: number
}

/** A call that waits for its turn. */
export interface Ticket {
  /** Whose it is, and which of theirs. */
  readonly owner: string
  readonly n: number
  /** ms of the machine's clock, from when on the call may be made. */
  readonly at: number
  readonly tokens: number
}

/** What was used at one time: calls and tokens. A correction of an earlier estimate has no calls, and may be negative. */
export type Used = readonly [at: number, requests: number, tokens: number]

export interface RatePlan {
  /** In order of time, as far back as a window reaches. */
  readonly used: readonly Used[]
  /** In the order in which they came. */
  readonly tickets: readonly Ticket[]
  /** Nobody calls before; 0 when nobody was told to wait. */
  readonly pause: number
}

/** More entries than this are put together, each at the later of their times. */
const FINE = 240
/** This part of a window's calls may be made at once; the rest is spaced, so that calls do not come in waves. */
const AT_ONCE = 0.25
/** While a window is not full, calls come closer: what was lost in a pause, or to a process that ended, is made up for. */
const CATCH_UP = 0.5
const FULL = 0.95

/**
 * The window that is kept: a little longer than the server's, for a call may be under way longer than the one it follows.
 * 1.2 s more for a minute, 0.2 s for 6 s; never more than 4 %.
 */
export function stretchWindow(ms: number): number {
  return ms + Math.max(ms * 0.02, Math.min(200, ms * 0.04))
}

/** Gives every ticket its time, as early as the limits allow, in order. Tickets whose time has come count as used. */
export function planRate(plan: RatePlan, limits: RateLimits | undefined, now: number): RatePlan {
  const used = takeUsed(plan, limits, now)
  const line = new Line(used, limits)
  const waiting = plan.tickets.filter(({ at }) => at > now)
  const tickets = waiting.map((ticket) => ({ ...ticket, at: line.place(ticket.tokens, Math.max(now, plan.pause)) }))
  return { used, tickets, pause: plan.pause > now ? plan.pause : 0 }
}

/** What is used in the window that ends now. */
export function sumUsed({ used, tickets }: RatePlan, window_ms: number, now: number) {
  const sum = { requests: 0, tokens: 0 }
  const taken = tickets.filter(({ at }) => at <= now).map(({ at, tokens }): Used => [at, 1, tokens])
  for (const [at, requests, tokens] of [...used, ...taken]) {
    if (at <= now - window_ms || at > now) continue
    sum.requests += requests
    sum.tokens += tokens
  }
  return { requests: sum.requests, tokens: Math.max(0, sum.tokens) }
}

/** Tickets whose time has come are used; what no window reaches any more is gone. */
function takeUsed({ used, tickets }: RatePlan, limits: RateLimits | undefined, now: number): readonly Used[] {
  const oldest = now - stretchWindow(limits?.window_ms ?? 0)
  const taken = tickets.filter(({ at }) => at <= now).map(({ at, tokens }): Used => [at, 1, tokens])
  return thin([...used, ...taken].filter(([at]) => at > oldest).sort((a, b) => a[0] - b[0]))
}

function thin(used: readonly Used[]): readonly Used[] {
  if (used.length <= FINE) return used
  const [first, last] = [used[0] as Used, used.at(-1) as Used]
  const width = (last[0] - first[0]) / (FINE / 2)
  const thinned: Used[] = []
  let border = first[0] + width
  for (const [at, requests, tokens] of used) {
    const open = thinned.at(-1)
    if (open && at <= border) thinned[thinned.length - 1] = [at, open[1] + requests, open[2] + tokens]
    else {
      thinned.push([at, requests, tokens])
      while (border < at) border += width
    }
  }
  return thinned
}

/** What is used and planned, in order of time, and where the next may stand. */
class Line {
  readonly #used: Used[]
  readonly #limits: RateLimits | undefined
  readonly #window: number
  readonly #atOnce: number
  /** The first that still counts, and the sums from there on. */
  #from = 0
  #requests = 0
  #tokens = 0
  #last = 0

  constructor(used: readonly Used[], limits: RateLimits | undefined) {
    this.#used = [...used]
    this.#limits = limits
    this.#window = stretchWindow(limits?.window_ms ?? 0)
    this.#atOnce = Math.max(1, Math.floor((limits?.requests ?? 0) * AT_ONCE))
    for (const [at, requests, tokens] of used) {
      this.#requests += requests
      this.#tokens += tokens
      if (requests > 0) this.#last = at
    }
  }

  place(tokens: number, earliest: number): number {
    const { requests: most = Infinity, tokens: mostTokens = Infinity } = this.#limits ?? {}
    // What is more than a whole window has a window for itself.
    const mine = Math.min(tokens, mostTokens)
    let at = Math.max(earliest, this.#last)
    this.#forget(at)
    if (this.#requests >= this.#atOnce && most !== Infinity) at = Math.max(at, this.#last + this.#space(most))
    this.#forget(at)
    while ((this.#requests + 1 > most || this.#tokens + mine > mostTokens) && this.#from < this.#used.length) {
      at = Math.max(at, (this.#used[this.#from] as Used)[0] + this.#window)
      this.#forget(at)
    }
    // Whole tenths: a rest of digits would only make records long.
    at = Math.ceil(at * 10) / 10
    this.#used.push([at, 1, tokens])
    this.#requests += 1
    this.#tokens += tokens
    this.#last = at
    return at
  }

  /** ms between two calls. */
  #space(most: number): number {
    return (this.#window / most) * (this.#requests < most * FULL ? CATCH_UP : 1)
  }

  #forget(at: number): void {
    for (; this.#from < this.#used.length; this.#from += 1) {
      const [used, requests, tokens] = this.#used[this.#from] as Used
      if (used + this.#window > at) return
      this.#requests -= requests
      this.#tokens -= tokens
    }
  }
}
