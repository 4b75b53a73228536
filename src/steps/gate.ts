import { StepFailure, type StepKind } from '../engine/step.ts'
import type { Json } from '../events/values.ts'
import { renderLiquid } from '../graph/liquid.ts'
import type { GateSpec } from '../graph/workflow.ts'
import { scopeOf } from './scope.ts'

/** How often an answer that is neither yes nor no is asked about again. */
const MAX_ASKED = 5
const YES = new Set(['y', 'yes', 'approve', 'approved', 'ok', 'true', 'go', 'continue'])
const NO = new Set(['n', 'no', 'reject', 'rejected', 'deny', 'denied', 'false', 'stop', ''])

/**
 * Asks a person and waits, however long that takes: the run rests, and any process takes it up when the answer is there. Approved: the
 * output is `approved`, the verdict `true`. Rejected: it fails as `gate_rejected`. A gate that wants text has the text as its output.
 */
export const gateStep: StepKind = {
  kind: 'gate',
  version: 1,
  async run(step, inputs, ctx) {
    const { question: template, wants } = step.spec as unknown as GateSpec
    const filled = renderLiquid(template, scopeOf(inputs))
    if (!filled.ok) throw new StepFailure(filled.code, `the question of the gate: ${filled.message}`)
    const question = filled.value.trim()
    for (let asked = 1; asked <= MAX_ASKED; asked++) {
      const answer = await ctx.effect({
        kind: 'ask',
        name: asked === 1 ? 'gate' : `gate~${asked}`,
        safety: 'pure',
        request:
          wants === 'text'
            ? { question }
            : { question: asked === 1 ? question : `${question}\n\nPlease answer yes or no.`, options: ['yes', 'no'] },
      })
      if (wants === 'text') return { output: readText(answer), verdict: true }
      const decision = readDecision(answer)
      if (decision === true) return { output: 'approved', verdict: true }
      if (decision === false) throw new StepFailure('gate_rejected', 'a person said no', { output: 'rejected' })
    }
    throw new StepFailure('gate_rejected', `${MAX_ASKED} answers were neither yes nor no`, { output: 'rejected' })
  },
}

function readText(answer: Json): string {
  return typeof answer === 'string' ? answer : JSON.stringify(answer)
}

function readDecision(answer: Json): boolean | undefined {
  if (typeof answer === 'boolean') return answer
  const word = readText(answer).trim().toLowerCase()
  return YES.has(word) ? true : NO.has(word) ? false : undefined
}
