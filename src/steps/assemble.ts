import { type Inputs, type StepContext, StepFailure, type StepKind, type StepResult } from '../engine/step.ts'
import type { Json } from '../events/values.ts'
import type { AgentSpec } from '../graph/agent-spec.ts'
import type { AssembleSpec } from '../graph/assemble.ts'
import { readRankings, readVotes } from './answer-votes.ts'
import { type Answers, type NamedAnswer, readAnswers } from './answers.ts'
import { showAnswer } from './checks.ts'
import { castBallots, pollVoters } from './electorate.ts'
import { orderByScore, type Tally } from './voting/ballot.ts'
import { countBorda } from './voting/borda.ts'
import { countCondorcet } from './voting/condorcet.ts'
import { countInstantRunoff } from './voting/instant-runoff.ts'
import { countMajority } from './voting/majority.ts'
import { makeTieRule, type TieRule } from './voting/tie-rule.ts'

/** More answers than a voter can read, and more names than can be compared in pairs in good time. */
const MAX_CANDIDATES = 200

/**
 * Makes one answer of those of its dependencies: put one after the other, numbered, written anew by a model, or chosen. Who votes and
 * how is recorded as `ballot-cast`, the count as a note `tally`; a tie is drawn by the run's seed and the candidates themselves. Fails as
 * `nothing_to_assemble` without answers, and as `no_ballots` when everybody abstained.
 */
export const assembleStep: StepKind = {
  kind: 'assemble',
  version: 1,
  async run(step, inputs, ctx) {
    const spec = step.spec as unknown as AssembleSpec
    const answers = readAnswers(inputs)
    const mark = step.attempt === 1 ? '' : `~${step.attempt - 1}`
    if (answers.there.length === 0) {
      const missing = answers.missing.slice(0, 5).map(({ name, why }) => `${name}: ${why}`)
      throw new StepFailure(
        'nothing_to_assemble',
        `there is no answer${missing.length > 0 ? ` (${missing.join('; ')})` : ''}`,
      )
    }
    switch (spec.method) {
      case 'concatenate':
        return { output: answers.there.map(({ content }) => showAnswer(content)).join(spec.separator ?? '\n\n') }
      case 'merge':
        return { output: merge(answers) }
      case 'synthesize':
        return synthesize(ctx, { id: step.id, mark, spec, inputs })
      default:
        return choose(ctx, { id: step.id, mark, spec, inputs, answers: answers.there })
    }
  },
}

/** Numbered parts; those that are missing are named at the end. */
function merge({ there, missing }: Answers): string {
  const parts = there.map(({ name, content }, index) => `## ${index + 1}. ${name}\n\n${showAnswer(content).trim()}`)
  const lost = missing.map(({ name, why }) => `- ${name}: ${why}`)
  return [...parts, ...(lost.length > 0 ? [`## Missing\n\n${lost.join('\n')}`] : [])].join('\n\n')
}

interface Work {
  readonly id: string
  /** What the ids of this attempt's steps end with; a later attempt asks anew. */
  readonly mark: string
  readonly spec: AssembleSpec
  readonly inputs: Inputs
}

const USUAL_SYSTEM =
  'You make one answer out of several. You keep what they agree on, weigh what they do not, and add nothing of your own.'
const USUAL_TASK = 'Write one answer to the input out of the answers above. Say where they contradict each other.'

async function synthesize(ctx: StepContext, { id, mark, spec, inputs }: Work): Promise<StepResult> {
  const agent: AgentSpec = {
    agent: 'synthesis',
    title: 'the synthesis',
    system: spec.system ?? USUAL_SYSTEM,
    candidates: spec.candidates ?? [],
    blocks: spec.blocks,
    instruct: spec.instruct ?? USUAL_TASK,
  }
  const inherit = inputs.dependencies.map(({ step }) => step)
  const [outcome] = await ctx.propose(`synthesis${mark}`, [
    { id: `${id}/synthesis${mark}`, kind: 'agent', spec: agent, inherit },
  ])
  if (outcome?.status === 'succeeded') return { output: outcome.output ?? null }
  throw new StepFailure(outcome?.code ?? 'internal', outcome?.message ?? 'the synthesis gave no answer')
}

interface Choice extends Work {
  readonly answers: readonly NamedAnswer[]
}

/** The output is the winning answer; of rankings of mere names `{winner, ranking, scores}`. */
async function choose(ctx: StepContext, work: Choice): Promise<StepResult> {
  const { spec, answers } = work
  const seed = String(ctx.random())
  const ties = makeTieRule(seed)
  if (spec.method === 'best' && !spec.voters) {
    const tally = orderByScore(
      new Map(answers.map(({ name, content }) => [name, [...showAnswer(content)].length])),
      ties,
    )
    recordTally(ctx, 'longest', tally)
    return { output: findAnswer(answers, tally.order[0]) }
  }
  const method = spec.method === 'rank' ? (spec.count ?? 'condorcet') : 'majority'
  return spec.voters ? elect(ctx, { ...work, method, seed, ties }) : countAnswers(ctx, { ...work, method, ties })
}

type Method = keyof typeof COUNTS

const COUNTS = {
  majority: countMajority,
  borda: countBorda,
  'instant-runoff': countInstantRunoff,
  condorcet: countCondorcet,
}

/** Models choose among the answers. */
async function elect(
  ctx: StepContext,
  work: Choice & { readonly method: Method; readonly seed: string; readonly ties: TieRule },
): Promise<StepResult> {
  const { answers, method, spec, ties } = work
  const names = answers.map(({ name }) => name)
  checkNumber(names)
  const votes = await pollVoters(ctx, { ...work, ranked: spec.method === 'rank' })
  const ballots = castBallots(ctx, method, votes)
  if (ballots.length === 0) throw new StepFailure('no_ballots', describeAbstentions(votes))
  const tally = COUNTS[method](names, ballots, ties)
  recordTally(ctx, method, tally)
  return { output: findAnswer(answers, tally.order[0]) }
}

/** The answers are the ballots. */
function countAnswers(
  ctx: StepContext,
  { spec, answers, method, ties }: Choice & { readonly method: Method; readonly ties: TieRule },
): StepResult {
  const ranked = spec.method === 'rank'
  const { votes, meanings } = ranked ? readRankings(answers, spec.over?.[0] ?? '') : readVotes(answers, spec.over)
  const candidates = [...meanings.keys()].sort()
  if (ranked) checkNumber(candidates)
  const ballots = castBallots(ctx, method, votes)
  if (ballots.length === 0) throw new StepFailure('no_ballots', describeAbstentions(votes))
  const tally = COUNTS[method](candidates, ballots, ties)
  recordTally(ctx, method, tally)
  const [winner = ''] = tally.order
  const meaningOf = (candidate: string): Json => meanings.get(candidate) ?? candidate
  if (ranked) return { output: { winner: meaningOf(winner), ranking: tally.order.map(meaningOf) } }
  const behind = ballots.filter(({ ranking }) => ranking[0] === winner).map(({ voter }) => voter)
  return { output: findAnswer(answers, behind.sort(ties)[0]) }
}

function describeAbstentions(votes: readonly { readonly voter: string; readonly abstained?: string }[]): string {
  const reasons = votes.slice(0, 5).map(({ voter, abstained }) => `${voter}: ${abstained}`)
  return `nobody voted: ${reasons.join('; ')}`
}

function checkNumber({ length }: readonly string[]): void {
  if (length <= MAX_CANDIDATES) return
  throw new StepFailure('items_too_many', `there are ${length} candidates; a vote takes ${MAX_CANDIDATES} at most`)
}

function findAnswer(answers: readonly NamedAnswer[], name: string | undefined): Json {
  return answers.find((answer) => answer.name === name)?.content ?? null
}

/** Candidates may be answers themselves, so the count is content. */
function recordTally(ctx: StepContext, method: string, tally: Tally): void {
  ctx.record('note-written', { about: 'tally', method }, tally as unknown as Json)
}
