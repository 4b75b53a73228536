import type { Journal } from './journal.ts'
import { type LearnedLimits, LearnedRate, LONGEST_PAUSE_MS } from './learned-rate.ts'
import type { LeaseOwner } from './lease.ts'
import {
  planRate,
  type RateLimits,
  type RatePlan,
  stretchWindow,
  sumUsed,
  type Ticket,
  type Used,
} from './rate-plan.ts'
import { Register } from './register.ts'
import { SteadyRegister } from './steady-register.ts'

/** A process looks so often whether its turn has come earlier, or later, than it was told. */
const LOOK_MS = 250
/** How often those who wait look for ended processes in the line. */
const BURY_MS = 500
/** Tickets of one process in the common line; its other calls wait behind them, at home. */
const TICKETS = 64
/** Without limits, what other processes were told is looked up no more often than this. */
const GLANCE_MS = 1_000

export interface GovernorPorts {
  readonly journal: Journal
  /** ms, the same for all processes of the machine; only differences matter. */
  clock(): number
  /** Calls back at a time of `clock`; the answer cancels. */
  wake(at: number, then: () => void): () => void
  readonly owner: LeaseOwner
  isDead(owner: LeaseOwner): boolean
  /** The common record cannot be used: until it can, this process keeps the limits by itself. Told once each time. */
  alone?(error: unknown): void
}

/** What a call that has been let through tells when it has ended. */
export interface CallReport {
  /** Really used, in and out; absent when it is not known. */
  readonly tokens?: number
  /** The server said that there are too many calls. */
  readonly refused?: boolean
  /** Nobody should call before so many ms from now. */
  readonly retry_after_ms?: number
}

/** Leave to make one call. */
export interface Pass {
  end(report: CallReport): void
}

export interface GovernorState {
  readonly limits?: RateLimits
  /** True where a refusal taught the limits, not the configuration. */
  readonly learned?: boolean
  /** In the window that ends now. */
  readonly used: { readonly requests: number; readonly tokens: number }
  /** Calls in line, of all processes. */
  readonly waiting: number
  /** ms until anybody may call; 0 when nobody was told to wait. */
  readonly pause_ms: number
}

interface Shared extends RatePlan {
  /** When it was written. A machine that started anew counts from the beginning, and what is from before counts for nothing. */
  readonly written: number
  readonly owners: { readonly [id: string]: LeaseOwner }
  readonly limits?: RateLimits & { readonly until: number; readonly learned?: boolean }
}

interface Caller {
  readonly tokens: number
  readonly go: (at: number) => void
  readonly fail: (error: unknown) => void
}

const EMPTY: Shared = { used: [], tickets: [], pause: 0, written: 0, owners: {} }

/**
 * One line for all calls under one key, of all processes of this machine. Whoever wants to call draws a ticket with a time;
 * the tickets, and what was used of late, are one record that every process changes in turns. Those who come first are served
 * first, whatever process they are of; the tickets of a process that has ended are taken out, and the others move up. While the record
 * cannot be read or written, the process keeps the limits by itself, as if it were alone.
 */
export class Governor {
  readonly #ports: GovernorPorts
  readonly #limits: RateLimits | undefined
  readonly #common: Register<Shared>
  readonly #register: SteadyRegister<Shared>
  readonly #me: string
  #drawn = 0
  /** Those who have no ticket yet, in order. */
  readonly #callers = new Set<Caller>()
  readonly #tickets = new Map<number, Caller>()
  readonly #returned = new Set<number>()
  #corrections: Used[] = []
  #pause = 0
  readonly #rate = new LearnedRate()
  /** News for the others. */
  #learned: LearnedLimits | undefined
  #shared: Shared = EMPTY
  #glanced = Number.NEGATIVE_INFINITY
  #buried = Number.NEGATIVE_INFINITY
  #working = false
  #poke: (() => void) | undefined

  constructor(ports: GovernorPorts, name: string, limits?: RateLimits) {
    this.#ports = ports
    this.#limits = limits
    this.#common = new Register(ports.journal, `governor/${name}`)
    this.#register = new SteadyRegister(this.#common, ports)
    this.#me = ports.owner.id.slice(0, 13)
  }

  /** Waits for a turn; undefined when the signal fired first. `tokens`: what the call will take, at a guess. */
  async enter(tokens: number, signal: AbortSignal): Promise<Pass | undefined> {
    if (signal.aborted) return undefined
    if (!(await this.#isFree())) {
      const at = await this.#wait(tokens, signal)
      if (at === undefined) return undefined
      return this.#admit(tokens, at)
    }
    return signal.aborted ? undefined : this.#admit(tokens, this.#ports.clock())
  }

  /** As things stand now, from the journal. */
  async describe(): Promise<GovernorState> {
    const shared = this.#read(await this.#common.look())
    const now = this.#ports.clock()
    const limits = this.#limitsNow(shared, now)
    return {
      ...(limits ? { limits } : {}),
      ...(limits !== undefined && limits !== this.#limits && shared.limits?.learned ? { learned: true } : {}),
      used: sumUsed(shared, limits?.window_ms ?? 60_000, now),
      waiting: shared.tickets.filter(({ at }) => at > now).length + this.#callers.size,
      pause_ms: Math.max(0, Math.ceil(Math.max(shared.pause, this.#pause) - now)),
    }
  }

  #admit(tokens: number, at: number): Pass {
    if (!this.#limits) this.#rate.start(this.#ports.clock())
    return {
      end: ({ tokens: real, refused, retry_after_ms }) => {
        this.#correct(at, tokens, real)
        if (refused && !this.#limits)
          this.#learned = this.#rate.refuse(this.#ports.clock(), retry_after_ms) ?? this.#learned
        if (retry_after_ms !== undefined)
          this.#pause = Math.max(this.#pause, this.#ports.clock() + Math.min(retry_after_ms, LONGEST_PAUSE_MS))
        if (this.#hasNews(this.#shared)) this.#work()
      },
    }
  }

  #correct(at: number, guessed: number, real = guessed): void {
    const most = this.#limits?.tokens
    if (most === undefined || !(real >= 0)) return
    // What a server says it took is believed up to a whole window, which is as long as anybody can be held for it.
    const tokens = Math.min(real, Math.max(most, guessed))
    // A correction costs a write: only where it changes what others may do.
    if (Math.abs(tokens - guessed) > guessed / 20) this.#corrections.push([at, 0, tokens - guessed])
  }

  /** True without limits and while nobody was told to wait; then a call costs nothing. */
  async #isFree(): Promise<boolean> {
    if (this.#limits || this.#callers.size > 0 || this.#tickets.size > 0) return false
    const now = this.#ports.clock()
    if (now - this.#glanced >= GLANCE_MS) {
      this.#glanced = now
      await this.#look()
    }
    const later = this.#ports.clock()
    return Math.max(this.#pause, this.#shared.pause) <= later && this.#limitsNow(this.#shared, later) === undefined
  }

  #wait(tokens: number, signal: AbortSignal): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const leave = (at: number | undefined): void => {
        signal.removeEventListener('abort', onAbort)
        resolve(at)
      }
      const caller: Caller = { tokens, go: leave, fail: reject }
      const onAbort = (): void => {
        this.#callers.delete(caller)
        for (const [n, holder] of this.#tickets) if (holder === caller) this.#giveBack(n)
        leave(undefined)
      }
      signal.addEventListener('abort', onAbort)
      this.#callers.add(caller)
      this.#work()
    })
  }

  #giveBack(n: number): void {
    this.#tickets.delete(n)
    this.#returned.add(n)
    this.#work()
  }

  #limitsNow(shared: Shared, now: number): RateLimits | undefined {
    return this.#limits ?? (shared.limits && shared.limits.until > now ? shared.limits : undefined)
  }

  #work(): void {
    this.#poke?.()
    if (this.#working) return
    this.#working = true
    void this.#run()
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const shared = await this.#look()
        if (this.#hasNews(shared) && !(await this.#write(shared))) continue
        this.#letGo()
        if (this.#callers.size === 0 && this.#tickets.size === 0 && !this.#hasNews(this.#shared)) break
        await this.#rest()
      }
    } catch (error) {
      // Nothing of this fails but a broken program; nobody waits for it for ever, and nobody passes.
      for (const caller of [...this.#callers, ...this.#tickets.values()]) caller.fail(error)
      this.#callers.clear()
      this.#tickets.clear()
    }
    // In the same turn as the last look at who waits: whoever comes after it begins anew.
    this.#working = false
  }

  async #look(): Promise<Shared> {
    const { isAlone, aloneSince = Infinity } = this.#register
    const found = await this.#register.look()
    if (isAlone && !this.#register.isAlone) this.#comeBack(aloneSince)
    this.#shared = this.#read(found)
    return this.#shared
  }

  #read(found: Shared | undefined): Shared {
    return found === undefined || found.written > this.#ports.clock() + 1_000 ? EMPTY : found
  }

  /** What was done alone is told to the others, and those who still wait get into the common line. */
  #comeBack(since: number): void {
    const { used, tickets } = this.#shared
    const gone = tickets.filter(({ owner, n }) => owner === this.#me && !this.#tickets.has(n))
    const done = [...used, ...gone.map(({ at, tokens }): Used => [at, 1, tokens])]
    this.#corrections.push(...done.filter(([at]) => at >= since))
    const waiting = [...this.#tickets.values(), ...this.#callers]
    for (const n of this.#tickets.keys()) this.#returned.add(n)
    this.#tickets.clear()
    this.#callers.clear()
    for (const caller of waiting) this.#callers.add(caller)
  }

  #hasNews(shared: Shared): boolean {
    return (
      (this.#callers.size > 0 && this.#tickets.size < TICKETS) ||
      this.#returned.size > 0 ||
      this.#corrections.length > 0 ||
      this.#pause > Math.max(shared.pause, this.#ports.clock()) ||
      this.#learned !== undefined ||
      this.#findDead(shared).size > 0
    )
  }

  /** Changes the common record; false when another process was first. */
  async #write(shared: Shared): Promise<boolean> {
    const now = this.#ports.clock()
    const callers = [...this.#callers].slice(0, TICKETS - this.#tickets.size)
    const returned = new Set(this.#returned)
    const corrections = this.#corrections.slice()
    const learned = this.#learned
    const limits = this.#limits ?? learned ?? this.#limitsNow(shared, now)
    const dead = this.#findDead(shared)
    const stays = ({ owner, n }: Ticket) => !dead.has(owner) && !(owner === this.#me && returned.has(n))
    const drawn = callers.map(({ tokens }): Ticket => {
      this.#drawn += 1
      return { owner: this.#me, n: this.#drawn, at: Number.MAX_SAFE_INTEGER, tokens }
    })
    const plan = planRate(
      {
        used: [...shared.used, ...corrections],
        tickets: [...shared.tickets.filter(stays), ...drawn],
        pause: Math.max(shared.pause, this.#pause),
      },
      limits,
      now,
    )
    const named = this.#limits
      ? { ...this.#limits, until: now + 2 * stretchWindow(this.#limits.window_ms) }
      : (learned ?? shared.limits)
    const next: Shared = {
      ...plan,
      written: now,
      owners: this.#nameOwners(shared, plan.tickets),
      ...(named && named.until > now ? { limits: named } : {}),
    }
    if (!(await this.#register.swap(next))) return false
    this.#shared = next
    for (const [index, caller] of callers.entries()) {
      const { n } = drawn[index] as Ticket
      // Left while the record was written.
      if (!this.#callers.delete(caller)) this.#returned.add(n)
      else this.#tickets.set(n, caller)
    }
    for (const n of returned) this.#returned.delete(n)
    this.#corrections = this.#corrections.slice(corrections.length)
    if (this.#learned === learned) this.#learned = undefined
    return true
  }

  #nameOwners({ owners }: Shared, tickets: readonly Ticket[]): { readonly [id: string]: LeaseOwner } {
    const known: { readonly [id: string]: LeaseOwner } = { ...owners, [this.#me]: this.#ports.owner }
    const named = new Set(tickets.map(({ owner }) => owner))
    return Object.fromEntries(Object.entries(known).filter(([id]) => named.has(id)))
  }

  /** Who stands in the line and does not exist any more. */
  #findDead({ owners }: Shared): ReadonlySet<string> {
    const now = this.#ports.clock()
    if (now - this.#buried < BURY_MS) return new Set()
    const dead = Object.entries(owners).filter(([id, owner]) => id !== this.#me && this.#ports.isDead(owner))
    if (dead.length === 0) this.#buried = now
    return new Set(dead.map(([id]) => id))
  }

  /** Those whose time has come. A ticket that is not in the record any more has been counted as used by another process. */
  #letGo(): void {
    const now = this.#ports.clock()
    const times = new Map(this.#shared.tickets.filter(({ owner }) => owner === this.#me).map(({ n, at }) => [n, at]))
    for (const [n, caller] of this.#tickets) {
      const at = times.get(n) ?? now
      if (at > now) continue
      this.#tickets.delete(n)
      caller.go(at)
    }
  }

  /** Until the next own ticket is due, somebody comes, or it is time to look again. */
  #rest(): Promise<void> {
    if (this.#hasNews(this.#shared)) return Promise.resolve()
    const now = this.#ports.clock()
    const mine = this.#shared.tickets.filter(({ owner, n }) => owner === this.#me && this.#tickets.has(n))
    const due = Math.min(now + LOOK_MS, ...mine.map(({ at }) => at))
    return new Promise((resolve) => {
      const cancel = this.#ports.wake(due, () => {
        this.#poke = undefined
        resolve()
      })
      this.#poke = () => {
        this.#poke = undefined
        cancel()
        resolve()
      }
    })
  }
}
