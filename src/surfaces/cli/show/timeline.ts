import type { showRun } from '../../../app/operations/runs.ts'
import { formatDuration } from '../../../events/views/amounts.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { describeReason } from '../../../events/views/course-words.ts'
import { arrangeFamilies, nameBelow } from '../../../events/views/family.ts'
import type { RunReport } from '../../../events/views/run-report.ts'
import type { Symbols } from '../render/style.ts'
import { fit, measure } from '../render/width.ts'
import { joinBlocks, type Page, type ResultOf } from './page.ts'

type Timeline = NonNullable<ResultOf<typeof showRun>['timeline']>
type Span = Timeline['spans'][number]
type Wait = Timeline['waits'][number]

const WIDTH_IN_A_PIPE = 100
const LONGEST_NAME = 28
/** Columns for a lane's number and for how long a step took. */
const LANE = 3
const TAIL = 14
const NARROWEST_BAR = 8

/**
 * One line for each step, in the order they started, those that a step proposed below it; steps with the same lane number ran one
 * after the other.
 */
export function renderTimeline({ now, lanes, spans, waits }: Timeline, page: Page): string {
  if (spans.length === 0) return 'No step has started.'
  const { style, width = WIDTH_IN_A_PIPE } = page
  const rows = arrangeRows(spans)
  const widest = rows.reduce((most, { title }) => Math.max(most, measure(title)), 0)
  const name = Math.min(widest, LONGEST_NAME, Math.max(4, Math.floor(width / 3)))
  const bar = Math.max(NARROWEST_BAR, width - name - LANE - TAIL - 3)
  const waitsOf = Map.groupBy(waits, ({ step }) => step)
  const scale = { now, columns: bar, symbols: style.symbols }
  const lines = rows.map(({ step, attempts, ...row }) => {
    const lane = String((attempts[0] as Span).lane + 1).padStart(LANE)
    const title = fit(row.title, name, style.symbols.cut)
    const drawn = drawBar(attempts, waitsOf.get(step) ?? [], scale)
    const line = `${lane} ${title}${' '.repeat(name - measure(title))} ${drawn} ${describeEnd(attempts, now, style.symbols)}`
    return fit(line, width, style.symbols.cut).trimEnd()
  })
  const head = `${formatDuration(now)}, ${spans.length} attempts of ${rows.length} steps, at most ${lanes} at once`
  return joinBlocks(
    [style.paint('bold', fit(head, width, style.symbols.cut)), drawScale(now, { name, bar, width })].join('\n'),
    lines.join('\n'),
    style.paint('dim', fit(describeLegend(style.symbols), width, style.symbols.cut)),
  )
}

/** Steps that never started have no line; those that were skipped are named with the reason. */
export function describeSkipped({ agents }: RunReport, { style }: Page): string {
  const skipped = agents.filter(({ status }) => status === 'skipped')
  const lines = skipped.map((agent) => cleanLine(`${agent.name}: ${describeReason(agent) ?? 'skipped'}`))
  return lines.length === 0 ? '' : [style.paint('bold', 'Skipped'), ...lines.map((line) => `  ${line}`)].join('\n')
}

interface Row {
  readonly step: string
  readonly title: string
  readonly attempts: readonly Span[]
}

function arrangeRows(spans: readonly Span[]): readonly Row[] {
  const members = [...Map.groupBy(spans, ({ step }) => step)].map(([step, attempts]) => {
    const parent = attempts[0]?.parent
    return { name: step, attempts, ...(parent === undefined ? {} : { parent }) }
  })
  return arrangeFamilies(members).map(({ agent, depth }) => ({
    step: agent.name,
    title: `${'  '.repeat(depth)}${cleanLine(depth === 0 ? agent.name : nameBelow(agent))}`,
    attempts: agent.attempts,
  }))
}

interface Scale {
  readonly now: number
  readonly columns: number
  readonly symbols: Symbols
}

/** The newest mark of a column wins, so even the shortest attempt and wait can be seen. */
function drawBar(spans: readonly Span[], waits: readonly Wait[], { now, columns, symbols }: Scale): string {
  const cells = Array<string>(columns).fill(' ')
  const column = (ms: number) => (now === 0 ? 0 : Math.min(columns - 1, Math.floor((ms / now) * columns)))
  const draw = (mark: string, { start, end = now }: { readonly start: number; readonly end?: number }) =>
    cells.fill(mark, column(start), Math.max(column(start) + 1, column(end) + (end === now ? 1 : 0)))
  for (const wait of waits) if (wait.why === 'retry') draw(symbols.empty, wait)
  for (const span of spans) draw(symbols.full, span)
  for (const wait of waits) if (wait.why !== 'retry') draw(wait.why === 'person' ? '?' : symbols.empty, wait)
  for (const { attempt, start } of spans) if (attempt > 1) cells[column(start)] = attempt < 10 ? `${attempt}` : '+'
  return cells.join('')
}

function describeEnd(attempts: readonly Span[], now: number, symbols: Symbols): string {
  const last = attempts.at(-1) as Span
  const took = (last.end ?? now) - (attempts[0] as Span).start
  const mark = { running: symbols.retrying, ...symbols }[last.status]
  return `${mark} ${formatDuration(took)}${attempts.length > 1 ? ` x${attempts.length}` : ''}`
}

function drawScale(now: number, { name, bar, width }: { name: number; bar: number; width: number }): string {
  const end = formatDuration(now)
  return fit(`${' '.repeat(LANE + name + 2)}0${' '.repeat(Math.max(1, bar - 1 - end.length))}${end}`, width, '')
}

function describeLegend({ full, empty, retrying }: Symbols): string {
  return `${full} runs   ${empty} waits to try again   2 second attempt   ? waits for a person   ${retrying} not ended yet`
}
