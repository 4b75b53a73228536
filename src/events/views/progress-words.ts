import { describeReason } from './course-words.ts'
import type { StepProgress } from './progress.ts'

/** What a step is about, beyond its status: items, rounds, tries, what is under way below it, why it was skipped. Foreign in part. */
export function describeWork(step: StepProgress): string[] {
  const { status, kind, round, inner, verdict } = step
  if (status === 'skipped' || status === 'cancelled') {
    const reason = describeReason(step)
    return [reason === undefined ? status : `${status}: ${reason}`]
  }
  return [
    round === undefined ? '' : `round ${round}`,
    inner ? describeInner(step, inner) : '',
    inner && inner.failed > 0 && kind !== 'verified' ? `${inner.failed} failed` : '',
    verdict && verdict.failed.length > 0 ? `try ${verdict.try} failed: ${verdict.failed.join(', ')}` : '',
  ].filter((words) => words !== '')
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
