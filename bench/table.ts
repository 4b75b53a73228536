/** Figures of all rounds as a table, and beside the stored baseline. */
import type { Side } from './processes.ts'
import type { Measured } from './work.ts'
import type { Row, Workload } from './workloads.ts'

/** Of several rounds. */
export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

export interface Line {
  readonly work: string
  readonly what: string
  readonly unit: string
  readonly ours: Spread
  readonly limit?: Spread
  /** Ours as a multiple of the limit, round by round. */
  readonly ratio?: Spread
  readonly cpu?: Spread
  readonly memory?: Spread
  readonly memory_mb?: number
  readonly must?: number
  readonly stretch?: number
  readonly met?: 'stretch' | 'must' | 'no'
  /** The ratio as a multiple of the baseline's: 1.2 = a fifth slower. */
  readonly since?: number
}

export type Round = { readonly [side in Side]: Measured }
export type Baseline = { readonly [line: string]: number }

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const at = (index: number) => sorted[index] ?? 0
  return { min: at(0), median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, max: at(sorted.length - 1) }
}

export function summarise({ id, rows }: Workload, rounds: readonly Round[], baseline: Baseline): Line[] {
  const values = (side: Side, metric: string) => rounds.map((round) => round[side][metric] ?? 0)
  const ratios = (metric: string) =>
    spreadOf(rounds.map(({ ours, limit }) => (ours[metric] ?? 0) / Math.max(limit[metric] ?? 0, 1e-6)))
  return rows.map((row, index): Line => {
    const { metric, what, unit, must, stretch } = row
    const ours = spreadOf(values('ours', metric))
    const compared = row.kind === 'ratio'
    const ratio = compared ? ratios(metric) : undefined
    const known = baseline[nameOf({ work: id, what })]
    const whole = index === 0 && rounds.every(({ ours: one, limit }) => one.cpu_ms && limit.cpu_ms)
    return {
      work: id,
      what,
      unit,
      ours,
      ...(values('limit', metric).some((value) => value > 0) && { limit: spreadOf(values('limit', metric)) }),
      ...(ratio && { ratio }),
      ...(whole && {
        cpu: ratios('cpu_ms'),
        memory: ratios('memory_mb'),
        memory_mb: spreadOf(values('ours', 'memory_mb')).median,
      }),
      ...(must !== undefined && { must }),
      ...(stretch !== undefined && { stretch }),
      ...(must !== undefined && { met: judge(row, (ratio ?? ours).median) }),
      ...(known && ratio && { since: ratio.median / known }),
    }
  })
}

function judge({ must, stretch, more_is_better }: Row, value: number): 'stretch' | 'must' | 'no' {
  const reaches = (target: number | undefined) =>
    target !== undefined && (more_is_better ? value >= target : value <= target)
  return reaches(stretch) ? 'stretch' : reaches(must) ? 'must' : 'no'
}

export function nameOf({ work, what }: Pick<Line, 'work' | 'what'>): string {
  return `${work} ${what}`
}

export function toBaseline(lines: readonly Line[]): Baseline {
  return Object.fromEntries(
    lines.flatMap((line) => (line.ratio ? [[nameOf(line), Number(line.ratio.median.toFixed(3))]] : [])),
  )
}

export function toMarkdown(lines: readonly Line[]): string {
  const head = [
    'work',
    'what',
    'ours',
    'limit',
    'ratio (min / median / max)',
    'must',
    'stretch',
    'met',
    'CPU',
    'peak memory',
    'since baseline',
  ]
  const rows = lines.map((line) => [
    line.work,
    line.what,
    `${round(line.ours.median)} ${line.unit}`,
    line.limit && line.ratio ? `${round(line.limit.median)} ${line.unit}` : '',
    line.ratio ? `${round(line.ratio.min)} / **${round(line.ratio.median)}** / ${round(line.ratio.max)}` : '',
    show(line.must),
    show(line.stretch),
    line.met ?? '',
    line.cpu ? `${round(line.cpu.median)} x` : '',
    line.memory ? `${round(line.memory.median)} x (${round(line.memory_mb ?? 0)} MiB)` : '',
    line.since === undefined
      ? ''
      : `${round(line.since)} x${line.since > 1.15 ? ' slower' : line.since < 0.87 ? ' faster' : ''}`,
  ])
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function show(target: number | undefined): string {
  return target === undefined ? '' : target.toLocaleString('en')
}

function round(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en')
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
