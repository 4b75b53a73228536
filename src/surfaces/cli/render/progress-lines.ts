import { formatCount, formatDuration } from '../../../events/views/amounts.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { arrangeFamilies, nameBelow } from '../../../events/views/family.ts'
import { type Progress, type StepProgress, totalsOf } from '../../../events/views/progress.ts'
import { describeWork } from '../../../events/views/progress-words.ts'
import { describeSpending } from '../../../events/views/spending.ts'
import { colorOf, symbolOf } from './rich.ts'
import type { Style } from './style.ts'
import { fit } from './width.ts'

export interface Screen {
  readonly style: Style
  /** Columns and rows that may be used; anything below 1 counts as 1. */
  readonly width: number
  readonly rows: number
  /** ms UTC. */
  readonly now: number
  /** Counts up; turns the spinner. */
  readonly frame: number
}

const INLINE_BAR = 20
const WIDE_BAR = 40

/** A bar, a line per agent, and below an agent those of its steps that work; the busy ones first when there is not room for all. */
export function drawInline(state: Progress, screen: Screen): string[] {
  const head = drawHead(state, screen, INLINE_BAR)
  const steps = listRows(state)
  const asks = [...state.asks.values()].map(({ kind, key, step = key }) =>
    kind === 'approval' ? `? waits for approval of ${cleanLine(key)}` : `? ${kind} ${cleanLine(step)} waits for you`,
  )
  const room = Math.max(0, screen.rows - 2 - asks.length)
  const shown = chooseSteps(steps, room)
  const rest = steps.length - shown.length
  return [
    head,
    ...shown.map((row) => drawStep(row, screen)),
    ...(rest > 0 ? [cut(`  and ${rest} more`, screen)] : []),
    ...asks.map((ask) => screen.style.paint('yellow', cut(ask, screen))),
  ].slice(0, Math.max(1, screen.rows))
}

interface Row {
  readonly step: StepProgress
  /** 0: an agent of the graph. */
  readonly depth: number
}

/** What an agent proposed is told by its own line, except for what is under way. */
function listRows(state: Progress): readonly Row[] {
  const steps = [...state.steps.values()].filter(
    ({ kind, parent, status }) =>
      kind !== 'condition' && (parent === undefined || status === 'running' || status === 'retrying'),
  )
  const members = steps.map((step) => ({
    name: step.id,
    step,
    ...(step.parent === undefined ? {} : { parent: step.parent }),
  }))
  return arrangeFamilies(members).map(({ agent, depth }) => ({ step: agent.step, depth }))
}

/** One line with a wide bar. */
export function drawBar(state: Progress, screen: Screen): string[] {
  return [drawHead(state, screen, WIDE_BAR)]
}

function drawHead(state: Progress, screen: Screen, size: number): string {
  const { symbols } = screen.style
  const totals = totalsOf(state)
  const full = Math.round((size * totals.percentage) / 100)
  const bar = symbols.full.repeat(full) + symbols.empty.repeat(size - full)
  const ended = totals.succeeded + totals.failed + totals.skipped + totals.cancelled
  const elapsed = state.started === undefined ? '' : `  ${elapsedSince(state.started, state.ended ?? screen.now)}`
  const failed = totals.failed > 0 ? `  ${totals.failed} failed` : ''
  const spent = describeSpending(state.spending)
    .map((words) => `  ${words}`)
    .join('')
  return cut(
    `${bar} ${totals.percentage}%  ${ended}/${totals.total}${failed}${elapsed}${spent}  ${cleanLine(state.name)}`,
    screen,
  )
}

function drawStep({ step, depth }: Row, screen: Screen): string {
  const { style, now, frame } = screen
  const { spinner } = style.symbols
  const symbol = step.status === 'running' ? (spinner[frame % spinner.length] ?? '') : symbolOf(step.status, style)
  const retry =
    step.status === 'retrying' ? `again in ${formatDuration(Math.max(0, (step.retry_at ?? now) - now))}` : ''
  const facts = [
    step.started === undefined ? '' : elapsedSince(step.started, step.ended ?? now),
    step.model === undefined ? '' : cleanLine(step.model),
    step.tokens === undefined ? '' : `${formatCount(step.tokens)} tokens`,
    step.tokens === undefined && step.streamed > 0 ? `${formatCount(step.streamed)} characters` : '',
    step.attempt > 1 ? `attempt ${step.attempt}` : '',
    ...describeWork(step).map(cleanLine),
    retry,
  ].filter((fact) => fact !== '')
  const name = nameBelow({ name: step.id, ...(depth > 0 && step.parent !== undefined ? { parent: step.parent } : {}) })
  const line = cut(
    `${'  '.repeat(depth)}${symbol} ${cleanLine(name)}${facts.map((fact) => `  ${fact}`).join('')}`,
    screen,
  )
  return style.paint(colorOf(step.status), line)
}

const URGENCY = ['retrying', 'running', 'failed', 'waiting', 'succeeded', 'cancelled', 'skipped']

/** Agents before the steps inside them. */
function chooseSteps(rows: readonly Row[], room: number): readonly Row[] {
  if (rows.length <= room) return rows
  const rank = ({ step, depth }: Row) => URGENCY.indexOf(step.status) + (depth > 0 ? URGENCY.length : 0)
  const urgent = rows.toSorted((a, b) => rank(a) - rank(b))
  const chosen = new Set(urgent.slice(0, Math.max(0, room - 1)))
  return rows.filter((row) => chosen.has(row))
}

function elapsedSince(start: number, now: number): string {
  return formatDuration(Math.max(0, now - start))
}

/** One column stays free: a line that fills the terminal would wrap and spoil the redraw. */
function cut(line: string, { style, width }: Screen): string {
  return fit(line, Math.max(1, width - 1), style.symbols.cut)
}
