import { hash } from 'node:crypto'
import { createVirtualWorld, type VirtualWorld } from '../../src/engine/virtual-world.ts'
import type { BlobStore, Journal } from '../../src/journal/journal.ts'
import { createMemoryJournal } from '../../src/journal/memory.ts'
import { type Chance, createChance } from './chance.ts'
import { Faults } from './faults.ts'
import type { Invariants } from './invariants.ts'
import { Policies } from './policies.ts'

export const RUN = 'run-1'

export const sha256 = (text: string): string => hash('sha256', text, 'hex')

/** A promise that never resolves: what a dead process waits for. */
export const NEVER = new Promise<never>(() => {})

/** An error a simulated port is allowed to raise. */
export class PortFailure extends Error {}

export interface Violation {
  readonly invariant: string
  readonly message: string
}

/** One simulated world: a clock, a disk, chance, and what went wrong. */
export class Sim {
  readonly seed: string
  readonly chance: Chance
  readonly faults: Faults
  readonly clock: VirtualWorld
  /** What is on the disk, without any process in between. */
  readonly disk: { readonly journal: Journal; readonly blobs: BlobStore }
  readonly lease_ms: number
  readonly policies: Policies
  readonly trace: ((line: string) => void) | undefined
  violation: Violation | undefined
  /** Sequence number of the newest inbox record on disk. */
  inbox = 0
  invariants!: Invariants
  readonly #drains: (() => void)[] = []

  constructor(seed: string, trace?: (line: string) => void) {
    this.seed = seed
    this.trace = trace
    this.chance = createChance(`${seed}/world`)
    this.faults = new Faults(seed)
    this.clock = createVirtualWorld({ seed: `${seed}/clock`, sha256, drain: () => this.drain() })
    this.disk = createMemoryJournal(() => this.clock.clock())
    this.policies = new Policies(seed)
    this.lease_ms = this.chance.pick([2_000, 10_000, 30_000])
  }

  get now(): number {
    return this.clock.clock()
  }

  fail(invariant: string, message: string): void {
    this.violation ??= { invariant, message }
    this.trace?.(`!! ${invariant}: ${message}`)
  }

  note(line: () => string): void {
    this.trace?.(`${String(this.now - 1_800_000_000_000).padStart(9)} ${line()}`)
  }

  sleep(ms: number): Promise<void> {
    return this.clock.sleep(ms)
  }

  /** Resolves after the loop has made one whole hop. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#drains.push(resolve)
    })
  }

  /** Moves the world by one step; false when nothing is left that could move. */
  async advance(): Promise<boolean> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#drains.length === 0) return this.clock.advance()
    for (const resolve of this.#drains.splice(0)) resolve()
    return true
  }
}
