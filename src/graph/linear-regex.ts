import { RE2JS, RE2JSException } from 're2js'

/** A regular expression that takes time linear in the text, whatever the pattern: patterns and texts come from strangers. */
export type LinearRegex =
  | { readonly ok: true; test(text: string): boolean }
  | { readonly ok: false; readonly message: string }

const LONGEST_PATTERN = 1_000
/** Instructions; time is the length of the text times this. */
const LARGEST_PROGRAM = 2_000

/** RE2 syntax: no backreferences, no lookaround; `(?i)`, `(?m)` and `(?s)` at the front set flags. It matches anywhere in the text. */
export function compileRegex(pattern: string): LinearRegex {
  if (pattern.length > LONGEST_PATTERN)
    return { ok: false, message: `the pattern is longer than ${LONGEST_PATTERN} characters` }
  try {
    const compiled = RE2JS.compile(pattern)
    if (compiled.programSize() > LARGEST_PROGRAM) return { ok: false, message: 'the pattern repeats too much' }
    return { ok: true, test: (text) => compiled.test(text) }
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    return { ok: false, message: error.message }
  }
}
