import { makeOnce } from '../events/once.ts'
import type { Json } from '../events/values.ts'
import { evaluateCel } from '../graph/cel.ts'
import { findMismatches } from '../graph/json-schema.ts'
import { compileRegex } from '../graph/linear-regex.ts'
import type { Check } from '../graph/verify.ts'
import { readAnswer, readJson } from './read-json.ts'
import { isTrue } from './scope.ts'

/** One check of one answer. `why` says what was found, for a person and for the model that is to mend it. */
export type Verdict = { readonly check: string; readonly passed: boolean; readonly why: string }

/** A check that needs nothing but the answer and what the step can see. */
export type PlainCheck = Exclude<Check, { readonly kind: 'script' }>

export function runCheck(check: PlainCheck, answer: Json, scope: { readonly [name: string]: Json }): Verdict {
  const fault = findFault(check, answer, scope)
  return { check: check.name, passed: fault === undefined, why: fault ?? 'it holds' }
}

/** How much of an answer is searched for a refusal: models refuse at once or not at all. */
const OPENING = 400

const REFUSALS = compileAll([
  `(?i)\\bI(?:'m| am) (?:very |really |truly )?sorry,? (?:but )?(?:I|that)\\b`,
  `(?i)\\bI(?:'m| am)? (?:can't|cannot|can not|won't|will not|unable to|not able to) (?:\\w+ )?(?:help|assist|comply|provide|answer|fulfil|fulfill|continue|discuss|do (?:that|this)|write|create)\\b`,
  '(?i)\\bas an AI(?: language)? (?:model|assistant)\\b',
  '(?i)\\bagainst my (?:guidelines|programming|policy)\\b',
])

const PLACEHOLDERS = compileAll([
  '\\b(?:TODO|TBD|FIXME|XXX)\\b',
  '(?i)\\blorem ipsum\\b',
  '(?i)[\\[<{](?:insert|your|add|enter|placeholder|todo)\\b[^\\]>}\\n]{0,80}[\\]>}]',
  '(?i)\\b(?:content|text|answer|description) goes here\\b',
  '(?i)(?:#|//|\\.\\.\\.|…)\\s*\\(?(?:rest|remainder) of (?:the|your) ',
])

const CITATIONS = compileAll([
  '\\[\\^?\\d{1,4}\\]',
  'https?://\\S',
  '\\b10\\.\\d{4,9}/\\S',
  '\\([^()\\n]{1,80},? (?:1[5-9]|20)\\d\\d[a-z]?(?:, [^()\\n]{1,40})?\\)',
  '(?im)^\\W*(?:sources?|references?)\\W*:?\\W*\\S',
  '(?i)\\[source:? [^\\]\\n]+\\]',
])

/** What is wrong with the answer; undefined when nothing is. */
function findFault(check: PlainCheck, answer: Json, scope: { readonly [name: string]: Json }): string | undefined {
  const text = showAnswer(answer)
  switch (check.kind) {
    case 'non-empty':
      return isEmpty(answer) ? 'the answer is empty' : undefined
    case 'min-length':
    case 'max-length': {
      const length = [...text.trim()].length
      if (check.kind === 'min-length' ? length >= check.limit : length <= check.limit) return undefined
      return `the answer has ${length} characters; at ${check.kind === 'min-length' ? 'least' : 'most'} ${check.limit} are wanted`
    }
    case 'min-words': {
      const words = text.split(/\s+/u).filter((word) => /[\p{L}\p{N}]/u.test(word)).length
      return words < check.limit ? `the answer has ${words} words; at least ${check.limit} are wanted` : undefined
    }
    case 'regex': {
      const compiled = compileRegex(check.pattern)
      if (!compiled.ok) return `the pattern cannot be used: ${compiled.message}`
      if (compiled.test(text) === check.wanted) return undefined
      return `the answer ${check.wanted ? 'does not match' : 'must not match'} the pattern ${check.pattern}`
    }
    case 'json-schema': {
      const value = typeof answer === 'string' ? readJson(answer) : answer
      if (value === undefined) return 'the answer is not JSON alone'
      const faults = findMismatches(check.schema, value)
      return faults.length > 0 ? faults.slice(0, 10).join('; ') : undefined
    }
    case 'cel': {
      const result = evaluateCel(check.expression, { ...scope, output: readAnswer(answer) })
      if (!result.ok) return `the condition cannot be computed: ${result.message}`
      return isTrue(result.value) ? undefined : `the condition does not hold: ${check.expression}`
    }
    case 'no-refusal':
      return matches(REFUSALS(), text.slice(0, OPENING)) ? 'the answer refuses the task' : undefined
    case 'no-placeholder':
      return matches(PLACEHOLDERS(), text) ? 'the answer holds a placeholder instead of its content' : undefined
    case 'citation':
      return matches(CITATIONS(), text) ? undefined : 'the answer names no source'
  }
}

/** An answer as the text that a person would read. */
export function showAnswer(answer: Json): string {
  return typeof answer === 'string' ? answer : JSON.stringify(answer, null, 2)
}

function isEmpty(answer: Json): boolean {
  if (typeof answer === 'string') return answer.trim() === ''
  return answer === null || (typeof answer === 'object' && Object.keys(answer).length === 0)
}

type Pattern = (text: string) => boolean

function compileAll(patterns: readonly string[]): () => readonly Pattern[] {
  return makeOnce(() =>
    patterns.map((pattern) => {
      const compiled = compileRegex(pattern)
      if (!compiled.ok) throw new Error(`${pattern}: ${compiled.message}`)
      return compiled.test
    }),
  )
}

function matches(patterns: readonly Pattern[], text: string): boolean {
  const plain = text.replaceAll('’', "'")
  return patterns.some((test) => test(plain))
}
