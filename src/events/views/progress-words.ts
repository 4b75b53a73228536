import { describeReason } from './course-words.ts'
import type { StepProgress } from './progress.ts'

/** What a step is about, beyond its status: items, rounds, tries, what is under way below it, why it was skipped. Foreign in part. */
export function describeWork(step: StepProgress): string[] {
  const { status, kind, round, inner, verdict, cached } = step
  if (status === 'skipped' || status === 'cancelled') {
    const reason = describeReason(step)
    return [reason === undefined ? status : `${status}: ${reason}`]
  }
  return [
    round === undefined ? '' : status === 'running' ? `round ${round}` : count(round, 'round'),
    inner ? describeInner(step, inner) : '',
    inner && inner.failed > 0 && kind !== 'verified'
      ? `${inner.failed} ${kind === 'assemble' ? 'abstained' : 'failed'}`
      : '',
    verdict ? describeVerdict(verdict) : '',
    cached === undefined ? '' : cached === 1 ? 'from the cache' : `${cached} from the cache`,
  ].filter((words) => words !== '')
}

function describeVerdict({ try: number, failed }: NonNullable<StepProgress['verdict']>): string {
  if (failed.length > 0) return `try ${number} failed: ${failed.join(', ')}`
  return number > 1 ? count(number, 'try', 'tries') : ''
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}

function describeInner(
  { kind, items = 0, status }: StepProgress,
  { ended, total }: NonNullable<StepProgress['inner']>,
): string {
  switch (kind) {
    case 'each':
      return `${ended} of ${Math.max(total, items)} items`
    case 'assemble':
      return total > 1 ? `${ended} of ${total} voters` : ''
    // an answer and its judge are not parts of a whole
    case 'verified':
    case 'dispatch':
      return ''
    default:
      return status === 'running' ? `${ended} of ${total} steps` : ''
  }
}
