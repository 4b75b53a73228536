import { canonicalJson } from './canonical.ts'
import { EVENT_TYPES, type Event, type EventType } from './event.ts'
import { storedForm } from './upcast.ts'
import type { Content, Value } from './values.ts'

/** SHA-256 of UTF-8 text, as 64 hex characters. `node:crypto` in Node, `@noble/hashes` in browsers. */
export type Sha256 = (text: string) => string

export const NO_HASH = '0'.repeat(64)

/** The hash of an event: over everything but `run`, `hash` and the inline bytes of values. */
export function hashEvent(event: Omit<Event, 'hash' | 'run'>, sha256: Sha256): string {
  const data = canonicalJson(withoutInline(event.type, event.data))
  const causes = event.causes.length === 0 ? '[]' : JSON.stringify(event.causes)
  return sha256(
    `{"actor":"${event.actor}","at":${event.at},"causes":${causes},"data":${data},"lamport":${event.lamport},"prev":"${event.prev}","seq":${event.seq},"type":"${event.type}","v":${event.v}}`,
  )
}

/** The digest of content: SHA-256(salt ‖ bytes). */
export function digestContent(content: Content, sha256: Sha256): string {
  return sha256(content.salt + content.text)
}

/** Salt = SHA-256(run key ‖ SHA-256(bytes)): equal content is stored once per run, and nobody without the key can guess it. */
export function saltFor(runKey: string, text: string, sha256: Sha256): string {
  return sha256(runKey + sha256(text))
}

/** `data` with the inline bytes of its values left out, by path and never by shape. */
export function withoutInline(type: EventType, data: object): object {
  let copy: Record<string, unknown> | undefined
  for (const path of EVENT_TYPES[type].values) {
    const stripped = strip(copy ?? data, path.split('.'), 0)
    if (stripped !== (copy ?? data)) copy = stripped as Record<string, unknown>
  }
  return copy ?? data
}

function strip(node: unknown, path: readonly string[], depth: number): unknown {
  if (typeof node !== 'object' || node === null) return node
  const name = path[depth]
  if (name === undefined) {
    if (!('inline' in node)) return node
    const { inline: _, ...value } = node as Value
    return value
  }
  if (name === '*') return Array.isArray(node) ? node.map((item) => strip(item, path, depth + 1)) : node
  const child = (node as Record<string, unknown>)[name]
  if (child === undefined) return node
  const stripped = strip(child, path, depth + 1)
  return stripped === child ? node : { ...node, [name]: stripped }
}

/** Every value in an event, with its path (`steps.3.spec`). */
export function valuesOf(event: { readonly type: EventType; readonly data: object }): PlacedValue[] {
  return EVENT_TYPES[event.type].values.flatMap((path) => [...collect(event.data, path.split('.'))])
}

export interface PlacedValue {
  readonly path: string
  readonly value: Value
}

function* collect(node: unknown, path: readonly string[], at: readonly string[] = []): Generator<PlacedValue> {
  if (typeof node !== 'object' || node === null) return
  const name = path[at.length]
  if (name === undefined) yield { path: at.join('.'), value: node as Value }
  else if (name !== '*') yield* collect((node as Record<string, unknown>)[name], path, [...at, name])
  else if (Array.isArray(node))
    for (const [index, item] of node.entries()) yield* collect(item, path, [...at, `${index}`])
}

export type ChainFault = { readonly seq: number; readonly message: string }

/** Checks that events belong to one run (`run`, else the first one's), follow each other without gap, and that every hash is right. */
export function createChainCheck(sha256: Sha256, run?: string): (event: Event) => ChainFault | undefined {
  let name = run
  let seq = 0
  let prev = NO_HASH
  let at = 0
  return (given) => {
    seq += 1
    const event = storedForm(given)
    // The hash cannot be computed of what is no event, and it leaves the run's name out: forks keep the hashes of their past.
    if (
      !Array.isArray(event.causes) ||
      !Object.hasOwn(EVENT_TYPES, event.type) ||
      typeof event.data !== 'object' ||
      event.data === null
    )
      return { seq, message: `event ${seq} was altered: it is no event of this format` }
    name ??= event.run
    if (event.run !== name) return { seq, message: `event ${seq} was altered: it names the run ${event.run}` }
    if (event.seq !== seq) return { seq, message: `event ${seq} is missing; the record goes on with ${event.seq}` }
    if (event.prev !== prev) return { seq, message: `event ${seq} does not follow the event before it` }
    if (event.at < at) return { seq, message: `event ${seq} is older than the event before it` }
    if (hashEvent(event, sha256) !== event.hash) return { seq, message: `event ${seq} was altered` }
    for (const { path, value } of valuesOf(event)) {
      if (value.inline && digestContent(value.inline, sha256) !== value.sha256) {
        return { seq, message: `event ${seq}: the content at ${path} was altered` }
      }
    }
    prev = event.hash
    at = event.at
    return undefined
  }
}
