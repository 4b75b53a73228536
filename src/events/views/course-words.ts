import type { BallotReport, LoopReport, TallyReport, VerdictReport } from './course.ts'
import type { AgentReport, ItemsReport } from './run-report.ts'

/** More reasons than this are read in the record, not in a report. */
const LONGEST_REASON = 400
const NAMED_ITEMS = 10

const SKIPPED: { readonly [reason: string]: string } = {
  condition: 'its condition did not hold',
  'condition-failed': 'its condition could not be computed',
  edge: 'what it waits for ended in another way than it asks for',
  'dependencies-skipped': 'all it depends on was skipped',
}

/** Why a step was skipped or cancelled, in words. */
export function describeReason({ status, reason }: Pick<AgentReport, 'status' | 'reason'>): string | undefined {
  return status === 'skipped' && reason !== undefined ? (SKIPPED[reason] ?? reason) : reason
}

/** How a step came to its output, one line each: items, rounds, verdicts, ballots, the count. Plain text, foreign in part. */
export function describeCourseOf(agent: AgentReport): string[] {
  const { items, loop, verdicts = [], ballots = [], tally } = agent
  return [
    ...(items ? [describeItems(items)] : []),
    ...(loop ? [describeLoop(loop)] : []),
    ...verdicts.map(describeVerdict),
    ...ballots.map((ballot) => describeBallot(ballot, agent.name)),
    ...(tally ? [describeTally(tally)] : []),
  ]
}

function describeItems({ total, succeeded, failed }: ItemsReport): string {
  const named = failed.slice(0, NAMED_ITEMS).join(', ')
  const more = failed.length > NAMED_ITEMS ? ` and ${failed.length - NAMED_ITEMS} more` : ''
  return `${succeeded} of ${total} items succeeded${named === '' ? '' : `; not: ${named}${more}`}`
}

function describeLoop({ rounds, ended, limit }: LoopReport): string {
  const count = `${rounds} round${rounds === 1 ? '' : 's'}`
  return ended === 'until'
    ? `${count}; then \`until\` held`
    : `${count}; ended at the limit${limit === undefined ? '' : ` of ${limit}`}`
}

function describeVerdict({ status, repair, model, checks, ...verdict }: VerdictReport): string {
  const who = [model, repair > 0 ? `repair ${repair}` : undefined].filter((part) => part !== undefined).join(', ')
  const head = `try ${verdict.try}${who === '' ? '' : ` (${who})`} ${status}`
  const failed = checks.filter(({ passed }) => !passed)
  if (failed.length === 0) return `${head}: ${checks.map(({ check }) => check).join(', ') || 'no check'}`
  return `${head}: ${failed.map(({ check, why }) => `${check}${why === undefined ? '' : ` (${shorten(why)})`}`).join('; ')}`
}

function describeBallot({ voter, model, status, ranking, reasons, why }: BallotReport, step: string): string {
  const name = voter.startsWith(`${step}/`) ? voter.slice(step.length + 1) : voter
  const who = `${name}${model === undefined ? '' : ` (${model})`}`
  if (status !== 'cast') return `${who} abstained${why === undefined ? '' : `: ${shorten(why)}`}`
  const said = reasons === undefined ? '' : ` (${shorten(reasons)})`
  return `${who} voted${ranking === undefined ? '' : ` ${ranking.join(' > ')}`}${said}`
}

function describeTally({ method, order, scores = {}, tied = [], rounds }: TallyReport): string {
  const counted = (order ?? []).map((candidate) => `${candidate} ${scores[candidate] ?? 0}`).join(', ')
  const runs = rounds === undefined || rounds < 2 ? '' : ` in ${rounds} counts`
  const lot = tied.length > 1 ? `; drawn by lot between ${tied.join(', ')}` : ''
  return `${method}${runs}${counted === '' ? '' : `: ${counted}`}${lot}`
}

function shorten(text: string): string {
  const [...characters] = text
  return characters.length > LONGEST_REASON ? `${characters.slice(0, LONGEST_REASON - 1).join('')}…` : text
}
