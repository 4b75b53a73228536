import { canonicalJson } from '../events/canonical.ts'
import { OrcError } from '../events/errors.ts'
import { EVENT_TYPES, type Event, FORMAT } from '../events/event.ts'
import { evolve } from '../events/evolve.ts'
import { type ChainFault, createChainCheck, digestContent, type Sha256, valuesOf } from '../events/hash.ts'
import { createRunState } from '../events/state.ts'
import { upcast } from '../events/upcast.ts'
import { BUNDLE, BUNDLE_LIMITS, contentsOf, type Manifest } from './bundle.ts'
import { type BundleLine, damagedBundle } from './bundle-lines.ts'
import type { Blob } from './journal.ts'

/** What a line of a bundle says. */
export type BundleItem =
  | { readonly manifest: Manifest }
  | { readonly event: Event }
  | { readonly blob: Blob & { readonly sha256: string } }
  | { readonly digest: string }

const ENVELOPE = 'actor,at,causes,data,hash,lamport,prev,run,seq,type,v'
const MANIFEST = 'blobs,bundle,engine,events,format,head,removed,run'
const MOST_NESTED = 300

/** Checks a bundle line by line; everything in it must follow from the events. Throws OrcError that names line and event. */
export class BundleCheck {
  readonly #sha256: Sha256
  readonly #chain: (event: Event) => ChainFault | undefined
  readonly #state = createRunState()
  /** Place of each digest among those that have no inline content. */
  readonly #named = new Map<string, number>()
  #manifest: Manifest | undefined
  #events = 0
  #blobs = 0
  #lastBlob = -1
  #skipped = 0
  #ended = false

  constructor(sha256: Sha256) {
    this.#sha256 = sha256
    this.#chain = createChainCheck(sha256)
  }

  take({ number, bytes, text }: BundleLine): BundleItem {
    const manifest = this.#manifest
    const about = manifest && this.#events < manifest.events ? `event ${this.#events + 1}` : ''
    const fail = (what: string): never => {
      throw damagedBundle(number, !about || what.startsWith(about) ? what : `${about}: ${what}`)
    }
    if (this.#ended) return fail('something follows the digest')
    if (text === '' && bytes.length > 0) return fail('it is not UTF-8')
    const content = parseLine(text)
    if (typeof content === 'string') return fail(content)
    if (!manifest) {
      this.#manifest = checkManifest(content, fail)
      return { manifest: this.#manifest }
    }
    if (this.#events < manifest.events) {
      if (keysOf(content) !== 'event') return fail(`${about} is missing`)
      return { event: this.#takeEvent(content.event, manifest, fail) }
    }
    const last = `the last event is ${manifest.events}`
    if (keysOf(content) === 'event') return fail(`there is another event, but ${last}`)
    if (this.#blobs < manifest.blobs) {
      if (keysOf(content) !== 'blob') return fail(`blob ${this.#blobs + 1} is missing`)
      return { blob: this.#takeBlob(content.blob, manifest, fail) }
    }
    if (keysOf(content) !== 'digest') return fail('the digest of the file is missing')
    this.#ended = true
    return { digest: String(content.digest) }
  }

  /** To be called after the last line. */
  end(lines: number): Manifest {
    if (!this.#ended || !this.#manifest) {
      const { events = 0, blobs = 0 } = this.#manifest ?? {}
      throw damagedBundle(
        lines + 1,
        `the file ends here, with ${this.#events} of ${events} events and ${this.#blobs} of ${blobs} blobs`,
      )
    }
    return this.#manifest
  }

  #takeEvent(content: unknown, manifest: Manifest, fail: (what: string) => never): Event {
    this.#events += 1
    const event = checkEnvelope(content, manifest, fail)
    for (const { path, value } of valuesOf(event)) {
      if (!isValue(value)) return fail(`${path} is not a value`)
    }
    const fault = this.#chain(event)
    if (fault) return fail(fault.message)
    try {
      evolve(this.#state, upcast(event))
      this.#state.wakes.length = 0
    } catch (error) {
      return fail(`it makes no sense there (${error instanceof Error ? error.message : error})`)
    }
    for (const value of contentsOf(event)) {
      if (!value.inline && !this.#named.has(value.sha256)) this.#named.set(value.sha256, this.#named.size)
    }
    if (event.type === 'run-started' && event.data.engine !== manifest.engine)
      return fail('it was written by another engine than line 1 says')
    if (this.#events === manifest.events) {
      if (event.hash !== manifest.head) return fail('its hash is not the head that line 1 names')
      if (this.#named.size !== manifest.blobs + manifest.removed)
        return fail(`the events name ${this.#named.size} blobs, which is not what line 1 says`)
    }
    return event
  }

  #takeBlob(content: unknown, manifest: Manifest, fail: (what: string) => never): Blob & { readonly sha256: string } {
    this.#blobs += 1
    const blob = content as Blob & { readonly sha256: string }
    if (!isObject(content) || keysOf(content) !== 'salt,sha256,text') return fail('it is not a blob')
    const place = this.#named.get(blob.sha256)
    if (place === undefined) return fail('no event names this blob')
    if (place <= this.#lastBlob) return fail('the blob stands twice, or not in the order of the events')
    this.#skipped += place - this.#lastBlob - 1
    if (this.#skipped > manifest.removed) return fail('a blob before this one is missing')
    this.#lastBlob = place
    if (!isContent({ salt: blob.salt, text: blob.text })) return fail('it is not a blob')
    if (digestContent(blob, this.#sha256) !== blob.sha256) return fail('the content of the blob was altered')
    return blob
  }
}

/** The object of a line; a text says what is wrong with it. */
function parseLine(text: string): Record<string, unknown> | string {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    return 'it is not JSON'
  }
  if (!isObject(content)) return 'it is not an object'
  if (!isPlain(content, 0)) return 'it is nested too deeply, or uses a reserved name'
  // A lone surrogate is the only thing canonical JSON escapes in this way.
  if (canonicalJson(content) !== text || /(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(text)) return 'it is not canonical JSON'
  return content
}

function checkManifest(content: Record<string, unknown>, fail: (what: string) => never): Manifest {
  if (!Number.isSafeInteger(content.bundle)) return fail('this is not a bundle')
  if (
    (content.bundle as number) > BUNDLE ||
    (Number.isSafeInteger(content.format) && (content.format as number) > FORMAT)
  ) {
    const message = `the bundle has format ${content.bundle} with events of format ${content.format}; this version knows ${BUNDLE} and ${FORMAT}`
    throw new OrcError({ code: 'bundle_newer', message, line: 1, hint: 'Update this program.' })
  }
  const manifest = content as unknown as Manifest
  const counts = [manifest.events, manifest.blobs, manifest.removed]
  const sound =
    keysOf(content) === MANIFEST &&
    manifest.bundle === BUNDLE &&
    Number.isSafeInteger(manifest.format) &&
    manifest.format > 0 &&
    typeof manifest.engine === 'string' &&
    isDigest(manifest.head) &&
    counts.every((count) => Number.isSafeInteger(count) && count >= 0) &&
    manifest.events > 0
  if (!sound) return fail('the manifest is not sound')
  if (typeof manifest.run !== 'string' || !/^[A-Za-z0-9][\w.~-]{0,127}$/.test(manifest.run))
    return fail('the name of the run is not one a run can have')
  if (manifest.events > BUNDLE_LIMITS.events)
    throw new OrcError({ code: 'bundle_too_large', message: 'the bundle has more than 1,000,000 events', line: 1 })
  return manifest
}

function checkEnvelope(content: unknown, manifest: Manifest, fail: (what: string) => never): Event {
  if (!isObject(content) || keysOf(content) !== ENVELOPE) return fail('it has not the form of an event')
  const event = content as unknown as Event
  const { v, run, seq, at, lamport, causes, actor, type, data } = event
  // A run that began in an older format goes on in a newer one.
  if (!(v > 0 && v <= manifest.format) || run !== manifest.run) return fail('it belongs to another run or format')
  const numbers = [seq, at, lamport].every((number) => Number.isSafeInteger(number) && number >= 0)
  const caused =
    Array.isArray(causes) && causes.every((cause) => typeof cause === 'string' || Number.isSafeInteger(cause))
  if (!numbers || !caused || !isObject(data) || typeof event.hash !== 'string' || typeof event.prev !== 'string')
    return fail('it has not the form of an event')
  if (!Object.hasOwn(EVENT_TYPES, type) || !Object.hasOwn(EVENT_TYPES[type].origin, actor))
    return fail(`there is no ${String(type)} by ${String(actor)}`)
  return event
}

function isValue(value: unknown): boolean {
  if (!isObject(value)) return false
  const { sha256, bytes, type, inline, ...rest } = value
  if (!isDigest(sha256) || !Number.isSafeInteger(bytes) || typeof type !== 'string') return false
  return Object.keys(rest).length === 0 && (inline === undefined || isContent(inline))
}

/** The salt has a fixed length, or characters could move between it and the text without changing the digest. */
function isContent(content: unknown): boolean {
  return (
    isObject(content) && keysOf(content) === 'salt,text' && isDigest(content.salt) && typeof content.text === 'string'
  )
}

function isDigest(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function keysOf(object: Record<string, unknown>): string {
  return Object.keys(object).sort().join()
}

function isPlain(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth > MOST_NESTED || Object.hasOwn(value, '__proto__')) return false
  return Object.values(value).every((item) => isPlain(item, depth + 1))
}
