import type { Divergence } from '../../src/engine/divergence.ts'
import { createRun, type Run, type RunPlan, resumeRun, startRun } from '../../src/engine/engine.ts'
import type { RunEnd } from '../../src/engine/live.ts'
import type { EnginePorts } from '../../src/engine/world.ts'
import { type Lease, takeLease } from '../../src/journal/lease.ts'
import { SimDisk } from './disk.ts'
import type { Outside } from './outside.ts'
import { SimProcess } from './process.ts'
import { PortFailure, RUN, type Sim } from './sim.ts'
import { simulated } from './steps.ts'
import { talking } from './talk.ts'

export const kinds = { simulated, talking }

/** A place where processes follow each other: each tries to hold the run, until the run has ended. */
export class Place {
  over = false
  readonly #sim: Sim
  readonly #name: string
  readonly #plan: RunPlan
  readonly #outside: Outside
  readonly #poolLimit: (pool: string) => number | undefined
  readonly #dead: Set<string>

  constructor(options: {
    readonly sim: Sim
    readonly name: string
    readonly plan: RunPlan
    readonly outside: Outside
    readonly poolLimit: (pool: string) => number | undefined
    /** Ids of processes that have died, on all places. */
    readonly dead: Set<string>
  }) {
    this.#sim = options.sim
    this.#name = options.name
    this.#plan = options.plan
    this.#outside = options.outside
    this.#poolLimit = options.poolLimit
    this.#dead = options.dead
  }

  async keep(startAfter: number): Promise<void> {
    await this.#sim.sleep(startAfter)
    for (let n = 1; !this.#sim.invariants.finished; n++) {
      const process = new SimProcess(this.#sim, `${this.#name}.${n}`)
      this.#live(process).then(
        () => process.exit(),
        (error) => {
          if (!isExpected(error))
            this.#sim.fail('unexpected', error instanceof Error ? (error.stack ?? '') : String(error))
          process.exit()
        },
      )
      await process.exited
      this.#dead.add(process.id)
      await this.#waitForWork()
    }
    this.over = true
  }

  /** One process: take the lease, take up the run, drive it until it ends, rests or is lost. */
  async #live(process: SimProcess): Promise<void> {
    const { invariants, faults } = this.#sim
    const disk = new SimDisk(process)
    const taken = await takeLease(disk, RUN, {
      owner: { id: process.id },
      ttl_ms: this.#sim.lease_ms,
      clock: () => process.world.clock(),
      isDead: (owner) =>
        (this.#dead.has(owner.id) && faults.fires('lease.owner-known-dead', invariants.phase, 0.8)) ||
        faults.fires('lease.rival', invariants.phase),
    })
    if (!taken.ok) return
    const ports: EnginePorts = {
      world: process.world,
      journal: disk,
      blobs: disk.blobs,
      kinds,
      executors: this.#outside.executors(process),
      poolLimit: this.#poolLimit,
      policy: this.#sim.policies.policyOf(process),
      watcher: {
        events: (events) => {
          invariants.shown(process, events)
          process.crashesAt('watch.crash')
        },
      },
    }
    const run = await this.#open(ports, taken.lease)
    if ('seq' in run) return this.#sim.fail('I4', `resuming diverges: ${run.message}`)
    this.#disturb(process, run)
    this.#check(await process.gate(run.ended))
  }

  async #open(ports: EnginePorts, lease: Lease): Promise<Run | Divergence> {
    const { invariants, faults } = this.#sim
    if (invariants.events.length > 0) return resumeRun(ports, RUN, { lease })
    if (!faults.fires('process.creates-only', invariants.phase, 0.5)) return startRun(ports, this.#plan, lease)
    await createRun(ports, this.#plan)
    return resumeRun(ports, RUN, { lease })
  }

  /** The program around the engine lets go, or cancels. */
  #disturb(process: SimProcess, run: Run): void {
    const { invariants, faults, chance, clock, now } = this.#sim
    const later = (then: () => void) => clock.wake(now + chance.between(0, 5_000), () => process.alive && then())
    if (faults.fires('process.leaves', invariants.phase, 0.3))
      later(() => {
        run.abandon()
        process.hasLeft = true
      })
    if (faults.fires('process.cancels', invariants.phase)) later(() => run.cancel('from here'))
  }

  #check(end: RunEnd): void {
    const { invariants } = this.#sim
    this.#sim.note(() => `a process is told: ${JSON.stringify(end)}`)
    if (end.outcome === 'finished' && invariants.finished !== end.status)
      this.#sim.fail('I2', `a process was told ${end.status}, on disk is ${invariants.finished ?? 'no end'}`)
    if (end.outcome === 'resting' && invariants.events.length === 0)
      this.#sim.fail('I2', 'a run rests that does not exist')
  }

  async #waitForWork(): Promise<void> {
    const { faults, chance, invariants } = this.#sim
    const late = faults.fires('restart.late', invariants.phase, 0.3)
    const atOnce = faults.fires('restart.at-once', invariants.phase, 0.5)
    await this.#sim.sleep(atOnce ? 0 : chance.between(1, late ? 100_000 : 1_000))
    while (invariants.resting && this.#sim.inbox <= invariants.restedAt && !invariants.finished) {
      if (faults.fires('person.wakes-run', invariants.phase)) return
      await this.#sim.sleep(chance.between(100, 5_000))
    }
  }
}

/** Failing disks and lost races end a process; anything else is a bug. */
function isExpected(error: unknown): boolean {
  return error instanceof PortFailure || (error instanceof Error && /exists already/.test(error.message))
}
