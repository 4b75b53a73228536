import { OrcError } from '../events/errors.ts'
import { EVENT_TYPES, type Event, originOf } from '../events/event.ts'
import { valuesOf } from '../events/hash.ts'
import { type BundleTools, type RunRecord, writeBundle } from './bundle.ts'

/** A place where content stands in a run. */
export interface ContentPlace {
  readonly seq: number
  readonly type: Event['type']
  /** Inside the event's data: `answer`, `steps.3.spec`. */
  readonly path: string
  /** The step it belongs to, if it belongs to one. */
  readonly step: string | undefined
  /** Absent when it was removed before. */
  readonly text: string | undefined
}

export type ChooseContent = (place: ContentPlace) => boolean

/**
 * A bundle without the chosen contents. Equal content elsewhere goes too, for it has the same digest and would give away what was
 * removed; `places` (`SEQ/PATH`) lists all that will be missing, as verification reports it. Content quoted inside other
 * content is not found by this: choose it by its text.
 */
export async function redactBundle(
  record: RunRecord,
  choose: ChooseContent,
  tools: BundleTools,
): Promise<{ readonly lines: AsyncIterable<string>; readonly places: readonly string[] }> {
  const remove = new Set<string>()
  for await (const { place, sha256 } of placesOf(record, true)) if (choose(place)) remove.add(sha256)
  const places: string[] = []
  for await (const { place, sha256, held } of placesOf(record, false)) {
    if (remove.has(sha256) || !held) places.push(`${place.seq}/${place.path}`)
  }
  return { lines: writeBundle(record, tools, { remove }), places }
}

async function* placesOf(
  record: RunRecord,
  read: boolean,
): AsyncGenerator<{ place: ContentPlace; sha256: string; held: boolean }> {
  const owners = new Map<string, string>()
  for await (const event of record.events()) {
    if (event.type === 'effect-intended') owners.set(event.data.key, event.data.step)
    if (originOf(event.type, event.actor) === 'decision') continue
    const { seq, type } = event
    for (const { path, value } of valuesOf(event)) {
      const content = value.inline ?? (await record.blobs.get(record.run, value.sha256))
      const text = read ? content?.text : undefined
      const place = { seq, type, path, step: ownerOf(event, path, owners), text }
      yield { place, sha256: value.sha256, held: content !== undefined }
    }
  }
}

function ownerOf(event: Event, path: string, owners: ReadonlyMap<string, string>): string | undefined {
  const { data } = event
  const item = /^(.+)\.(\d+)\.\w+$/.exec(path)
  if (item) {
    let list: unknown = data
    for (const name of (item[1] as string).split('.')) list = (list as Record<string, unknown>)[name]
    const { id, step } = (list as readonly { id?: string; step?: string }[])[Number(item[2])] ?? {}
    if (id !== undefined || step !== undefined) return id ?? step
  }
  if ('step' in data) return data.step
  return 'key' in data ? owners.get(data.key) : undefined
}

/**
 * What to remove, as a user writes it: `all` · `input` · `step:NAME` (with `*`) · `text:WORDS` (every content with these words) ·
 * an event type (`effect-done`) or a place in it (`effect-done.answer`, `run-started.steps.*.spec`). Any one suffices.
 */
export function parseRedactions(patterns: readonly string[]): ChooseContent {
  const choices = patterns.map(parseRedaction)
  return (place) => choices.some((choose) => choose(place))
}

function parseRedaction(pattern: string): ChooseContent {
  if (pattern === 'all') return () => true
  if (pattern === 'input')
    return ({ type, path }) => (type === 'run-started' && path === 'input') || path === 'change.input'
  const [, what, rest = ''] = /^(step|text):(.+)$/s.exec(pattern) ?? []
  if (what === 'text') {
    // Content is kept as JSON, where quotes and line ends are escaped.
    const forms = [rest, JSON.stringify(rest).slice(1, -1)]
    return ({ text }) => forms.some((form) => text?.includes(form))
  }
  if (what === 'step') {
    const name = toExpression(rest, '.*')
    return ({ step }) => step !== undefined && name.test(step)
  }
  const type = pattern.split('.', 1)[0] as Event['type']
  const path = pattern.slice(type.length + 1)
  if (Object.hasOwn(EVENT_TYPES, type) && EVENT_TYPES[type].values.length > 0) {
    const place = toExpression(path || '*', path ? '[^.]+' : '.*')
    const declared = toExpression(path.replaceAll(/\b\d+\b/g, '*') || '*', path ? '[^.]+' : '.*')
    const known = EVENT_TYPES[type].values.some((value) => declared.test(value))
    if (known) return (found) => found.type === type && place.test(found.path)
  }
  const hint = 'Use all, input, step:NAME, text:WORDS, or a place such as effect-done.answer.'
  throw new OrcError({ code: 'bad_input', message: `"${pattern}" names no content of a run`, hint })
}

function toExpression(pattern: string, any: string): RegExp {
  return new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'))
      .join(any)}$`,
    's',
  )
}
