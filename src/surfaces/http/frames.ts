import type { RunHost } from '../../app/run-host.ts'
import { FrameBlock, type Page } from './frame-block.ts'

/** One follower of a run's journal for all who read it here. */
interface Watch {
  readonly tells: Set<() => void>
  readonly stop: AbortController
}

const PAGE_FRAMES = 128
/** Bytes of all blocks kept, shared by all readers. What readers far apart do not find here is made anew for each, and becomes garbage. */
const CACHE_SIZE = 16 * 1024 * 1024

/**
 * The committed events of runs as bytes to be sent, made once for all who read them: hundreds of clients that come back at the same time
 * cost one reading. Nobody has a queue of their own; each asks for the page after the last it has sent.
 */
export class RunFrames {
  readonly #host: RunHost
  readonly #redact: () => (text: string) => string
  /** `RUN/FIRST SEQ` to a block, oldest use first. */
  readonly #cache = new Map<string, { readonly block: FrameBlock; readonly size: number }>()
  readonly #reading = new Map<string, Promise<FrameBlock>>()
  readonly #watches = new Map<string, Watch>()
  #size = 0

  constructor(host: RunHost, redact: () => (text: string) => string) {
    this.#host = host
    this.#redact = redact
  }

  /** Frames from `from` to the end of their block, without a turn where they are known; nothing when there are none yet. */
  read(run: string, from: number): Page | undefined | Promise<Page | undefined> {
    // Blocks begin at fixed numbers, so that readers at different places share them.
    const first = Math.floor((from - 1) / PAGE_FRAMES) * PAGE_FRAMES + 1
    const key = `${run}/${first}`
    const kept = this.#cache.get(key)?.block
    if (kept && (kept.length === PAGE_FRAMES || kept.last >= from)) {
      this.#keep(key, kept)
      return kept.cut(from)
    }
    const under =
      this.#reading.get(key) ??
      this.#load(run, key, kept ?? new FrameBlock(first)).finally(() => this.#reading.delete(key))
    this.#reading.set(key, under)
    return under.then((block) => block.cut(from))
  }

  async #load(run: string, key: string, block: FrameBlock): Promise<FrameBlock> {
    for await (const event of this.#host.read(run, block.last + 1, block.first + PAGE_FRAMES - 1))
      block.add(event, this.#redact()(JSON.stringify(event)))
    if (block.length === PAGE_FRAMES) block.trim()
    if (block.length > 0) this.#keep(key, block)
    return block
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
    // Once for all that came in one turn: every telling wakes all readers.
    let telling: NodeJS.Immediate | undefined
    const tellSoon = () => {
      telling ??= setImmediate(() => {
        telling = undefined
        tellAll()
      })
    }
    const follow = async () => {
      const head = await this.#host.head(run)
      tellAll()
      for await (const _ of this.#host.follow(run, head + 1, watch.stop.signal)) tellSoon()
    }
    // Whoever reads meets the same failure, and tells it.
    follow().catch(tellAll)
    return watch
  }

  #keep(key: string, block: FrameBlock): void {
    this.#size += block.size - (this.#cache.get(key)?.size ?? 0)
    this.#cache.delete(key)
    this.#cache.set(key, { block, size: block.size })
    for (const [oldest, { size }] of this.#cache) {
      if (this.#size <= CACHE_SIZE || oldest === key) break
      this.#cache.delete(oldest)
      this.#size -= size
    }
  }
}
