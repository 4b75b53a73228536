import { countAtMost } from '../context/count.ts'
import {
  type Inputs,
  type RunStep,
  type StepContext,
  StepFailure,
  type StepKind,
  type StepOutcome,
} from '../engine/step.ts'
import { canonicalJson } from '../events/canonical.ts'
import type { RouteDecision } from '../events/routing.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { AgentSpec } from '../graph/agent-spec.ts'
import type { Candidate } from '../graph/candidates.ts'
import type { Check, VerifiedSpec } from '../graph/verify.ts'
import { type PlainCheck, runCheck, showAnswer, type Verdict } from './checks.ts'
import { listLost, verdictOn } from './inner.ts'
import { makeJudge, readScore } from './judge.ts'
import { type Left, preferHelpful } from './learned.ts'
import { isAskedAfter } from './recovery.ts'
import { chooseOrder, nameRoute, recordRoute } from './route.ts'
import { scopeOf } from './scope.ts'

/**
 * Lets a step answer (`NAME/answer`), checks the answer, and asks the same model again with the failures named (`NAME/answer~1`, …), at
 * most `repair_limit` times; then each fallback model answers once. The output is the first answer that passes; if none does, the step
 * fails as `verification_failed` and keeps the last answer. Checks that cost nothing come first, then scripts, then the judge, each only
 * when all before them passed. Each try leaves one `step-verified` with its evidence.
 */
export const verifiedStep: StepKind = {
  kind: 'verified',
  version: 2,
  run: runVerified({ learns: true }),
  // Asked the next model by the order of the choice, whatever had helped before, and did not tell what is missing of its answer.
  older: { 1: runVerified({ learns: false }) },
}

function runVerified({ learns }: { readonly learns: boolean }): RunStep {
  return async (step, inputs, ctx) => {
    const spec = step.spec as unknown as VerifiedSpec
    const rejected: Rejection[] = []
    let tries = 0
    const route = await chooseModel(ctx, spec, inputs)
    let left = route.candidates
    let learned: JsonObject | undefined
    for (let index = 0; left.length > 0; index += 1) {
      const [candidate] = left
      left = left.slice(1)
      if (candidate && !isAskedAfter(candidate, rejected.at(-1)?.code)) continue
      const before = rejected.at(-1)
      const from = before?.candidate?.profile ?? before?.candidate?.model
      const fallback = before && from !== undefined ? { from, because: before.code } : undefined
      if (candidate) recordRoute(ctx, candidate, { fallback, decision: route.decision, learned })
      const repairs = index === 0 && candidate ? spec.repair_limit : 0
      let repair: AgentSpec['repair']
      for (let round = 0; round <= repairs; round += 1) {
        const mark = tries === 0 ? '' : `~${tries}`
        tries += 1
        const work = { ctx, spec, inputs, place: step.id, mark, candidate }
        const answer = await askOnce(work, repair)
        if (answer.status !== 'succeeded') {
          rejected.push({ candidate, code: answer.code ?? 'internal', why: answer.message ?? 'it gave no answer' })
          break
        }
        const output = answer.output ?? null
        const { verdicts, score, unmade } = await judgeAnswer(work, output)
        const failures = verdicts.filter(({ passed }) => !passed).map(({ check, why }) => `${check}: ${why}`)
        recordVerdict(work, { answer: answer.step, number: tries, repair: round, verdicts, score })
        if (failures.length === 0) return { output, ...(learns ? verdictOn(listLost([answer])) : {}) }
        if (unmade !== undefined) throw new StepFailure('verification_failed', unmade, { output })
        rejected.push({ candidate, code: 'verification_failed', why: failures.join('; '), output })
        repair = { answer: output, failures }
      }
      const models = left.filter((one) => one !== undefined)
      const next: Left = learns ? preferHelpful(models, route.decision, rejected.at(-1)?.code) : { candidates: models }
      left = next.candidates
      learned = next.learned
    }
    throw giveUp(rejected)
  }
}

interface Work {
  readonly ctx: StepContext
  readonly spec: VerifiedSpec
  readonly inputs: Inputs
  /** The id of the verified step. */
  readonly place: string
  /** What the ids of this try end with. */
  readonly mark: string
  readonly candidate: Candidate | undefined
}

/** Why an answer was not taken. `output` is there when it was an answer at all. */
interface Rejection {
  readonly candidate: Candidate | undefined
  readonly code: string
  readonly why: string
  readonly output?: Json
}

/** A model's candidates one by one, in the order of the choice if there is one; what is no model has one try. */
async function chooseModel(
  ctx: StepContext,
  { step }: VerifiedSpec,
  inputs: Inputs,
): Promise<{ readonly candidates: readonly (Candidate | undefined)[]; readonly decision?: RouteDecision }> {
  if (step.kind !== 'agent') return { candidates: [undefined] }
  const { candidates, system } = step.spec as unknown as AgentSpec
  const read = () => [
    system,
    canonicalJson(inputs.input),
    ...inputs.dependencies.map(({ output = '' }) => showAnswer(output)),
  ]
  return chooseOrder(ctx, candidates, () => countAtMost(read().join('\n')))
}

async function askOnce(work: Work, repair: AgentSpec['repair']): Promise<StepOutcome> {
  const { ctx, spec, inputs, place, mark, candidate } = work
  const child = {
    ...spec.step,
    id: `${place}/answer${mark}`,
    spec: { ...spec.step.spec, ...(candidate ? { candidates: [candidate] } : {}), ...(repair ? { repair } : {}) },
    inherit: inputs.dependencies.map(({ step }) => step),
  }
  const [outcome] = await ctx.propose(`answer${mark}`, [child])
  return outcome as StepOutcome
}

interface Judgement {
  readonly verdicts: readonly Verdict[]
  readonly score?: number
  /** Says so when a check could not be made, which no other answer would change. */
  readonly unmade?: string
}

async function judgeAnswer(work: Work, answer: Json): Promise<Judgement> {
  const { spec, inputs } = work
  const scope = scopeOf(inputs)
  const plain = spec.checks.filter(isPlain).map((check) => runCheck(check, answer, scope))
  if (plain.some(({ passed }) => !passed)) return { verdicts: plain }
  const scripted = await runScripts(work, answer)
  const verdicts = [...plain, ...scripted.verdicts]
  if (verdicts.some(({ passed }) => !passed)) return { ...scripted, verdicts }
  const judged = await askJudge(work, answer)
  return { ...judged, verdicts: [...verdicts, ...judged.verdicts] }
}

type ScriptCheck = Extract<Check, { readonly kind: 'script' }>

function isPlain(check: Check): check is PlainCheck {
  return check.kind !== 'script'
}

/** A script's own word is a verdict; all other ends of it say nothing about the answer. */
const SCRIPT_SAYS_NO = new Set(['script_failed', 'script_reported_failure'])

async function runScripts({ ctx, spec, inputs, place, mark }: Work, answer: Json): Promise<Judgement> {
  const checks = spec.checks.filter((check): check is ScriptCheck => check.kind === 'script')
  if (checks.length === 0) return { verdicts: [] }
  const input = { text: showAnswer(answer), answer, input: inputs.input }
  const steps = checks.map(({ step }, index) => ({ ...step, id: `${place}/check-${index + 1}${mark}`, input }))
  const outcomes = await ctx.propose(`checks${mark}`, steps)
  const verdicts = outcomes.map(({ status, code, message, output }, index) => {
    const passed = status === 'succeeded'
    const said = !passed && output !== undefined ? `; it said ${JSON.stringify(output).slice(0, 1_000)}` : ''
    const why = passed ? 'it holds' : `${code === undefined ? status : code}: ${message ?? ''}${said}`
    return { check: checks[index]?.name ?? 'script', passed, why }
  })
  const broken = outcomes.findIndex(({ status, code }) => status !== 'succeeded' && !SCRIPT_SAYS_NO.has(code ?? ''))
  return broken < 0 ? { verdicts } : { verdicts, unmade: describeUnmade(verdicts[broken]) }
}

async function askJudge({ ctx, spec, place, mark }: Work, answer: Json): Promise<Judgement> {
  if (!spec.judge) return { verdicts: [] }
  const { threshold } = spec.judge
  const [outcome] = await ctx.propose(`judge${mark}`, [makeJudge(spec.judge, { id: `${place}/judge${mark}`, answer })])
  const said = readScore(outcome as StepOutcome)
  if (!said) {
    const why = `${outcome?.code ?? 'internal'}: ${outcome?.message ?? 'it gave no score'}`
    const verdict = { check: 'judge', passed: false, why }
    return { verdicts: [verdict], unmade: describeUnmade(verdict) }
  }
  const passed = said.score >= threshold
  const why = `${said.score} of 1, at least ${threshold} wanted: ${said.reasons}`
  return { verdicts: [{ check: 'judge', passed, why }], score: said.score }
}

function describeUnmade(verdict: Verdict | undefined): string {
  return `a check could not be made: ${verdict?.check} (${verdict?.why})`
}

interface TryVerdict {
  readonly answer: string
  /** Counts the tries, from 1. */
  readonly number: number
  /** 0: the model's own first answer. */
  readonly repair: number
  readonly verdicts: readonly Verdict[]
  readonly score: number | undefined
}

/** What was checked is a fact; what was found is content, for it quotes the answer. */
function recordVerdict({ ctx, candidate }: Work, { answer, number, repair, verdicts, score }: TryVerdict): void {
  const failed = verdicts.filter(({ passed }) => !passed).map(({ check }) => check)
  const facts: JsonObject = {
    status: failed.length === 0 ? 'passed' : 'failed',
    answer,
    try: number,
    repair,
    criteria: verdicts.map(({ check }) => check),
    failed,
    ...(candidate ? nameRoute(candidate) : {}),
    ...(score === undefined ? {} : { score }),
  }
  ctx.record('step-verified', facts, { checks: verdicts })
}

/** When nothing could be checked at all, the step fails as its last model did. */
function giveUp(rejected: readonly Rejection[]): StepFailure {
  const checked = rejected.findLast(({ output }) => output !== undefined)
  const tried = rejected.map(({ candidate, code, why }) => {
    const name = candidate ? `${candidate.profile ?? candidate.model}: ` : ''
    return `${name}${code === 'verification_failed' ? '' : `${code}: `}${why}`
  })
  const last = rejected.at(-1)
  if (!checked) return new StepFailure(last?.code ?? 'internal', `no model answered: ${tried.join('; ')}`)
  const message = `none of ${rejected.length} tries passed: ${tried.join(' | ')}`
  return new StepFailure('verification_failed', message, { output: checked.output ?? null })
}
