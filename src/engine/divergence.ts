import type { Event } from '../events/event.ts'
import { withoutInline } from '../events/hash.ts'

/** The first place where a record and its replay part. */
export interface Divergence {
  readonly seq: number
  readonly code: 'altered' | 'content' | 'other-ask' | 'no-ask' | 'not-admitted' | 'decision' | 'unreadable'
  /** The step and attempt, or the place in the event. */
  readonly where: string
  readonly message: string
  readonly expected?: string
  readonly got?: string
  readonly hint?: string
}

/** Names the first difference between a recorded event and the one computed now. */
export function describeDifference(
  recorded: Event,
  now: Event,
  changed: { readonly path: string; readonly recorded: string; readonly now: string } | undefined,
): Divergence {
  const who = 'step' in recorded.data ? String(recorded.data.step) : 'engine'
  if (changed) {
    const at = firstDifference(
      parse(changed.recorded),
      parse(changed.now),
      `/data/${changed.path.replaceAll('.', '/')}`,
    )
    return difference(recorded, { code: 'content', where: who, ...at })
  }
  if (recorded.type !== now.type || recorded.actor !== now.actor) {
    const code = now.actor === 'engine' ? 'decision' : 'content'
    const [expected, got] = [`${recorded.type} by ${recorded.actor}`, `${now.type} by ${now.actor}`]
    return difference(recorded, { code, where: who, path: '/type', expected, got })
  }
  const plain = (event: Event) => ({
    causes: event.causes,
    lamport: event.lamport,
    data: withoutInline(event.type, event.data),
  })
  return difference(recorded, {
    code: now.actor === 'engine' ? 'decision' : 'content',
    where: who,
    ...firstDifference(plain(recorded), plain(now), ''),
  })
}

function difference(
  recorded: Event,
  at: { code: 'content' | 'decision'; where: string; path: string; expected: unknown; got: unknown },
): Divergence {
  const expected = show(at.expected)
  const got = show(at.got)
  const hint = hintFor(at.expected, at.got)
  const message = `event ${recorded.seq} ${recorded.type}: ${at.path}: recorded ${expected}, now ${got}`
  return { seq: recorded.seq, code: at.code, where: at.where, message, expected, got, ...(hint ? { hint } : {}) }
}

function firstDifference(a: unknown, b: unknown, path: string): { path: string; expected: unknown; got: unknown } {
  if (isObject(a) && isObject(b)) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      if (JSON.stringify(a[key]) !== JSON.stringify(b[key])) return firstDifference(a[key], b[key], `${path}/${key}`)
    }
  }
  return { path: path || '/', expected: a, got: b }
}

/** What a difference usually means. */
function hintFor(a: unknown, b: unknown): string | undefined {
  if (typeof a === 'number' && typeof b === 'number') {
    if (isEpoch(a) && isEpoch(b)) return 'this looks like a clock reading: use ctx.now()'
    if (a > 0 && a < 1 && b > 0 && b < 1) return 'this looks random: use ctx.random()'
  }
  if (typeof a === 'string' && typeof b === 'string') {
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
    if (uuid.test(a) && uuid.test(b)) return 'this looks like a random id: make it with ctx.random()'
    const date = /^\d{4}-\d\d-\d\dT\d\d:\d\d/
    if (date.test(a) && date.test(b)) return 'this looks like a clock reading: use ctx.now()'
  }
  return undefined
}

function isEpoch(value: number): boolean {
  return value > 1e12 && value < 1e13
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}
