import { canonicalJson } from '../events/canonical.ts'
import type { Event } from '../events/event.ts'
import { saltFor, valuesOf } from '../events/hash.ts'
import { INLINE_LIMIT, type Json, type Value } from '../events/values.ts'
import type { BlobStore } from '../journal/journal.ts'
import type { EngineWorld } from './world.ts'

/** Thrown where content is needed that has been removed. */
export class ContentRemoved extends Error {
  /** The step that needed it, once that is known. */
  step: string | undefined
}

const CACHE_BYTES = 32 * 1024 * 1024
/** Short contents come again and again (an empty spec, a verdict): so many of at most so many characters are made once. */
const REMEMBERED = 256
const SHORT = 64

/** Makes values of content and finds the content of values: inline, in a bounded cache, in the blobs, or in the event that holds it. */
export class ContentStore {
  readonly #run: string
  readonly #runKey: string | undefined
  readonly #salts: ReadonlyMap<string, string> | undefined
  readonly #world: EngineWorld
  readonly #blobs: BlobStore
  /** An event of the run, wherever it is. */
  readonly eventAt: (seq: number) => Event | undefined | Promise<Event | undefined>
  readonly #cache = new Map<string, string>()
  readonly #short = new Map<string, Value>()
  #cached = 0

  constructor(options: {
    readonly run: string
    readonly runKey?: string
    /** Salts that content has already, by its plain digest; see `collectSalts`. */
    readonly salts?: ReadonlyMap<string, string>
    readonly world: EngineWorld
    readonly blobs: BlobStore
    eventAt(seq: number): Event | undefined | Promise<Event | undefined>
  }) {
    this.#run = options.run
    this.#runKey = options.runKey
    this.#salts = options.salts
    this.#world = options.world
    this.#blobs = options.blobs
    this.eventAt = options.eventAt
  }

  /** The value of plain JSON; larger content goes to the blobs. */
  make(content: Json): Value {
    if (this.#runKey === undefined) throw new Error('values cannot be made without the run key')
    const text = canonicalJson(content)
    if (text.length > SHORT) return this.#make(text, this.#runKey)
    let value = this.#short.get(text)
    if (!value) {
      value = this.#make(text, this.#runKey)
      if (this.#short.size < REMEMBERED) this.#short.set(text, value)
    }
    return value
  }

  #make(text: string, runKey: string): Value {
    const salt = this.#salts?.get(this.#world.sha256(text)) ?? saltFor(runKey, text, this.#world.sha256)
    const sha256 = this.#world.sha256(salt + text)
    const bytes = byteLength(text)
    // In canonical order, so that hashing finds nothing to sort.
    if (bytes <= INLINE_LIMIT) return { bytes, inline: { salt, text }, sha256, type: 'application/json' }
    this.#blobs.put(this.#run, sha256, { salt, text })
    this.#remember(sha256, text)
    return { bytes, sha256, type: 'application/json' }
  }

  /** The content of a value; `seq` names an event that holds it, for values whose inline bytes were dropped. */
  read(value: Value, seq?: number): Json | Promise<Json> {
    if (value.inline) return JSON.parse(value.inline.text) as Json
    const known = this.#cache.get(value.sha256)
    if (known !== undefined) return JSON.parse(known) as Json
    return this.#load(value, seq)
  }

  /** Keeps the text of an event's values at hand: somebody will ask for it soon. */
  hold(value: Value): void {
    if (value.inline) this.#remember(value.sha256, value.inline.text)
  }

  async #load(value: Value, seq: number | undefined): Promise<Json> {
    if (value.bytes <= INLINE_LIMIT && seq !== undefined) {
      const event = await this.eventAt(seq)
      const found = event && valuesOf(event).find((candidate) => candidate.value.sha256 === value.sha256)
      if (found?.value.inline) {
        this.hold(found.value)
        return JSON.parse(found.value.inline.text) as Json
      }
    }
    const blob = await this.#blobs.get(this.#run, value.sha256)
    if (!blob) throw new ContentRemoved(`the content ${value.sha256.slice(0, 12)} has been removed`)
    this.#remember(value.sha256, blob.text)
    return JSON.parse(blob.text) as Json
  }

  #remember(sha256: string, text: string): void {
    if (this.#cache.has(sha256)) return
    this.#cache.set(sha256, text)
    this.#cached += text.length
    for (const [key, old] of this.#cache) {
      if (this.#cached <= CACHE_BYTES || key === sha256) return
      this.#cache.delete(key)
      this.#cached -= old.length
    }
  }
}

const BEYOND_ASCII = /[\u0080-\uffff]/

/** The length of text in UTF-8. */
function byteLength(text: string): number {
  let bytes = text.length
  if (!BEYOND_ASCII.test(text)) return bytes
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x80) continue
    if (code < 0x800) bytes += 1
    else if (code < 0xd800 || code > 0xdbff) bytes += 2
    else {
      bytes += 2
      i += 1
    }
  }
  return bytes
}
