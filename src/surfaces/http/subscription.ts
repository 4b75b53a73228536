import type { LiveText, RunHost } from '../../app/run-host.ts'
import type { Page } from './frame-block.ts'
import type { RunFrames } from './frames.ts'
import { LiveQueue } from './live-queue.ts'

/** What a reader is to be sent next. `end`: the run has ended, and everything was sent. */
export type Portion =
  | { readonly type: 'frames'; readonly page: Page }
  | { readonly type: 'live'; readonly texts: readonly LiveText[] }
  | { readonly type: 'quiet' }
  | { readonly type: 'end' }

/**
 * One reader of one run. It holds no events: `next` reads what comes after the last that was sent, so a slow reader costs nothing but its
 * place. It waits at most `quiet_ms` for something to tell.
 */
export class Subscription {
  readonly #run: string
  readonly #frames: RunFrames
  readonly #unlisten: () => void
  readonly #unwatch: () => void
  #sent: number
  #ended = false
  #closed = false
  readonly #live = new LiveQueue()
  #news = false
  #wake: ((told: boolean) => void) | undefined
  #quiet: NodeJS.Timeout | undefined

  constructor(run: string, after: number, means: { readonly host: RunHost; readonly frames: RunFrames }) {
    this.#run = run
    this.#sent = after
    this.#frames = means.frames
    this.#unlisten = means.host.listen(run, { text: (text) => this.#hear(text) })
    this.#unwatch = means.frames.watch(run, () => this.#tell())
  }

  /** The number of the last event that was handed out. */
  get sent(): number {
    return this.#sent
  }

  async next(quiet_ms: number): Promise<Portion> {
    for (;;) {
      if (this.#ended) return { type: 'end' }
      this.#news = false
      const read = this.#frames.read(this.#run, this.#sent + 1)
      const page = read instanceof Promise ? await read : read
      const texts = this.#live.take(this.#sent)
      if (texts.length > 0) return { type: 'live', texts }
      if (page) {
        // What was said comes between the events between which it was said.
        const { due = page.last } = this.#live
        const part = due < page.last ? page.until(due) : page
        this.#sent = part.last
        this.#ended = part.ended
        return { type: 'frames', page: part }
      }
      if (this.#closed) return { type: 'end' }
      if (!(await this.#waitForNews(quiet_ms))) return { type: 'quiet' }
    }
  }

  close(): void {
    this.#closed = true
    this.#unwatch()
    this.#unlisten()
    clearTimeout(this.#quiet)
    this.#rouse(true)
  }

  #hear(text: LiveText): void {
    this.#live.hear(text)
    this.#tell()
  }

  #tell(): void {
    this.#news = true
    this.#rouse(true)
  }

  #rouse(told: boolean): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.(told)
  }

  #waitForNews(ms: number): Promise<boolean> {
    if (this.#news) return Promise.resolve(true)
    // One timer for all waits: there are many, and few of them last.
    this.#quiet = this.#quiet?.refresh() ?? setTimeout(() => this.#rouse(false), ms)
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
