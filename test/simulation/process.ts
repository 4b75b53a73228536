import type { EngineWorld } from '../../src/engine/world.ts'
import type { Point } from './faults.ts'
import { NEVER, type Sim, sha256 } from './sim.ts'

/**
 * A simulated process. Everything its code awaits passes one of its gates: a dead process never comes back from one, a paused one
 * comes back when the pause is over. So it can be killed or stopped wherever it awaits.
 */
export class SimProcess {
  readonly id: string
  readonly world: EngineWorld
  readonly sim: Sim
  alive = true
  /** It has been told that a cancellation is on disk. */
  toldOfCancel = false
  /** The version of the policy it was born with. */
  readonly policy: number
  /** It has let go of the run and may write nothing more. */
  hasLeft = false
  readonly exited: Promise<void>
  #exit!: () => void
  #pausedUntil = 0
  #skew: number

  constructor(sim: Sim, id: string) {
    this.sim = sim
    this.id = id
    if (sim.faults.fires('policy.changes', sim.invariants.phase, 0.5)) sim.policies.version += 1
    this.policy = sim.policies.version
    this.#skew = sim.chance.hit(0.2) ? sim.chance.between(-sim.lease_ms, sim.lease_ms) : 0
    this.exited = new Promise((resolve) => {
      this.#exit = resolve
    })
    this.world = {
      clock: () => sim.now + this.#skew,
      drain: () => this.#drain(),
      wake: (at, then) => this.#wake(at, then),
      sha256,
    }
  }

  crash(): void {
    if (!this.alive) return
    this.sim.note(() => `${this.id} crashes`)
    this.exit()
  }

  /** The process is gone; nothing of it goes on. */
  exit(): void {
    this.alive = false
    this.#exit()
  }

  pause(ms: number): void {
    this.sim.note(() => `${this.id} stands still for ${ms} ms`)
    this.#pausedUntil = Math.max(this.#pausedUntil, this.sim.now + ms)
  }

  /** Fires a point that kills the process. */
  crashesAt(point: Point): boolean {
    if (!this.alive || !this.sim.faults.fires(point, this.sim.invariants.phase)) return false
    this.crash()
    return true
  }

  /** Fires a point that stops the process, often for longer than its lease lives. */
  pausesAt(point: Point): void {
    if (this.alive && this.sim.faults.fires(point, this.sim.invariants.phase))
      this.pause(this.sim.chance.between(1, this.sim.lease_ms * 3))
  }

  /** Comes back when the process runs; never, if it is dead. */
  async awake(): Promise<void> {
    while (this.alive && this.#pausedUntil > this.sim.now) await this.sim.sleep(this.#pausedUntil - this.sim.now)
    if (!this.alive) await NEVER
  }

  async gate<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } finally {
      if (!this.alive || this.#pausedUntil > this.sim.now) await this.awake()
    }
  }

  async #drain(): Promise<void> {
    const { faults, invariants } = this.sim
    if (this.crashesAt('drain.crash')) return NEVER
    this.pausesAt('drain.pause')
    if (faults.fires('drain.long', invariants.phase)) for (let i = 0; i < 3; i++) await this.sim.drain()
    await this.gate(this.sim.drain())
  }

  #wake(at: number, then: () => void): () => void {
    let cancel = () => {}
    const arm = (time: number) => {
      cancel = this.sim.clock.wake(time, fire)
    }
    const fire = () => {
      const { faults, invariants, chance, now } = this.sim
      if (!this.alive) return
      if (this.#pausedUntil > now) return arm(this.#pausedUntil)
      if (faults.fires('timer.late', invariants.phase)) return arm(now + chance.between(1, 2_000))
      if (this.crashesAt('timer.crash')) return
      this.pausesAt('timer.pause')
      if (this.#pausedUntil > now) return arm(this.#pausedUntil)
      if (faults.fires('clock.forward', invariants.phase)) this.#skew += chance.between(1, 100_000)
      if (faults.fires('clock.back', invariants.phase)) this.#skew -= chance.between(1, 100_000)
      then()
    }
    arm(at - this.#skew)
    return () => cancel()
  }
}
