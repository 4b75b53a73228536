import { type Chance, createChance } from './chance.ts'

/**
 * The named points where the simulated ports may misbehave. A run switches each on with p = 0.25. A point that could keep a run
 * from ever ending (`severe`) also draws from the run's allowance.
 */
const POINTS = {
  'append.slow': 'mild',
  'append.refused': 'severe',
  'append.kept-but-refused': 'severe',
  'append.answered-late': 'mild',
  'append.crash-before': 'severe',
  'append.crash-after': 'severe',
  'append.pause-before': 'severe',
  'append.pause-after': 'severe',
  'disk.full': 'severe',
  'lease.append-refused': 'severe',
  'lease.renewal-slow': 'mild',
  'lease.owner-known-dead': 'mild',
  'lease.rival': 'severe',
  'read.slow': 'mild',
  'read.crash': 'severe',
  'blob.slow': 'mild',
  'inbox.late': 'mild',
  'inbox.crash': 'severe',
  'drain.long': 'mild',
  'drain.crash': 'severe',
  'drain.pause': 'severe',
  'timer.late': 'mild',
  'timer.crash': 'severe',
  'timer.pause': 'severe',
  'clock.forward': 'severe',
  'clock.back': 'severe',
  'effect.crash-at-start': 'severe',
  'effect.pause-at-start': 'severe',
  'effect.crash-at-answer': 'severe',
  'effect.pause-at-answer': 'severe',
  'effect.at-one-instant': 'mild',
  'effect.very-slow': 'mild',
  'effect.big-answer': 'mild',
  'effect.stream-after-end': 'mild',
  'abort.slow': 'mild',
  'abort.ignored': 'mild',
  'abort.answered-anyway': 'mild',
  'watch.crash': 'severe',
  'process.leaves': 'severe',
  'process.cancels': 'severe',
  'process.creates-only': 'mild',
  'restart.at-once': 'mild',
  'restart.late': 'mild',
  'person.repeats': 'mild',
  'person.contradicts': 'mild',
  'person.asks-nonsense': 'mild',
  'person.answers-early': 'mild',
  'person.cancels-twice': 'mild',
  'person.wakes-run': 'mild',
  'person.approves-another': 'mild',
  'person.approves-late': 'mild',
  'person.changes-mind': 'mild',
  'person.approves-for-run': 'mild',
  'person.speaks': 'mild',
  'policy.changes': 'mild',
} as const

export type Point = keyof typeof POINTS
export const POINT_NAMES = Object.keys(POINTS) as readonly Point[]

/** Which points are on in this run, and what has happened so far, by fault and by state it met. */
export class Faults {
  readonly fired: { [point: string]: number } = {}
  /** `fault × state` → how often. */
  readonly cells: { [cell: string]: number } = {}
  healed = false
  readonly #chance: Chance
  readonly #on = new Set<Point>()
  #allowance: number

  constructor(seed: string) {
    this.#chance = createChance(`${seed}/faults`)
    for (const point of POINT_NAMES) if (this.#chance.hit(0.25)) this.#on.add(point)
    this.#allowance = this.#chance.between(0, 12)
  }

  /** Does the point fire now? `state` is what it meets, for the coverage table. */
  fires(point: Point, state: string, probability = 0.05): boolean {
    if (this.healed || !this.#on.has(point) || !this.#chance.hit(probability)) return false
    if (POINTS[point] === 'severe') {
      if (this.#allowance === 0) return false
      this.#allowance -= 1
    }
    this.fired[point] = (this.fired[point] ?? 0) + 1
    this.cover(point, state)
    return true
  }

  cover(fault: string, state: string): void {
    const cell = `${fault} × ${state}`
    this.cells[cell] = (this.cells[cell] ?? 0) + 1
  }
}
