import type { explainRoutes, imagineRoutes } from '../../../app/operations/routes.ts'
import { formatCost, formatDuration } from '../../../events/views/amounts.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type Page, type ResultOf, type Show } from './page.ts'

type Explained = ResultOf<typeof explainRoutes>
type Decision = NonNullable<Explained['routes'][number]['decision']>

export const showRoutes: Show<Explained> = ({ run, routes }, page) => {
  if (routes.length === 0) return { text: '', aside: `No step of ${cleanLine(run)} went to a model.` }
  const blocks = routes.map(({ step, attempt, model, why, decision }) => {
    const again = attempt > 1 ? `, attempt ${attempt}` : ''
    const head = `${cleanLine(`${step}${again}`)}: ${page.style.paint('bold', cleanLine(model))}`
    return joinBlocks(`${head}\n${cleanLine(why)}`, decision && describeDecision(decision, page))
  })
  return { text: joinBlocks(...blocks) }
}

const PARTS = ['skill', 'success', 'latency', 'cost', 'context'] as const

function describeDecision({ method, weights, need, left, same, candidates }: Decision, page: Page): string {
  const byParts = method === 'weighted'
  const titles = [
    '',
    'model',
    'score',
    ...(byParts ? PARTS : []),
    'calls',
    'answered',
    'latency',
    'cost',
    'age',
    'obstacle',
  ]
  const rows = candidates.map((candidate) => [
    candidate.place === undefined ? '-' : `${candidate.place}`,
    candidate.model,
    candidate.score.toFixed(byParts ? 3 : 2),
    ...(byParts ? PARTS.map((part) => (candidate.parts?.[part] ?? 0).toFixed(2)) : []),
    `${Math.round(candidate.samples)}`,
    describeSuccess(candidate),
    candidate.latency_ms === undefined ? '-' : formatDuration(candidate.latency_ms),
    candidate.cost === undefined ? 'unknown' : formatCost(candidate.cost),
    candidate.age_ms === undefined ? '-' : formatDuration(candidate.age_ms),
    candidate.obstacle ?? '',
  ])
  const table = renderTable(
    titles.map((title) => ({ title })),
    rows.toSorted((a, b) => placeOf(a[0]) - placeOf(b[0])),
    page,
  )
  const words = PARTS.map((part) => `${part} ${weights[part]}`).join(', ')
  const how = byParts ? `weights: ${words}` : `method: ${method}`
  const sound = same ? '' : '\nThis version would not choose the same from these numbers.'
  const paid = left === undefined ? '' : `; ${formatCost(left)} left of the budget`
  return `${table}\n${how}; about ${need.input_tokens} tokens in, ${need.output_tokens} out${paid}${sound}`
}

/** `62%, transport 25%, judged 13%`. */
function describeSuccess({ success, failures = {} }: Decision['candidates'][number]): string {
  if (success === undefined) return '-'
  const percent = (part: number) => `${Math.round(part * 100)}%`
  return [percent(success), ...Object.entries(failures).map(([kind, part]) => `${kind} ${percent(part)}`)].join(', ')
}

function placeOf(cell: string | undefined): number {
  return cell === '-' ? Number.POSITIVE_INFINITY : Number(cell)
}

export const showImaginedRoutes: Show<ResultOf<typeof imagineRoutes>> = (result, page) => {
  const { choices, changed, cost, latency_ms, unpriced, changes } = result
  if (choices === 0)
    return {
      text: '',
      aside: 'Nothing was chosen there: all models stand in the definition. See docs/guides/routing.md.',
    }
  const rows = changes
    .slice(0, MOST)
    .map(({ run, step, was, would, ...of }) => [
      run,
      step,
      was,
      would,
      compare(of.cost, formatCost),
      compare(of.latency_ms, formatDuration),
    ])
  const titles = ['run', 'step', 'was', 'would be', 'expected cost', 'expected latency']
  const more = changes.length > MOST ? `and ${changes.length - MOST} more` : ''
  const told = [
    `${changed} of ${choices} choices would change.`,
    `Expected cost: ${formatCost(cost.was)}, would be ${formatCost(cost.would)}${unpriced > 0 ? ` (without ${unpriced} of unknown cost)` : ''}.`,
    `Expected latency in sum: ${formatDuration(latency_ms.was)}, would be ${formatDuration(latency_ms.would)}.`,
  ].join('\n')
  const table =
    changes.length === 0
      ? ''
      : renderTable(
          titles.map((title) => ({ title })),
          rows,
          page,
        )
  return { text: joinBlocks(told, table, more) }
}

const MOST = 50

function compare(
  { was, would }: { readonly was: number | undefined; readonly would: number | undefined },
  format: (value: number) => string,
): string {
  const show = (value: number | undefined) => (value === undefined ? 'unknown' : format(value))
  return `${show(was)} -> ${show(would)}`
}
