import type { EffectFailed, EffectOrder, EffectOutcome, Executor } from '../../src/engine/effect.ts'
import { canonicalJson } from '../../src/events/canonical.ts'
import type { ModelRequest } from '../../src/events/messages.ts'
import { type Need, NOTHING } from '../../src/events/money.ts'
import type { ToolRequest } from '../../src/events/tool-call.ts'
import type { Json, JsonObject } from '../../src/events/values.ts'
import { type DrawnBill, drawBill } from './bills.ts'
import type { Bill } from './ledger.ts'
import type { SimProcess } from './process.ts'
import { NEVER, type Sim } from './sim.ts'
import { drawAnswer, executableCalls, findTranscriptFault } from './talk.ts'
import { toolOf } from './tools.ts'

/** How a call of the outside world goes wrong, and how often in a hundred. */
const MIX = {
  ok: 52,
  refused: 5,
  'rate-limited': 6,
  overloaded: 5,
  'reset-midway': 4,
  'bad-request': 3,
  'broke-after-the-deed': 2,
  stalls: 4,
  'stalls-deaf': 2,
  'does-it-silently': 3,
  'says-so-only': 2,
  'answers-no-json': 3,
  'answers-nothing': 2,
  throws: 3,
  'throws-at-once': 1,
} as const

type Fault = keyof typeof MIX
const FAULTS = Object.entries(MIX) as readonly (readonly [Fault, number])[]

const ABANDONED_MS = 5_000

/** No call outlives this: executors have their own idle timers. */
const LONGEST_MS = 120_000

/** The world outside the processes: it goes on when they die, and counts what was really done. */
export class Outside {
  /** Real deeds by idempotency key. */
  readonly deeds = new Map<string, number>()
  /** Calls that models have made whole, by step. */
  readonly #said = new Map<string, Set<string>>()
  readonly #sim: Sim

  constructor(sim: Sim) {
    this.#sim = sim
  }

  executors(process: SimProcess): { readonly [kind: string]: Executor } {
    const kinds = ['file', 'tool', 'model', 'script', 'steer']
    return Object.fromEntries(kinds.map((kind) => [kind, this.#executor(kind, process)]))
  }

  #executor(kind: string, process: SimProcess): Executor {
    return {
      kind,
      run: (order, { signal, stream }) => {
        if (signal.aborted) return Promise.resolve(failed('aborted', { touched: 'no' }))
        if (kind === 'tool') this.#checkCall(order)
        const [sim, deed] = [this.#sim, () => this.#count(order)]
        const call = new Call({ sim, order, process, signal, deed, content: () => this.#contentFor(order) })
        return call.answer(stream)
      },
    }
  }

  /** What an answer says. */
  #contentFor({ kind, request, step }: EffectOrder): Json {
    const { chance, faults, invariants } = this.#sim
    if (kind === 'steer') return invariants.wordsAfter((request as { after: number }).after)
    if (typeof request === 'object' && request !== null && 'messages' in request) {
      const asked = request as unknown as ModelRequest
      const fault = findTranscriptFault(asked.messages)
      if (fault) this.#sim.fail('I17', `${step} shows a model that ${fault}`)
      const answer = drawAnswer(asked, chance)
      const said = this.#said.get(step) ?? new Set()
      for (const call of executableCalls(answer)) said.add(canonicalJson(call as unknown as Json))
      this.#said.set(step, said)
      return answer as unknown as Json
    }
    const size = faults.fires('effect.big-answer', invariants.phase, 0.3) ? 6_000 : chance.between(0, 20)
    return { text: 'x'.repeat(size), n: chance.between(1, 1_000) }
  }

  /** F17: what a model did not say, or did not say to its end, is never executed. */
  #checkCall({ step, key, request }: EffectOrder): void {
    const { tool, arguments: args } = request as unknown as ToolRequest
    const said = this.#said.get(step)
    if (said && !said.has(canonicalJson({ name: tool, arguments: args })))
      this.#sim.fail('F17', `${key} does what no model has asked for`)
  }

  #count({ idempotency_key }: EffectOrder): void {
    this.deeds.set(idempotency_key, (this.deeds.get(idempotency_key) ?? 0) + 1)
  }
}

function failed(code: string, more: Partial<EffectFailed> = {}): EffectFailed {
  return { ok: false, code, message: 'it failed', touched: 'maybe', retry: false, ...more }
}

/** The request tells the provider what was reckoned with. */
function needOf({ request }: EffectOrder): Need | undefined {
  const { need, options } = request as { readonly need?: Need; readonly options?: { readonly need?: Need } }
  return need ?? options?.need
}

/** One call on its way through the outside world. */
class Call {
  readonly #sim: Sim
  readonly #order: EffectOrder
  readonly #process: SimProcess
  readonly #signal: AbortSignal
  readonly #deed: () => void
  readonly #content: () => Json
  readonly #fault: Fault
  readonly #drawn: DrawnBill | undefined
  #bill: Bill | undefined
  #undo = () => {}

  constructor(options: {
    sim: Sim
    order: EffectOrder
    process: SimProcess
    signal: AbortSignal
    deed(): void
    content(): Json
  }) {
    this.#sim = options.sim
    this.#order = options.order
    this.#process = options.process
    this.#signal = options.signal
    this.#deed = options.deed
    this.#content = options.content
    this.#fault = this.#sim.faults.healed || this.#order.kind === 'steer' ? 'ok' : this.#draw()
    const need = needOf(this.#order)
    if (need) this.#drawn = drawBill(need, this.#order.output_tokens ?? need.output_tokens, this.#sim.chance)
  }

  answer(stream: (delta: { type: 'text'; text: string }) => void): Promise<EffectOutcome> {
    const { invariants, faults } = this.#sim
    const state = invariants.stepState(this.#order)
    const left = invariants.dispatch(this.#process, this.#order, this.#signal)
    if (this.#drawn) this.#bill = invariants.ledger.bill(this.#order.key, this.#drawn.amount)
    faults.cover(this.#fault, state)
    if (this.#process.crashesAt('effect.crash-at-start')) return new Promise(() => {})
    this.#process.pausesAt('effect.pause-at-start')
    if (this.#fault === 'throws-at-once') {
      left()
      throw new Error('a crash at once')
    }
    // The engine gives a silent executor up, and its place with it.
    this.#signal.addEventListener('abort', () => void this.#sim.clock.wake(this.#sim.now + ABANDONED_MS - 1, left))
    const outcome = this.#run(state)
      .then((reported) => this.#finish(reported))
      .finally(left)
    return this.#deliver(outcome, () => stream({ type: 'text', text: 'late' }))
  }

  /** The answer on its way to the engine, which may find its process gone or standing still. */
  async #deliver(outcome: Promise<EffectOutcome>, streamLate: () => void): Promise<EffectOutcome> {
    try {
      return await this.#process.gate(outcome)
    } finally {
      if (this.#process.crashesAt('effect.crash-at-answer')) await NEVER
      this.#process.pausesAt('effect.pause-at-answer')
      if (this.#sim.faults.fires('effect.stream-after-end', this.#sim.invariants.phase)) streamLate()
      await this.#process.awake()
    }
  }

  /** Where nothing was touched nothing is billed, and what a tool answers says where it comes from. */
  #finish(outcome: EffectOutcome): EffectOutcome {
    if (typeof outcome !== 'object' || outcome === null) return outcome
    if (this.#bill && !outcome.ok && outcome.touched === 'no') this.#bill.amount = NOTHING
    if (this.#order.kind !== 'tool') return outcome
    return toolOf((this.#order.request as JsonObject).tool as string).outside
      ? { ...outcome, labels: ['outside'] }
      : outcome
  }

  async #run(state: string): Promise<EffectOutcome> {
    const { chance, faults } = this.#sim
    const fault = this.#fault
    const slow = faults.fires('effect.very-slow', state) ? chance.between(1_000, LONGEST_MS) : chance.between(1, 60)
    const latency = faults.fires('effect.at-one-instant', state, 0.5) ? 10 : slow
    const does = ['ok', 'broke-after-the-deed', 'does-it-silently', 'answers-no-json'].includes(fault)
    const may = ['answers-nothing', 'reset-midway', 'stalls', 'stalls-deaf', 'throws'].includes(fault)
    if (does || (may && chance.hit(0.5)))
      this.#undo = this.#sim.clock.wake(this.#sim.now + Math.ceil(latency / 2), this.#deed)
    const silent = ['stalls', 'stalls-deaf', 'does-it-silently'].includes(fault)
    const deaf = fault === 'stalls-deaf' || faults.fires('abort.ignored', state)
    const aborted = await this.#wait(silent ? LONGEST_MS : latency, deaf)
    if (aborted) return this.#stop(state)
    return this.#outcome()
  }

  /** What is answered after the call was told to stop: it may still happen. */
  async #stop(state: string): Promise<EffectOutcome> {
    const { chance, faults } = this.#sim
    const anyway = faults.fires('abort.answered-anyway', state, 0.5)
    if (!anyway && chance.hit(0.5)) this.#undo()
    if (faults.fires('abort.slow', state, 0.3)) await this.#sim.sleep(chance.between(1, 4_900))
    return anyway ? this.#outcome() : failed('aborted')
  }

  #outcome(): EffectOutcome {
    const { chance } = this.#sim
    const cost = chance.hit(0.5) ? { cost: chance.between(0, 1e6) } : {}
    const raw = chance.hit(0.1) ? { raw: { at: new Date(0) } as never } : {}
    const usage = chance.hit(0.5) ? { usage: { input: chance.between(0, 100), ...raw } } : {}
    const bill = this.#drawn?.told ?? { ...cost, ...usage }
    switch (this.#fault) {
      case 'ok':
      case 'says-so-only':
        return { ok: true, answer: this.#content(), ...bill }
      case 'refused':
        return failed('provider_unreachable', { touched: 'no', retry: true })
      case 'rate-limited': {
        const after = chance.pick([undefined, 0, 40, 1_500, 59_000, 9e9, -5, 0.5, Number.NaN, Infinity])
        const more = after === undefined ? {} : { retry_after_ms: after }
        return failed('rate_limited', { touched: 'no', retry: true, ...more })
      }
      case 'overloaded':
        return failed('overloaded', { touched: chance.pick(['no', 'maybe']), retry: true, ...bill })
      case 'reset-midway':
        return failed('stream_broken', { retry: true, partial: { text: 'half an' }, detail: 'ECONNRESET', ...bill })
      case 'bad-request':
        return failed('bad_request', { touched: 'no', detail: 'no such model \ud800' })
      case 'broke-after-the-deed':
        return failed('broken', { touched: 'yes', retry: chance.hit(0.5), ...bill })
      case 'stalls':
      case 'stalls-deaf':
      case 'does-it-silently':
        return failed('stalled', { retry: true })
      case 'answers-no-json':
        return { ok: true, answer: chance.pick([new Map(), () => 1, Number.NaN, { deep: 1n }]) as never, ...bill }
      case 'answers-nothing':
        return chance.pick([undefined, null, 'done', {}, { ok: false, code: 7 }]) as never
      case 'throws':
      case 'throws-at-once':
        throw new Error('a crash')
    }
  }

  /** Waits, unless it is told to stop and listens; answers whether it was. */
  #wait(ms: number, deaf: boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#sim.clock.wake(this.#sim.now + ms, () => resolve(false))
      if (deaf) return
      this.#signal.addEventListener('abort', () => {
        cancel()
        resolve(true)
      })
    })
  }

  #draw(): Fault {
    let roll = this.#sim.chance.between(0, FAULTS.reduce((sum, [, weight]) => sum + weight, 0) - 1)
    for (const [fault, weight] of FAULTS) {
      if (roll < weight) return fault
      roll -= weight
    }
    return 'ok'
  }
}
