import type { Event } from '../../src/events/event.ts'
import type { Appended, Blob, BlobStore, Entry, Journal, StoredRecord } from '../../src/journal/journal.ts'
import type { SimProcess } from './process.ts'
import { NEVER, PortFailure, RUN, type Sim } from './sim.ts'

/** The journal as one process sees it: appends in the order of its calls, each of which may fail, be slow, or be its last. */
export class SimDisk implements Journal {
  /** The newest command this process has been handed. */
  followed = 0
  readonly blobs: BlobStore
  readonly #process: SimProcess
  readonly #sim: Sim
  readonly #unwritten = new Map<string, Blob>()
  #last: Promise<unknown> = Promise.resolve()
  #fullUntil = 0

  constructor(process: SimProcess) {
    this.#process = process
    this.#sim = process.sim
    this.blobs = {
      put: (_, sha, blob) => void this.#unwritten.set(sha, blob),
      get: (run, sha) => process.gate(this.#getBlob(run, sha)),
    }
  }

  append(entries: readonly Entry[]): Promise<Appended> {
    if (this.#process.hasLeft) this.#sim.fail('I23', `${this.#process.id} writes after it has let go of the run`)
    const appended = this.#last.then(() => this.#append(entries))
    this.#last = appended.catch(() => {})
    return this.#process.gate(appended)
  }

  async *read(stream: string, from?: number, to?: number): AsyncGenerator<StoredRecord> {
    const { faults, invariants, chance } = this.#sim
    if (this.#process.crashesAt('read.crash')) await NEVER
    if (faults.fires('read.slow', invariants.phase)) await this.#sim.sleep(chance.between(1, 3_000))
    await this.#process.gate(Promise.resolve())
    yield* this.#sim.disk.journal.read(stream, from, to)
  }

  async *follow(stream: string, from: number, signal: AbortSignal): AsyncGenerator<StoredRecord> {
    const { faults, invariants, chance } = this.#sim
    for await (const record of this.#sim.disk.journal.follow(stream, from, signal)) {
      await this.#process.gate(Promise.resolve())
      if (faults.fires('inbox.late', invariants.phase)) await this.#sim.sleep(chance.between(1, 3_000))
      if (this.#process.crashesAt('inbox.crash')) await NEVER
      if (signal.aborted) return
      this.followed = record.seq
      yield record
    }
  }

  list(query: Parameters<Journal['list']>[0]): ReturnType<Journal['list']> {
    return this.#process.gate(this.#sim.disk.journal.list(query))
  }

  remove(run: string): Promise<void> {
    return this.#process.gate(this.#sim.disk.journal.remove(run))
  }

  drop(stream: string): Promise<void> {
    return this.#process.gate(this.#sim.disk.journal.drop(stream))
  }

  async #append(entries: readonly Entry[]): Promise<Appended> {
    const { faults, invariants, chance } = this.#sim
    const process = this.#process
    const lease = entries.length === 1 && entries[0]?.stream.startsWith('lease/')
    await process.awake()
    if (
      faults.fires('append.slow', invariants.phase) ||
      (lease && faults.fires('lease.renewal-slow', invariants.phase))
    )
      await this.#sim.sleep(chance.between(1, chance.hit(0.2) ? this.#sim.lease_ms * 2 : 500))
    if (process.crashesAt('append.crash-before')) await NEVER
    process.pausesAt('append.pause-before')
    await process.awake()
    if (faults.fires('disk.full', invariants.phase)) this.#fullUntil = this.#sim.now + chance.between(100, 20_000)
    if (this.#fullUntil > this.#sim.now && !faults.healed) throw new PortFailure('no space left')
    if (faults.fires('append.refused', invariants.phase)) throw new PortFailure('input/output error')
    if (lease && faults.fires('lease.append-refused', invariants.phase)) throw new PortFailure('input/output error')
    const appended = await this.#apply(entries)
    if (process.crashesAt('append.crash-after')) await NEVER
    process.pausesAt('append.pause-after')
    if (faults.fires('append.answered-late', invariants.phase)) await this.#sim.sleep(chance.between(1, 2_000))
    if (faults.fires('append.kept-but-refused', invariants.phase)) throw new PortFailure('input/output error, late')
    return appended
  }

  async #apply(entries: readonly Entry[]): Promise<Appended> {
    const { invariants, disk } = this.#sim
    // Appends of all processes are applied, and told to the invariants, in one order.
    const appended = await disk.journal.append(entries)
    if (!appended.ok) {
      this.#sim.note(() => `${this.#process.id} is refused at ${appended.stream}`)
      return appended
    }
    for (const [sha, blob] of this.#unwritten) disk.blobs.put(RUN, sha, blob)
    this.#unwritten.clear()
    for (const { stream, records } of entries)
      if (stream === `run/${RUN}` && records.length > 0)
        invariants.takeEvents(records as readonly Event[], { by: this.#process, followed: this.followed })
    for (const { stream, records } of entries) if (stream === `lease/${RUN}`) invariants.takeLease(records)
    return appended
  }

  async #getBlob(run: string, sha: string): Promise<Blob | undefined> {
    const { faults, invariants, chance, disk } = this.#sim
    if (faults.fires('blob.slow', invariants.phase)) await this.#sim.sleep(chance.between(1, 1_000))
    return this.#unwritten.get(sha) ?? disk.blobs.get(run, sha)
  }
}
