import { OrcError } from '../../events/errors.ts'
import type { Json, JsonObject } from '../../events/values.ts'

const DEEPEST = 64
/** Of the object itself: no operation has near as many fields, and what is inside one is the user's own. */
const MOST_KEYS = 1_000
/** Names that reach into the machinery of objects. */
const REFUSED_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** One JSON object, read strictly: no key twice, no number beyond a double, no half of a character, no great depth. Throws OrcError `body_invalid`. */
export function readStrictObject(text: string): JsonObject {
  const json = readStrictJson(text)
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as JsonObject
  throw invalid('a JSON object is expected')
}

export function readStrictJson(text: string): Json {
  checkTokens(text)
  try {
    return JSON.parse(text) as Json
  } catch {
    throw invalid('this is not JSON')
  }
}

/** What `JSON.parse` lets pass. The text may still be no JSON at all; then this only has to end. */
function checkTokens(text: string): void {
  const levels: (Set<string> | undefined)[] = []
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]]|-?\d[\d.eE+-]*/gs
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const [word] = match
    if (word === '{' || word === '[') {
      levels.push(word === '{' ? new Set() : undefined)
      if (levels.length > DEEPEST) throw invalid(`it is nested deeper than ${DEEPEST} levels`)
    } else if (word === '}' || word === ']') levels.pop()
    else if (word.startsWith('"')) {
      // No bytes of UTF-8 are half a pair: what is kept of it would be something else.
      if (/\\u[dD][89a-fA-F]/.test(word) && !decode(word).isWellFormed()) throw invalid('a text holds half a character')
      checkKey(text, { word, end: token.lastIndex, keys: levels.at(-1), outermost: levels.length === 1 })
    } else if (!Number.isFinite(Number(word))) throw invalid('a number is too large')
  }
}

function checkKey(
  text: string,
  at: {
    readonly word: string
    readonly end: number
    readonly keys?: Set<string> | undefined
    readonly outermost: boolean
  },
) {
  if (!at.keys) return
  let next = at.end
  while (next < text.length && ' \t\r\n'.includes(text.charAt(next))) next += 1
  if (text.charAt(next) !== ':') return
  const key = decode(at.word)
  if (REFUSED_KEYS.has(key)) throw invalid(`the key ${JSON.stringify(key)} is not taken`)
  if (at.keys.has(key)) throw invalid(`the key ${JSON.stringify(key.slice(0, 100))} stands there twice`)
  at.keys.add(key)
  if (at.outermost && at.keys.size > MOST_KEYS) throw invalid(`it has more than ${MOST_KEYS} keys`)
}

function decode(word: string): string {
  if (!word.includes('\\')) return word.slice(1, -1)
  try {
    return JSON.parse(word) as string
  } catch {
    throw invalid('this is not JSON')
  }
}

function invalid(message: string): OrcError {
  return new OrcError({ code: 'body_invalid', message, hint: 'Send one JSON object in UTF-8.' })
}
