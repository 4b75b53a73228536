/** Simulated providers with different cost, speed and quality, and ways to choose between them. */

import { Telemetry } from '../../src/app/telemetry.ts'
import { createTelemetryExecutor } from '../../src/effects/telemetry.ts'
import type { Executor } from '../../src/engine/effect.ts'
import { startRun } from '../../src/engine/engine.ts'
import type { Event } from '../../src/events/event.ts'
import type { ModelRequest } from '../../src/events/messages.ts'
import { priceUsage } from '../../src/events/model-card.ts'
import { createRandom } from '../../src/events/random.ts'
import type { RoutePlan } from '../../src/events/routing.ts'
import type { Json } from '../../src/events/values.ts'
import type { Candidate } from '../../src/graph/candidates.ts'
import type { GraphStep } from '../../src/graph/step-graph.ts'
import type { Journal } from '../../src/journal/journal.ts'
import { agentStep } from '../../src/steps/agent.ts'
import { verifiedStep } from '../../src/steps/verified.ts'
import { createRoom, eventsOf, type LawOptions, planOf, type Room, runToEnd } from '../laws.ts'

export interface Seller {
  readonly model: string
  /** Dollars for a million tokens of input and output. */
  readonly dollars: readonly [number, number]
  readonly latency_ms: number
  /** Part of the calls that are answered, and part of the answers that pass the check. */
  readonly up: number
  readonly good: number
  readonly skill?: number
}

export type Strategy = 'fixed' | 'random' | 'ai3' | 'ours'

const USAGE = { input: 900, output: 400 }
const kinds = { agent: agentStep, verified: verifiedStep }

function candidateOf({ model, dollars, skill }: Seller): Candidate {
  const [input, output] = dollars.map((price) => Math.round(price * 1e9)) as [number, number]
  const skills = skill === undefined ? {} : { skills: { 'text-generation': skill } }
  return {
    provider: 'p',
    model,
    card: { provider: 'p', model, prices: { input, output }, sources: ['test'], ...skills },
  }
}

/** The dearest first is what people do who want no trouble. */
function arrange(market: readonly Seller[], strategy: Strategy, random: () => number): readonly Candidate[] {
  const all = market.map(candidateOf)
  const priceOf = ({ card }: Candidate) => card?.prices?.output ?? 0
  if (strategy === 'fixed') return all.toSorted((a, b) => priceOf(b) - priceOf(a))
  if (strategy === 'random')
    return all
      .map((one) => ({ one, at: random() }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ one }) => one)
  const route: RoutePlan = { among: all.length, ...(strategy === 'ai3' ? { method: 'ai3' } : {}) }
  return all.map((one, index) => (index === 0 ? { ...one, route } : one))
}

function makeStep(id: string, candidates: readonly Candidate[], after: string | undefined): GraphStep {
  const spec = { agent: id, title: id, system: 'be good', candidates, blocks: [] }
  const step = { id, kind: 'agent', spec: spec as unknown as GraphStep['spec'] }
  const checks = [{ kind: 'regex', name: 'good', pattern: '^good$', wanted: true }]
  return {
    id,
    kind: 'verified',
    spec: { step, checks, repair_limit: 0 } as unknown as GraphStep['spec'],
    ...(after === undefined ? {} : { after: [{ step: after, on: 'always' }] }),
  }
}

/** Answers, fails and bills as the sellers do; chance goes by seed and effect alone. */
function sell(room: () => Room, market: readonly Seller[], seed: string): Executor {
  return {
    kind: 'model',
    run: async ({ request, run, key }) => {
      const { model } = request as unknown as ModelRequest
      const seller = market.find((one) => one.model === model) as Seller
      const random = createRandom(`${seed} ${run} ${key} ${model}`)
      await room().world.sleep(Math.round(seller.latency_ms * (0.7 + 0.6 * random())))
      const cost = priceUsage(candidateOf(seller).card?.prices, USAGE) as number
      const bill = { cost, usage: USAGE }
      if (random() > seller.up)
        return { ok: false, code: 'provider_error', message: 'as planned', touched: 'yes', retry: false, ...bill }
      const text = random() < seller.good ? 'good' : 'bad'
      return {
        ok: true,
        answer: { content: [{ type: 'text', text }], finish: 'stop', usage: USAGE } as unknown as Json,
        ...bill,
      }
    },
  }
}

/** The journal of a room knows nothing of its virtual time. */
function withTime({ journal, world }: Room): Pick<Journal, 'list' | 'read'> {
  const list: Journal['list'] = async (query) =>
    (await journal.list(query)).map((info) => ({ ...info, updated: world.clock() }))
  return { list, read: (...asked) => journal.read(...asked) }
}

export interface Outcome {
  readonly events: readonly (readonly Event[])[]
  readonly room: Room
  readonly options: LawOptions
  readonly answers: number
  readonly steps: number
  /** Nano-dollars for each good answer, and ms. */
  readonly cost: number
  readonly ms: number
}

/** Runs with so many steps each, one after the other in one journal, so that later runs know what earlier ones learned. */
export async function trade(
  market: readonly Seller[],
  how: { readonly strategy: Strategy; readonly seed: string; readonly runs: number; readonly steps: number },
): Promise<Outcome> {
  const { strategy, seed } = how
  const options: LawOptions = {
    kinds,
    seed,
    executors: (world) => {
      const telemetry = () => new Telemetry({ journal: withTime(room), clock: world.clock })
      let opened: Telemetry | undefined
      const tell = createTelemetryExecutor((request) => (opened ??= telemetry()).tell(request))
      return { model: sell(() => room, market, seed), telemetry: tell }
    },
  }
  const room: Room = createRoom(options)
  const random = createRandom(`${seed} order`)
  const events: (readonly Event[])[] = []
  for (let n = 1; n <= how.runs; n += 1) {
    const names = Array.from({ length: how.steps }, (_, index) => `s${index + 1}`)
    const steps = names.map((name, index) => makeStep(name, arrange(market, strategy, random), names[index - 1]))
    const run = `run-${n}`
    const plan = { ...planOf({ name: 'g', steps }, { seed: `${seed} ${n}` }), run }
    await runToEnd(await startRun(room.ports, plan), room.world)
    events.push(await eventsOf(room, run))
  }
  return { ...measure(events), events, room, options }
}

function measure(runs: readonly (readonly Event[])[]): Pick<Outcome, 'answers' | 'steps' | 'cost' | 'ms'> {
  let [answers, steps, cost, ms] = [0, 0, 0, 0]
  for (const events of runs) {
    ms += (events.at(-1)?.at ?? 0) - (events[0]?.at ?? 0)
    for (const { type, data } of events) {
      if (type === 'effect-done' || type === 'effect-failed') cost += data.cost ?? 0
      const ended = type === 'step-finished' || type === 'step-failed'
      if (!ended || data.step.includes('/')) continue
      steps += 1
      if (type === 'step-finished') answers += 1
    }
  }
  return { answers, steps, cost: cost / answers, ms: ms / answers }
}
