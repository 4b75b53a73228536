import type { deleteRun, listRuns, pruneRuns, replayRun, showRun } from '../../../app/operations/runs.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { renderTable } from '../render/table.ts'
import { describeLost, describeQuestions, listEffects } from './effects.ts'
import { joinBlocks, type Page, type ResultOf, type Show, shortenTime } from './page.ts'
import { showReport } from './run.ts'
import { describeSkipped, renderTimeline } from './timeline.ts'

export const showRuns: Show<ResultOf<typeof listRuns>> = ({ runs }, page) => {
  if (runs.length === 0)
    return { text: '', aside: 'No runs here yet. Those of other projects: llm-orc runs list --all' }
  const rows = runs.map((run) => [run.id, run.status, run.target, shortenTime(run.started), String(run.events)])
  const columns = [
    { title: 'run' },
    { title: 'status' },
    { title: 'target' },
    { title: 'started (UTC)' },
    { title: 'events', align: 'right' as const },
  ]
  const unreadable = runs.flatMap((run) =>
    run.unreadable === undefined ? [] : describeUnreadable(run.id, run.unreadable),
  )
  return { text: renderTable(columns, rows, page), ...(unreadable.length > 0 ? { aside: unreadable.join('\n') } : {}) }
}

function describeUnreadable(run: string, reason: string): string {
  return `The run ${cleanLine(run)} cannot be read: ${cleanLine(reason)} Look at it with: llm-orc runs doctor ${cleanLine(run)}`
}

/** The whole report in a pipe too: who only wants the answer has it from `run`, or asks for JSON. */
export const showOneRun: Show<ResultOf<typeof showRun>> = ({ run, events, at, report, ...parts }, page) => {
  const place = at && `The run as it stood after event ${at.seq} of ${events}: ${at.type}, ${shortenTime(at.time)} UTC`
  return {
    text: joinBlocks(
      place && page.style.paint('bold', place),
      parts.timeline || parts.effects ? '' : showReport(report, { ...page, rich: true }),
      parts.timeline && renderTimeline(parts.timeline, page),
      parts.timeline && describeSkipped(report, page),
      parts.effects && listEffects(parts.effects, page),
      describeQuestions(run, parts.asks, page),
      describeLost(report, parts.asks, page),
    ),
  }
}

export const showReplay: Show<ResultOf<typeof replayRun>> = (result, page) => {
  if (result.equal) {
    const { taken, redacted } = result
    const lines = [
      `${page.style.paint('green', 'equal')}  ${result.events} events of run ${result.run} come out the same${result.finished ? '' : ', as far as they go'}`,
      ...(taken.length > 0
        ? [`taken from the record, for their code is not here: ${taken.map(cleanLine).join(', ')}`]
        : []),
      ...(redacted.length > 0
        ? [`taken from the record, for content was removed: ${redacted.map(cleanLine).join(', ')}`]
        : []),
      page.style.paint('dim', `head ${result.head}`),
    ]
    return { text: lines.join('\n') }
  }
  const { equal: _, events, run, message, ...sides } = result
  const head = `${page.style.paint('red', 'different')}  run ${run}, ${events} events: ${cleanLine(message)}`
  return { text: joinBlocks(head, describeSides(sides, page)) }
}

/** Both sides of a difference, as far as they are told. */
function describeSides(sides: { readonly [name: string]: unknown }, { style }: Page): string {
  return Object.entries(sides)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) =>
        `${style.paint('bold', name)}  ${cleanLine(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))}`,
    )
    .join('\n')
}

export const showDeletedRun: Show<ResultOf<typeof deleteRun>> = ({ run }) => ({
  text: `removed the run ${cleanLine(run)}`,
})

export const showPruned: Show<ResultOf<typeof pruneRuns>> = ({ dry_run, removed, unreadable = [] }) => {
  const kept = unreadable.map(({ run, reason }) => describeUnreadable(run, reason))
  const done = dry_run ? 'These would be removed; nothing was done.' : `${removed.length} runs were removed.`
  const aside = [removed.length === 0 ? 'Nothing is old enough.' : done, ...kept].join('\n')
  return { text: removed.map(cleanLine).join('\n'), aside }
}
