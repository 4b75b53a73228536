import type { ModelRequest } from '../events/messages.ts'

/** The output of a model nobody has heard yet, when its call sets no limit. */
const FIRST_OUTPUT = 1_024
/** How much of the newest answer goes into the guess for the next. */
const NEW = 0.2

/** What calls will take, at a guess: of a model that was called before, what it took then. */
export class TokenGuess {
  readonly #count: (request: ModelRequest) => number
  /** By model: tokens really used for each token of the upper bound, in and out together. */
  readonly #ratios = new Map<string, number>()

  constructor(count: (request: ModelRequest) => number) {
    this.#count = count
  }

  /** Tokens in and out together. */
  of(request: ModelRequest, paid = Number.POSITIVE_INFINITY): number {
    return Math.ceil(this.#most(request, paid) * (this.#ratios.get(nameModel(request)) ?? 1))
  }

  learn(request: ModelRequest, used: number | undefined): void {
    if (used === undefined || !(used > 0)) return
    const ratio = used / this.#most(request)
    const known = this.#ratios.get(nameModel(request)) ?? ratio
    this.#ratios.set(nameModel(request), known + (ratio - known) * NEW)
  }

  #most(request: ModelRequest, paid = Number.POSITIVE_INFINITY): number {
    return this.#count(request) + Math.min(request.max_tokens ?? FIRST_OUTPUT, paid)
  }
}

function nameModel({ provider, model }: ModelRequest): string {
  return `${provider}/${model}`
}
