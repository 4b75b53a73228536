import type { RunHost } from '../../app/run-host.ts'
import type { Event } from '../../events/event.ts'

/** One event, ready to be sent. */
export interface Frame {
  readonly seq: number
  readonly type: string
  /** The event as JSON, without secrets. */
  readonly json: string
}

/** Frames of one run in order, without gaps. */
export type Page = readonly Frame[]

/** One follower of a run's journal for all who read it here. */
interface Watch {
  readonly tells: Set<() => void>
  readonly stop: AbortController
}

const PAGE_FRAMES = 128
/** Characters of all pages kept, shared by all readers. */
const CACHE_SIZE = 8 * 1024 * 1024

/**
 * The committed events of runs as pages of text, made once for all who read them: hundreds of clients that come back at the same time
 * cost one reading. Nobody has a queue of their own; each asks for the page after the last it has sent.
 */
export class RunFrames {
  readonly #host: RunHost
  readonly #redact: () => (text: string) => string
  /** `RUN/FIRST SEQ` to a page, oldest use first. */
  readonly #cache = new Map<string, { readonly page: Page; readonly size: number }>()
  readonly #reading = new Map<string, Promise<Page>>()
  readonly #watches = new Map<string, Watch>()
  #size = 0

  constructor(host: RunHost, redact: () => (text: string) => string) {
    this.#host = host
    this.#redact = redact
  }

  /** Frames from `from` on; empty when there are none yet. A page may begin before `from`'s own page, never with a gap. */
  async read(run: string, from: number): Promise<Page> {
    // Pages begin at fixed numbers, so that readers at different places share them.
    const first = Math.floor((from - 1) / PAGE_FRAMES) * PAGE_FRAMES + 1
    const block = await this.#readBlock(run, first, from)
    return cut(block, from)
  }

  async #readBlock(run: string, first: number, from: number): Promise<Page> {
    const key = `${run}/${first}`
    const kept = this.#cache.get(key)
    if (kept && (kept.page.length === PAGE_FRAMES || (kept.page.at(-1)?.seq ?? 0) >= from)) {
      this.#cache.delete(key)
      this.#cache.set(key, kept)
      return kept.page
    }
    const under = this.#reading.get(key)
    if (under) return under
    const reading = this.#load(run, { key, first, known: kept?.page ?? [] }).finally(() => this.#reading.delete(key))
    this.#reading.set(key, reading)
    return reading
  }

  async #load(
    run: string,
    block: { readonly key: string; readonly first: number; readonly known: Page },
  ): Promise<Page> {
    const from = block.known.at(-1)?.seq ?? block.first - 1
    const added: Frame[] = []
    for await (const event of this.#host.read(run, from + 1, block.first + PAGE_FRAMES - 1))
      added.push(this.#frame(event))
    const page = [...block.known, ...added]
    if (added.length > 0) this.#keep(block.key, page)
    return page
  }

  /** Tells of every commit to the run, by whichever process, and once at the beginning; answers with a function that ends it. */
  watch(run: string, tell: () => void): () => void {
    const watch = this.#watches.get(run) ?? this.#startWatch(run)
    watch.tells.add(tell)
    return () => {
      watch.tells.delete(tell)
      if (watch.tells.size > 0 || this.#watches.get(run) !== watch) return
      this.#watches.delete(run)
      watch.stop.abort()
    }
  }

  #startWatch(run: string): Watch {
    const watch: Watch = { tells: new Set(), stop: new AbortController() }
    this.#watches.set(run, watch)
    const tellAll = () => {
      for (const tell of watch.tells) tell()
    }
    const follow = async () => {
      const head = await this.#host.head(run)
      tellAll()
      for await (const _ of this.#host.follow(run, head + 1, watch.stop.signal)) tellAll()
    }
    // Whoever reads meets the same failure, and tells it.
    follow().catch(tellAll)
    return watch
  }

  #frame(event: Event): Frame {
    return { seq: event.seq, type: event.type, json: this.#redact()(JSON.stringify(event)) }
  }

  #keep(key: string, page: Page): void {
    this.#size -= this.#cache.get(key)?.size ?? 0
    this.#cache.delete(key)
    const size = page.reduce((sum, { json }) => sum + json.length, 0)
    this.#cache.set(key, { page, size })
    this.#size += size
    for (const [oldest, { size: less }] of this.#cache) {
      if (this.#size <= CACHE_SIZE || oldest === key) break
      this.#cache.delete(oldest)
      this.#size -= less
    }
  }
}

/** The page itself where it begins at the right place, so that what was made of it is found again. */
function cut(page: Page, from: number): Page {
  return page[0]?.seq === from ? page : page.filter(({ seq }) => seq >= from)
}
