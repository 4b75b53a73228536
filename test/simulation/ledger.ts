import type { Event, EventOf } from '../../src/events/event.ts'
import { type Amount, addAmounts, type Need, NOTHING, priceOf } from '../../src/events/money.ts'

/** What one try of an effect really cost, whoever was told. */
export interface Bill {
  readonly key: string
  readonly held: Amount
  amount: Amount
}

/** I10, I11 with the eyes of the provider: what is settled for a try is what was told of it, or all that was held for it. */
export class Ledger {
  /** One for each try that began and needed something. */
  readonly bills: Bill[] = []
  settled: Amount = NOTHING
  /** What each step and all below it have spent. */
  readonly bySettler = new Map<string, Amount>()
  readonly #held = new Map<string, Amount>()
  readonly #prices = new Map<string, Amount>()
  /** Settlements that have to come. */
  readonly #due = new Map<string, Amount>()
  readonly #fail: (invariant: string, message: string) => void

  constructor(fail: (invariant: string, message: string) => void) {
    this.#fail = fail
  }

  /** A provider begins to work on a try. */
  bill(key: string, amount: Amount): Bill {
    const held = this.#prices.get(key) ?? NOTHING
    const bill = { key, held, amount }
    this.bills.push(bill)
    return bill
  }

  take(event: Event): void {
    switch (event.type) {
      case 'effect-intended':
        return this.#hold(event)
      case 'effect-done':
      case 'effect-failed':
        return this.#end(event)
      case 'run-resumed':
        // Nobody knows what became of them.
        for (const [key, amount] of this.#held) this.#due.set(key, amount)
        return this.#held.clear()
      case 'budget-settled':
        return this.#settle(event)
    }
  }

  /** What the limits have to pay for: a provider that bills more than was held does so at its own risk. */
  billed(): Amount {
    return this.bills.reduce((sum, { amount, held }) => {
      const tokens = Math.min(amount.tokens, held.tokens)
      return addAmounts(sum, { cost: Math.min(amount.cost, held.cost), tokens })
    }, NOTHING)
  }

  #hold({ data }: EventOf<'effect-intended'>): void {
    const { key, reserved, redo, answered_by } = data
    if (answered_by !== undefined) return
    const price = redo === undefined ? reserved : this.#prices.get(key)
    if (!isEqual(price, reserved)) this.#fail('I10', `repeats ${key} and does not hold for it what it held before`)
    if (!reserved) return
    const need = needOf(data)
    if (need && !isEqual(priceOf(need, data.output_tokens ?? need.output_tokens), reserved))
      this.#fail('I10', `${key} may have more output than what is held for it pays for`)
    this.#prices.set(key, reserved)
    this.#held.set(key, reserved)
  }

  #end({ data }: EventOf<'effect-done'> | EventOf<'effect-failed'>): void {
    const held = this.#held.get(data.key)
    if (!held) return
    this.#held.delete(data.key)
    const { input, output } = data.usage ?? {}
    const tokens = input === undefined && output === undefined ? held.tokens : (input ?? 0) + (output ?? 0)
    const untouched = 'touched' in data && data.touched === 'no'
    this.#due.set(data.key, untouched ? NOTHING : { cost: data.cost ?? held.cost, tokens })
  }

  #settle({ data, seq }: EventOf<'budget-settled'>): void {
    const due = this.#due.get(data.key)
    if (!isEqual(due, data.amount))
      this.#fail(
        'I11',
        `event ${seq} settles ${data.key} at ${JSON.stringify(data.amount)}, not ${JSON.stringify(due)}`,
      )
    this.#due.delete(data.key)
    this.settled = addAmounts(this.settled, data.amount)
    this.bySettler.set(data.step, addAmounts(this.bySettler.get(data.step) ?? NOTHING, data.amount))
  }
}

function isEqual(a: Amount | undefined, b: Amount | undefined): boolean {
  return a?.cost === b?.cost && a?.tokens === b?.tokens
}

/** What was reckoned with; it stands in the request, where that is small. */
function needOf({ request }: EventOf<'effect-intended'>['data']): Need | undefined {
  if (!request.inline) return undefined
  const { need, options } = JSON.parse(request.inline.text) as {
    readonly need?: Need
    readonly options?: { need?: Need }
  }
  return need ?? options?.need
}
