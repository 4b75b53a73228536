import * as z from 'zod'
import type { JsonObject } from '../events/values.ts'
import type { Candidate } from './candidates.ts'
import { checkCel } from './cel.ts'
import { findUnsupported } from './json-schema.ts'
import { compileRegex } from './linear-regex.ts'
import { suggest } from './nearest.ts'
import type { Report } from './report.ts'
import type { MissingScript, PinnedScript } from './script.ts'
import type { GraphStep } from './step-graph.ts'
import type { Path } from './yaml.ts'

const text = z.string().min(1)
const count = z.number().int().nonnegative()
const map = z.record(z.string(), z.unknown())

// Loose, because a key that is not known is no matter for a warning here: it is a check that nobody would make.
const checkMap = z.looseObject({
  min_length: count.optional().describe('Characters.'),
  max_length: count.optional().describe('Characters.'),
  min_words: count.optional(),
  regex: text.optional().describe('RE2 syntax; matches anywhere in the answer.'),
  not_regex: text.optional(),
  json_schema: map.optional(),
  cel: text.optional().describe('CEL over `output`, `input` and `steps`.'),
  script: text.optional().describe('Passes when it ends with 0 and does not print `success: false`.'),
  parameters: map.optional().describe('For `script`.'),
  safety: z.enum(['pure', 'idempotent', 'unsafe']).optional().describe('May the script run twice?'),
})

const check = z.union([text.describe('A criterion by its name, such as `non-empty` or `min-length-100`.'), checkMap])

/** A model that is named inside a block: a profile, or a model with its provider. */
export const modelSource = {
  model_profile: text.optional(),
  model: text.optional(),
  provider: text.optional(),
}

const judge = z.looseObject({
  ...modelSource,
  rubric: text.describe('What a good answer is.'),
  threshold: z.number().min(0).max(1).optional().describe('The least score that passes, from 0 to 1; usually 0.7.'),
})

const blockMap = z.looseObject({
  checks: z.array(check).optional(),
  judge: judge.optional(),
  repair_limit: count.max(100).optional().describe('How often the first model is asked again with the failures named.'),
  enabled: z.boolean().optional(),
})

/** `verify:` of an agent, as written. */
export const verifyBlock = z.union([z.array(check), blockMap])

export type VerifyBlock = z.infer<typeof verifyBlock>
export type ModelSource = { readonly [K in keyof typeof modelSource]?: string | undefined }

/** One test of an answer. `name` is how verdicts call it. */
export type Check = { readonly name: string } & (
  | { readonly kind: 'non-empty' | 'citation' | 'no-refusal' | 'no-placeholder' }
  | { readonly kind: 'min-length' | 'max-length' | 'min-words'; readonly limit: number }
  | { readonly kind: 'regex'; readonly pattern: string; readonly wanted: boolean }
  | { readonly kind: 'json-schema'; readonly schema: JsonObject }
  | { readonly kind: 'cel'; readonly expression: string }
  /** A `script` step, to be placed below the verified one. */
  | { readonly kind: 'script'; readonly step: GraphStep }
)

export type JudgeSpec = {
  readonly candidates: readonly Candidate[]
  readonly rubric: string
  readonly threshold: number
}

/** Kind `verified`: the answer of the step `answer`, checked, mended and taken from the next model until it passes. */
export type VerifiedSpec = {
  readonly step: GraphStep
  readonly checks: readonly Check[]
  readonly judge?: JudgeSpec
  readonly repair_limit: number
}

/** The settings below `verify`. */
export interface VerifySettings {
  readonly enabled?: boolean | undefined
  readonly repair_limit?: number | undefined
  readonly output_attempts?: number | undefined
}

/** What a `verify` block needs from outside of itself. */
export interface VerifyMeans {
  /** The settings `verify.enabled` and `verify.repair_limit`. */
  readonly settings: VerifySettings
  /** Undefined when there is none, which it has reported. */
  findModel(source: ModelSource, path: Path): readonly Candidate[] | undefined
  findScript(reference: string): PinnedScript | MissingScript | undefined
  /** The steps that CEL may name. */
  readonly steps: ReadonlySet<string>
}

export interface VerifyWork {
  readonly inner: GraphStep
  readonly block: VerifyBlock
  readonly path: Path
  /** Is `inner.timeout_ms` the user's? Then it holds for the whole, else for each try. */
  readonly timed: boolean
  readonly means: VerifyMeans
}

const USUAL_REPAIRS = 2
const USUAL_THRESHOLD = 0.7
/** What "coherent" has always meant. */
const COHERENT_WORDS = 10
const PLAIN = ['non-empty', 'citation', 'no-refusal', 'no-placeholder'] as const
const NAMES = [...PLAIN, 'coherent', 'min-length-100', 'max-length-1000']

/** Wraps a step in its verification. Problems go to the report; then, and when verification is switched off, `inner` comes back. */
export function compileVerify(report: Report, { inner, block, path, timed, means }: VerifyWork): GraphStep {
  const written = Array.isArray(block) ? { checks: block } : block
  const at = Array.isArray(block) ? path : [...path, 'checks']
  if (!Array.isArray(block)) refuseUnknown(report, block, { path, known: blockMap.shape })
  const checks = (written.checks ?? []).flatMap((one, index) =>
    compileCheck(report, one, { path: [...at, index], means }),
  )
  if (written.judge) refuseUnknown(report, written.judge, { path: [...path, 'judge'], known: judge.shape })
  const judged = written.judge && compileJudge(written.judge, [...path, 'judge'], means)
  const enabled = written.enabled ?? true
  if (checks.length === 0 && !judged && !report.failed && enabled)
    report.add(path, { code: 'ensemble_invalid', message: `verify of "${inner.id}" checks nothing`, hint: HINT })
  if (!enabled || means.settings.enabled === false) return inner
  const { id, after, timeout_ms, ...rest } = inner
  const limit = timeout_ms === undefined ? {} : { timeout_ms }
  const spec: VerifiedSpec = {
    step: { id: 'answer', ...rest, ...(timed ? {} : limit) },
    checks,
    ...(judged ? { judge: judged } : {}),
    repair_limit: written.repair_limit ?? means.settings.repair_limit ?? USUAL_REPAIRS,
  }
  return { id, kind: 'verified', spec, ...(after ? { after } : {}), ...(timed ? limit : {}) }
}

const HINT = `Known checks: ${NAMES.join(', ')}, or a map with min_length, max_length, min_words, regex, not_regex, json_schema, cel or script.`

/** A criterion known by name, or undefined; also for plans, whose tasks name theirs. */
export function findCheck(name: string): Check | undefined {
  const plain = PLAIN.find((known) => known === name)
  if (plain) return { name, kind: plain }
  if (name === 'coherent') return { name, kind: 'min-words', limit: COHERENT_WORDS }
  const [, bound, limit] = /^(min|max)-length-(\d{1,9})$/.exec(name) ?? []
  return bound === undefined
    ? undefined
    : { name, kind: bound === 'min' ? 'min-length' : 'max-length', limit: Number(limit) }
}

function refuseUnknown(
  report: Report,
  map: object,
  { path, known }: { readonly path: Path; readonly known: object },
): void {
  for (const key of Object.keys(map)) {
    if (key in known || key.startsWith('x-')) continue
    const message = `there is no check or setting "${key}"; what it stands for would not be checked`
    report.add([...path, key], { code: 'check_unknown', message, ...suggest(key, Object.keys(known)) }, 'key')
  }
}

interface CheckPlace {
  readonly path: Path
  readonly means: VerifyMeans
}

/** What was written, as checks; a map may hold several. */
function compileCheck(report: Report, written: z.infer<typeof check>, { path, means }: CheckPlace): Check[] {
  if (typeof written === 'string') {
    const found = findCheck(written)
    if (found) return [found]
    const hint = suggest(written, NAMES)
    report.add(path, {
      code: 'check_unknown',
      message: `there is no check ${JSON.stringify(written)}`,
      hint: HINT,
      ...hint,
    })
    return []
  }
  const { min_length, max_length, min_words, regex, not_regex, json_schema, cel, script } = written
  refuseUnknown(report, written, { path, known: checkMap.shape })
  const checks: Check[] = []
  const refuse = (key: string, message: string, hint?: string) =>
    report.add([...path, key], { code: 'ensemble_invalid', message, ...(hint === undefined ? {} : { hint }) })
  if (min_length !== undefined) checks.push({ name: `min_length ${min_length}`, kind: 'min-length', limit: min_length })
  if (max_length !== undefined) checks.push({ name: `max_length ${max_length}`, kind: 'max-length', limit: max_length })
  if (min_words !== undefined) checks.push({ name: `min_words ${min_words}`, kind: 'min-words', limit: min_words })
  for (const [key, pattern] of Object.entries({ regex, not_regex })) {
    if (pattern === undefined) continue
    const compiled = compileRegex(pattern)
    if (!compiled.ok) refuse(key, `the pattern cannot be used: ${compiled.message}`, 'Patterns are in RE2 syntax.')
    checks.push({ name: `${key} ${pattern}`, kind: 'regex', pattern, wanted: key === 'regex' })
  }
  if (json_schema) {
    for (const keyword of findUnsupported(json_schema)) refuse('json_schema', `${keyword} cannot be checked here`)
    checks.push({ name: 'json_schema', kind: 'json-schema', schema: json_schema as JsonObject })
  }
  if (cel !== undefined) {
    for (const { message, hint } of checkCel(cel, means.steps, ['output'])) refuse('cel', message, hint)
    checks.push({ name: `cel ${cel}`, kind: 'cel', expression: cel })
  }
  if (script !== undefined) {
    const found = means.findScript(script)
    if (found && found.type !== 'missing') checks.push(makeScriptCheck(found, script, written))
    else
      report.add([...path, 'script'], {
        code: 'script_missing',
        message: `the script ${JSON.stringify(script)} was not found`,
      })
  }
  if (checks.length === 0 && Object.keys(written).every((key) => key === 'parameters' || key === 'safety'))
    report.add(path, { code: 'ensemble_invalid', message: 'a check is empty', hint: HINT })
  return checks
}

function makeScriptCheck(script: PinnedScript, reference: string, written: z.infer<typeof checkMap>): Check {
  const safety = written.safety ?? (script.type === 'file' ? script.safety : undefined) ?? 'unsafe'
  const parameters = (written.parameters ?? {}) as JsonObject
  const spec = { agent: reference, script, parameters, environment: {}, safety, pass: 'json' } as const
  return { name: `script ${reference}`, kind: 'script', step: { id: 'check', kind: 'script', spec } }
}

function compileJudge(written: z.infer<typeof judge>, path: Path, means: VerifyMeans): JudgeSpec | undefined {
  const { rubric, threshold = USUAL_THRESHOLD, model_profile, model, provider } = written
  const candidates = means.findModel({ model_profile, model, provider }, path)
  return candidates && { candidates, rubric, threshold }
}
