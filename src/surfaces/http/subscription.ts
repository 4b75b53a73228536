import type { LiveText, RunHost } from '../../app/run-host.ts'
import type { Page, RunFrames } from './frames.ts'

/** Live text that may wait for a slow reader, in characters; what is more is lost, for the finished message comes in any case. */
const MOST_LIVE = 1024 * 1024

/** What a reader is to be sent next. `end`: the run has ended, and everything was sent. */
export type Portion =
  | { readonly type: 'frames'; readonly frames: Page }
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
  #live: LiveText[] = []
  #liveSize = 0
  #news = false
  #wake: (() => void) | undefined

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
      const texts = this.#live
      const frames = await this.#frames.read(this.#run, this.#sent + 1)
      if (frames.length > 0) {
        // What was said before the event that holds it whole comes first.
        if (texts.length > 0 && texts === this.#live) return this.#takeLive()
        this.#sent = frames.at(-1)?.seq ?? this.#sent
        this.#ended = frames.at(-1)?.type === 'run-finished'
        return { type: 'frames', frames }
      }
      if (this.#live.length > 0) return this.#takeLive()
      if (this.#closed) return { type: 'end' }
      if (!(await this.#waitForNews(quiet_ms))) return { type: 'quiet' }
    }
  }

  close(): void {
    this.#closed = true
    this.#unwatch()
    this.#unlisten()
    this.#wake?.()
  }

  #takeLive(): Portion {
    const texts = this.#live
    this.#live = []
    this.#liveSize = 0
    return { type: 'live', texts }
  }

  #hear(text: LiveText): void {
    this.#liveSize += text.delta.text.length
    if (this.#liveSize > MOST_LIVE) return
    this.#live.push(text)
    this.#tell()
  }

  #tell(): void {
    this.#news = true
    this.#wake?.()
  }

  #waitForNews(ms: number): Promise<boolean> {
    if (this.#news) return Promise.resolve(true)
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(false), ms)
      const done = (told: boolean) => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve(told)
      }
      this.#wake = () => done(true)
    })
  }
}
