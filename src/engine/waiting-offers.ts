import type { RawOffer } from './attempt.ts'

/** Offers that cannot be admitted yet: for want of a place in their pool, of somebody's word, or of money. Nothing else forces when. */
export class WaitingOffers {
  readonly #forPlace = new Map<string, RawOffer[]>()
  readonly #approved: RawOffer[] = []
  readonly #forMoney: RawOffer[] = []
  /** For a person's word on the budget of a step: what other budgets pay for need not wait behind them. */
  readonly #forWord: RawOffer[] = []
  #settled = false

  /** Is there one that a free place would let go on? */
  get wantPlaces(): boolean {
    return this.#forPlace.size > 0
  }

  awaitPlace(pool: string, offer: RawOffer): void {
    const others = this.#forPlace.get(pool)
    if (others) others.push(offer)
    else this.#forPlace.set(pool, [offer])
  }

  /** The steps whose calls nothing pays for now. */
  *unpaid(): Iterable<string> {
    for (const { step } of [...this.#forMoney, ...this.#forWord]) yield step
  }

  awaitMoney(offer: RawOffer): void {
    this.#forMoney.push(offer)
  }

  awaitWord(offer: RawOffer): void {
    this.#forWord.push(offer)
  }

  /** The word has come. */
  approve(offer: RawOffer): void {
    this.#approved.push(offer)
  }

  /** Something was settled: a budget may have room again. */
  settle(): void {
    this.#settled = true
  }

  /** Offers again what may go on now, in order of arrival; what has to wait once more comes back by itself. */
  retry(hasPlace: (pool: string) => boolean, admit: (offer: RawOffer) => void): void {
    for (const [pool, offers] of this.#forPlace) {
      let next = 0
      while (next < offers.length && hasPlace(pool)) admit(offers[next++] as RawOffer)
      offers.splice(0, next)
      if (offers.length === 0) this.#forPlace.delete(pool)
    }
    for (const offer of this.#approved.splice(0)) admit(offer)
    if (this.#settled) this.#retryUnpaid(admit)
  }

  /** Until one has to wait again: whoever needs much is not passed by for ever by those who need little. */
  #retryUnpaid(admit: (offer: RawOffer) => void): void {
    this.#settled = false
    for (const offer of this.#forWord.splice(0)) admit(offer)
    const waiting = this.#forMoney.splice(0)
    while (waiting.length > 0 && this.#forMoney.length === 0) admit(waiting.shift() as RawOffer)
    this.#forMoney.push(...waiting)
  }
}
