import type { Json } from '../events/values.ts'
import { type Appended, type Entry, findStream, type Journal } from './journal.ts'

/** Who holds a lease: `id` is unique among holders, the rest tells how to find out whether it still lives (pid, host, ...). */
export interface LeaseOwner {
  readonly id: string
  readonly [about: string]: Json
}

interface LeaseRecord {
  readonly owner: LeaseOwner
  /** ms UTC; from then on anyone may take it. */
  readonly until: number
  readonly released?: true
}

export interface LeaseTerms {
  readonly owner: LeaseOwner
  readonly ttl_ms: number
  /** ms UTC. */
  readonly clock: () => number
  /** Does this owner certainly not exist any more? Then its lease is taken at once. */
  readonly isDead?: (owner: LeaseOwner) => boolean | Promise<boolean>
}

export type LeaseTaken =
  | { readonly ok: true; readonly lease: Lease }
  | { readonly ok: false; readonly holder: { readonly owner: LeaseOwner; readonly until: number } }

/**
 * Takes the lease of a run if it is free, released, expired or its owner is dead. Of several at once exactly one gets it.
 * Taking writes two records and renewing one, so the number a holder hopes for while its renewal is under way is never
 * one that a taker made.
 */
export async function takeLease(journal: Journal, run: string, terms: LeaseTerms): Promise<LeaseTaken> {
  const stream = `lease/${run}`
  let expected: number | 'new' = 'new'
  for (;;) {
    const until = terms.clock() + terms.ttl_ms
    const record: LeaseRecord = { owner: terms.owner, until }
    const taken: Appended = await journal.append([{ stream, expected, records: [record, record] }])
    if (taken.ok)
      return { ok: true, lease: new Lease(journal, run, { terms, fence: taken.last[stream] as number, until }) }
    expected = taken.actual === 0 ? 'new' : taken.actual
    const newest = await readRecord(journal, stream, taken.actual)
    if (newest && !newest.released && newest.until > terms.clock() && !(await terms.isDead?.(newest.owner)))
      return { ok: false, holder: { owner: newest.owner, until: newest.until } }
  }
}

/** Does somebody hold the run's lease? Only looks. */
export async function isHeld(
  journal: Pick<Journal, 'list' | 'read'>,
  run: string,
  { clock, isDead }: Pick<LeaseTerms, 'clock' | 'isDead'>,
): Promise<boolean> {
  const stream = `lease/${run}`
  const found = await findStream(journal, stream)
  const newest = found && (await readRecord(journal, stream, found.last))
  return newest !== undefined && !newest.released && newest.until > clock() && !(await isDead?.(newest.owner))
}

async function readRecord(
  journal: Pick<Journal, 'read'>,
  stream: string,
  seq: number,
): Promise<LeaseRecord | undefined> {
  for await (const { data } of journal.read(stream, seq, seq)) return data as LeaseRecord
  return undefined
}

/**
 * The right to write a run's journal. Every append to the run carries `guard()`, made when the append is made: appends of one
 * journal are applied in order, so a renewal moves the guard at once and the run need not wait for its answer.
 */
export class Lease {
  readonly run: string
  readonly #journal: Journal
  readonly #terms: LeaseTerms
  #fence: number
  #until: number
  #renewal: Promise<boolean> | undefined

  constructor(
    journal: Journal,
    run: string,
    held: { readonly terms: LeaseTerms; readonly fence: number; readonly until: number },
  ) {
    this.#journal = journal
    this.run = run
    this.#terms = held.terms
    this.#fence = held.fence
    this.#until = held.until
  }

  /** Sequence number of the newest record of this lease; beyond any number once the lease is lost. */
  get fence(): number {
    return this.#fence
  }

  /** ms UTC. */
  get until(): number {
    return this.#until
  }

  /** Lets an append pass only while nobody else has taken the lease. */
  guard(): Entry {
    return { stream: `lease/${this.run}`, expected: this.#fence, records: [] }
  }

  /** Gives the lease back as part of an append; once that is applied the guard fits nothing any more. */
  releasing(): Entry {
    const record: LeaseRecord = { owner: this.#terms.owner, until: this.#terms.clock(), released: true }
    return { ...this.guard(), records: [record] }
  }

  /** False when it is lost. Rejects when the journal fails; then it is lost too, for nothing is known. */
  renew(): Promise<boolean> {
    this.#renewal ??= this.#renewOnce().finally(() => {
      this.#renewal = undefined
    })
    return this.#renewal
  }

  async #renewOnce(): Promise<boolean> {
    const until = this.#terms.clock() + this.#terms.ttl_ms
    const record: LeaseRecord = { owner: this.#terms.owner, until }
    const renewal = this.#journal.append([{ ...this.guard(), records: [record] }])
    this.#fence++
    this.#until = until
    let kept = false
    try {
      kept = (await renewal).ok
    } finally {
      if (!kept) this.#fence = Number.MAX_SAFE_INTEGER
    }
    return kept
  }

  /** False when another had taken it already. */
  async release(): Promise<boolean> {
    return (await this.#journal.append([this.releasing()])).ok
  }
}
