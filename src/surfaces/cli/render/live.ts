import type { Event } from '../../../events/event.ts'
import { stringifyClean } from '../../../events/views/clean.ts'
import { noteDelta, type Progress, progressView, totalsOf } from '../../../events/views/progress.ts'
import { drawBar, drawInline } from './progress-lines.ts'
import type { Style } from './style.ts'

/** The part of a stream that progress needs; `columns` and `rows` are asked anew for each drawing. */
export interface ProgressStream {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
}

export type ProgressMode = 'inline' | 'bar' | 'json'

/** Progress on its way to stderr. */
export interface Live {
  event(event: Event): void
  delta(step: string, text: string): void
  /** Writes whole lines where they stay; the block is drawn anew below them. */
  say(text: string): void
  /** Takes the block away for a while; answers with what brings it back. */
  hold(): () => void
  /** Draws now; happens by itself every tenth of a second. */
  draw(): void
  /** Takes the block away, so that the result stands alone, and stops the timer. */
  stop(): void
}

/**
 * `inline` and `bar` redraw a block of lines on a terminal and say nothing in a pipe. `json` writes every event as a line,
 * and a `progress` line when the counts have changed, at most one in `interval_ms` and one at the end.
 */
export function createLive({
  stream,
  mode,
  style,
  clock,
  interval_ms = 100,
}: {
  readonly stream: ProgressStream
  readonly mode: ProgressMode
  readonly style: Style
  /** ms UTC. */
  readonly clock: () => number
  /** 0: only `draw()` draws. */
  readonly interval_ms?: number
}): Live {
  return mode === 'json'
    ? writeLines({ stream, clock, interval_ms })
    : drawBlock({ stream, mode, style, clock, interval_ms })
}

function drawBlock({
  stream,
  mode,
  style,
  clock,
  interval_ms,
}: {
  readonly stream: ProgressStream
  readonly mode: 'inline' | 'bar'
  readonly style: Style
  readonly clock: () => number
  readonly interval_ms: number
}): Live {
  const state = progressView.initial()
  let drawn = 0
  let frame = 0
  let stopped = stream.isTTY !== true
  const erase = () => (drawn === 0 ? '' : `\r\x1b[${drawn}A\x1b[J`)
  let held = false
  const draw = () => {
    if (stopped || held || state.started === undefined) return
    const screen = { style, width: stream.columns || 80, rows: (stream.rows || 24) - 1, now: clock(), frame }
    const lines = mode === 'bar' ? drawBar(state, screen) : drawInline(state, screen)
    // One write per drawing, so that nothing else gets between erasing and drawing.
    stream.write(`${erase()}${lines.join('\n')}\n`)
    drawn = lines.length
    frame += 1
  }
  const timer = stopped || interval_ms === 0 ? undefined : setInterval(draw, interval_ms)
  timer?.unref()
  return {
    event: (event) => {
      progressView.evolve(state, event)
    },
    delta: (step, text) => {
      noteDelta(state, step, text)
    },
    say: (text) => {
      stream.write(`${stopped ? '' : erase()}${text}`)
      drawn = 0
      draw()
    },
    hold: () => {
      if (!stopped) stream.write(erase())
      drawn = 0
      held = true
      return () => {
        held = false
      }
    },
    draw,
    stop: () => {
      if (timer) clearInterval(timer)
      if (!stopped && drawn > 0) stream.write(erase())
      stopped = true
    },
  }
}

function writeLines({
  stream,
  clock,
  interval_ms,
}: {
  readonly stream: ProgressStream
  readonly clock: () => number
  readonly interval_ms: number
}): Live {
  const state = progressView.initial()
  let told = ''
  let last = Number.NEGATIVE_INFINITY
  return {
    event: (event) => {
      progressView.evolve(state, event)
      stream.write(`${stringifyClean(event)}\n`)
      const { cost, tokens } = state.spending
      const counts = JSON.stringify([totalsOf(state), cost, tokens])
      const now = clock()
      if (counts === told || (now - last < interval_ms && event.type !== 'run-finished')) return
      told = counts
      last = now
      stream.write(`${stringifyClean({ type: 'progress', data: snapshotProgress(state, now) })}\n`)
    },
    delta: () => {},
    say: (text) => void stream.write(text),
    hold: () => () => {},
    draw: () => {},
    stop: () => {},
  }
}

/** The counts under the names of the older team program's JSON progress. Subtasks are the agents of the graph. */
function snapshotProgress(state: Progress, now: number) {
  const totals = totalsOf(state)
  const steps = [...state.steps.values()].filter(({ kind, parent }) => kind !== 'condition' && parent === undefined)
  return {
    totalSubtasks: totals.total,
    completedSubtasks: totals.succeeded,
    inProgressSubtasks: totals.running,
    waitingSubtasks: totals.waiting,
    failedSubtasks: totals.failed,
    progressPercentage: totals.percentage,
    ...spendingOf(state),
    activeAgents: steps.filter((step) => step.status === 'running').map((step) => step.id),
    subtasks: steps.map(({ id, status }) => ({ id, status })),
    timestamp: new Date(now).toISOString(),
  }
}

/** Nano-dollars and tokens, as far as somebody has told any, and the limit on cost. */
function spendingOf({ spending }: Progress) {
  const { cost, tokens, max_cost } = spending
  return {
    ...(cost === undefined ? {} : { cost }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(max_cost === undefined ? {} : { maxCost: max_cost }),
  }
}
