import { verifyRun } from '../../src/engine/engine.ts'
import { createVirtualWorld } from '../../src/engine/virtual-world.ts'
import { pictureOf } from '../../src/events/due.ts'
import type { Event } from '../../src/events/event.ts'
import { evolve } from '../../src/events/evolve.ts'
import { addAmounts, NOTHING } from '../../src/events/money.ts'
import { createRunState, type RunState } from '../../src/events/state.ts'
import { kinds, Place } from './cluster.ts'
import { drawGraph, drawLimits } from './graph.ts'
import { Invariants } from './invariants.ts'
import { Outside } from './outside.ts'
import { People } from './people.ts'
import { RUN, Sim, sha256, type Violation } from './sim.ts'

/** `safety`: faults at all times · `liveness`: after a while faults stop, and the run has to end or rest soon. */
export type Mode = 'safety' | 'liveness'

export interface SeedResult {
  readonly seed: number
  readonly violation: Violation | undefined
  readonly events: number
  /** Hash of the last event: it names everything that was written. */
  readonly head: string
  readonly status: string
  readonly points: { readonly [point: string]: number }
  readonly cells: { readonly [cell: string]: number }
}

/** Nothing a simulated world does takes longer than this; a run silent for so long never moves again. */
const SILENCE_MS = 3_600_000
/** After the faults have stopped everything comes to its end within this time. */
const HEALED_MS = 3_600_000
const MOST_EVENTS = 20_000

export async function runSeed(
  seed: number,
  how: { readonly mode?: Mode; readonly trace?: (line: string) => void } = {},
): Promise<SeedResult> {
  const mode = how.mode ?? 'safety'
  const name = `${mode} ${seed}`
  const sim = new Sim(name, how.trace)
  const limits: { [pool: string]: number } = { narrow: sim.chance.between(1, 2), wide: 5 }
  const poolLimit = (pool: string) => (pool.startsWith('tool-serial:') ? 1 : limits[pool])
  const runKey = sha256(`key ${sim.seed}`)
  sim.invariants = new Invariants(sim, { poolLimit, policies: sim.policies, runKey })
  const outside = new Outside(sim)
  const places = openPlaces(sim, { outside, poolLimit, runKey })
  new People(sim, outside).begin()
  await passTime(sim, { places, healAt: mode === 'liveness' ? sim.now + sim.chance.between(0, 30_000) : Infinity })
  if (!sim.violation) await checkEnd(sim, outside)
  const { events } = sim.invariants
  return {
    seed,
    violation: sim.violation,
    events: events.length,
    head: events.at(-1)?.hash ?? '',
    status: sim.invariants.finished ?? sim.invariants.phase,
    points: sim.faults.fired,
    cells: sim.faults.cells,
  }
}

function openPlaces(
  sim: Sim,
  { outside, poolLimit, runKey }: { outside: Outside; poolLimit: (pool: string) => number | undefined; runKey: string },
): readonly Place[] {
  const plan = {
    run: RUN,
    graph: drawGraph(sim.seed),
    input: 'the input',
    seed: sim.seed,
    run_key: runKey,
    limits: drawLimits(sim.seed),
    target: { kind: 'graph', name: sim.seed },
    started_by: 'code',
  } as const
  const dead = new Set<string>()
  const count = sim.chance.hit(0.5) ? 1 : sim.chance.between(2, 3)
  return Array.from({ length: count }, (_, i) => {
    const place = new Place({ sim, name: `p${i + 1}`, plan, outside, poolLimit, dead })
    void place.keep(i === 0 ? 0 : sim.chance.between(0, 60_000))
    return place
  })
}

async function passTime(sim: Sim, how: { readonly places: readonly Place[]; readonly healAt: number }): Promise<void> {
  const { invariants, faults } = sim
  while (!sim.violation) {
    if (invariants.finished && how.places.every((place) => place.over)) return
    if (!(await sim.advance())) {
      if (how.places.every((place) => place.over)) return
      return sim.fail('I7', `nothing moves any more, and the run is ${invariants.phase}`)
    }
    if (sim.now >= how.healAt) faults.healed = true
    if (invariants.events.length > MOST_EVENTS) return sim.fail('I7', 'the run goes on and on')
    if (invariants.finished) continue
    if (sim.now - invariants.movedAt > SILENCE_MS)
      return sim.fail('I7', `the run is silent, and it is ${invariants.phase}`)
    if (sim.now > how.healAt + HEALED_MS) return sim.fail('I7', 'faults stopped long ago, and the run has not ended')
  }
}

/** What has to hold of the whole record: replay, fold, and what really happened outside. */
async function checkEnd(sim: Sim, outside: Outside): Promise<void> {
  const { invariants, disk } = sim
  const events = JSON.parse(JSON.stringify(invariants.events)) as Event[]
  const drain = () => new Promise<void>((resolve) => void setImmediate(resolve))
  const world = createVirtualWorld({ seed: 'another', sha256, drain, start: 1 })
  const verdict = await verifyRun(events, { world, blobs: disk.blobs, kinds, eventAt: async (seq) => events[seq - 1] })
  if (!verdict.equal) return sim.fail('I4', `replay differs: ${verdict.message}`)
  if (verdict.taken.length + verdict.redacted.length > 0) return sim.fail('I4', 'replay could not run every step')
  // Where an effect has failed a repetition may wait, so there is more of a state to compare.
  const places = events.filter((event) => event.type === 'effect-failed').map((event) => event.seq)
  const cuts = new Set([
    sim.chance.pick(places.length > 0 ? places : [1]),
    sim.chance.between(1, events.length),
    events.length,
  ])
  const [first, second] = [createRunState(), createRunState()]
  for (const [index, event] of events.entries()) {
    evolve(first, invariants.events[index] as Event)
    evolve(second, event)
    if (cuts.has(event.seq) && JSON.stringify(pictureOf(first)) !== JSON.stringify(pictureOf(second)))
      return sim.fail('I4', `folding the record twice gives two states at event ${event.seq}`)
  }
  const unpaid = findUnpaid(first, invariants)
  if (unpaid) return sim.fail('I10', unpaid)
  for (const effect of invariants.dispatches.known.values()) {
    const deeds = outside.deeds.get(sha256(`${RUN}/${effect.key}`)) ?? 0
    if (effect.safety === 'unsafe' && deeds > 1 + effect.allowed)
      return sim.fail('I8', `the unsafe ${effect.key} was done ${deeds} times`)
  }
}

/** The books at the end: nothing is held, what was spent is the sum of what was settled, and the limits paid for every fair bill. */
function findUnpaid(state: RunState, { ledger }: Invariants): string | undefined {
  const spent = (id: string) => {
    let sum = NOTHING
    for (const [settler, amount] of ledger.bySettler)
      for (let at = state.steps.get(settler); at; at = state.steps.get(at.parent ?? ''))
        if (at.id === id) sum = addAmounts(sum, amount)
    return sum
  }
  const accounts = [{ whose: 'the run', account: state.account, due: ledger.settled }]
  for (const { id, account } of state.steps.values()) if (account) accounts.push({ whose: id, account, due: spent(id) })
  for (const { whose, account, due } of accounts) {
    const { settled, reserved } = account
    if (reserved.cost !== 0 || reserved.tokens !== 0) return `${whose} still holds ${JSON.stringify(reserved)}`
    if (settled.cost !== due.cost || settled.tokens !== due.tokens)
      return `the books of ${whose} say ${JSON.stringify(settled)}, ${JSON.stringify(due)} was settled`
  }
  const billed = ledger.billed()
  const { max_cost = Infinity, max_tokens = Infinity } = state.limits
  if (billed.cost > max_cost || billed.tokens > max_tokens)
    return `${JSON.stringify(billed)} was billed, over the limit`
  return undefined
}
