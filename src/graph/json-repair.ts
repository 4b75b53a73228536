import { jsonrepair } from 'jsonrepair'
import { toJson } from '../events/canonical.ts'
import type { Json } from '../events/values.ts'

/** `repaired` tells whether something else than the outer prose had to be changed. */
export type RepairedJson =
  | { readonly ok: true; readonly value: Json; readonly repaired: boolean }
  | { readonly ok: false; readonly message: string }

/** Regions that are tried before giving up. */
const TRIES = 100
/** Characters mended in all, broken regions together: the time for mending grows faster than the text. */
const MENDABLE = 100_000

/**
 * The JSON in an answer of a model: the text itself, else the first object or list in its fences or prose, mended where it
 * is cut off or carelessly written. With `fits`, the first one that fits is taken, and only if none does the first at all.
 */
export function repairJson(text: string, fits: (value: Json) => boolean = () => true): RepairedJson {
  const whole = readStrictly(text)
  if (whole?.ok && fits(whole.value)) return whole
  const read = whole ? [whole] : []
  let message = 'there is no JSON object or list in it'
  let mendable = MENDABLE
  let tries = 0
  for (const region of findAllRegions(text)) {
    if (++tries > TRIES) break
    let found = readStrictly(region)
    if (!found && region.length > mendable) {
      message = `its JSON is broken, and with ${region.length} characters too long to be mended`
    } else if (!found) {
      mendable -= region.length
      found = readMended(region)
      message = 'its JSON is broken beyond repair'
    }
    if (found?.ok && fits(found.value)) return found
    if (found) read.push(found)
  }
  return read.find(({ ok }) => ok) ?? read[0] ?? { ok: false, message }
}

/** Undefined for what is no JSON; what a journal cannot hold (too deep a nesting, too large a number) has its reason. */
function readStrictly(text: string): RepairedJson | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const checked = toJson(value)
  if (checked.ok) return { ok: true, value: checked.json, repaired: false }
  return { ok: false, message: `its JSON cannot be used: ${checked.reason.trim()}` }
}

function readMended(region: string): RepairedJson | undefined {
  try {
    const read = readStrictly(jsonrepair(region))
    return read?.ok ? { ...read, repaired: true } : read
  } catch {
    return undefined
  }
}

function* findAllRegions(text: string): Generator<string> {
  for (const part of [...findFenced(text), text]) yield* findRegions(part)
}

/** What stands between lines of three backquotes or tildes; the last fence may lack its end. */
function findFenced(text: string): readonly string[] {
  const found: string[] = []
  let open: { readonly mark: string; readonly lines: string[] } | undefined
  for (const line of text.split('\n')) {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1]
    if (!open) {
      if (mark) open = { mark: mark.slice(0, 3), lines: [] }
    } else if (mark?.startsWith(open.mark)) {
      found.push(open.lines.join('\n'))
      open = undefined
    } else open.lines.push(line)
  }
  if (open) found.push(open.lines.join('\n'))
  return found
}

/** Objects and lists from left to right, none inside another one; one without an end goes to the end of the text. */
function* findRegions(text: string): Generator<string> {
  let from = 0
  for (;;) {
    const start = findOpening(text, from)
    if (start === undefined) return
    const end = findEnd(text, start)
    if (end === undefined) {
      // A quotation mark inside a text may hide the end: then the last closing bracket is it, or there is none.
      const last = text.lastIndexOf(text[start] === '{' ? '}' : ']')
      if (last > start) yield text.slice(start, last + 1)
      yield text.slice(start)
    } else yield text.slice(start, end)
    from = end ?? start + 1
  }
}

/** A bracket that begins JSON, as far as can be told from what follows; `{see below}` in a sentence does not. */
function findOpening(text: string, from: number): number | undefined {
  const opening = /\{(?=\s*(?:["'“‘}]|\/[/*]|[\w$-]+\s*:))|\[(?=\s*(?:["'“‘{[\]\d-]|\/[/*]|(?:true|false|null)\b))/g
  opening.lastIndex = from
  return opening.exec(text)?.index
}

/** The index behind the bracket that closes the one at `start`; undefined when the text ends before. */
function findEnd(text: string, start: number): number | undefined {
  let depth = 0
  let quoted = false
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (quoted) {
      if (char === '\\') at++
      else if (char === '"') quoted = false
    } else if (char === '"') quoted = true
    else if (char === '{' || char === '[') depth++
    else if (char === '}' || char === ']') {
      depth--
      if (depth === 0) return at + 1
    }
  }
  return undefined
}
