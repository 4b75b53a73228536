import type { compareRunsOperation } from '../../../app/operations/forks.ts'
import { describeCost, describeTokens, formatDuration } from '../../../events/views/amounts.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type Page, type ResultOf, type Show } from './page.ts'

type Comparison = ResultOf<typeof compareRunsOperation>

/** Where two runs part, then both side by side. */
export const showComparison: Show<Comparison> = (comparison, page) => ({
  text: joinBlocks(describeDivergence(comparison), compareSides(comparison, page), compareSteps(comparison, page)),
})

function describeDivergence({ shared, divergence }: Comparison): string {
  const past = shared > 0 ? `The first ${shared} events are the same past.` : ''
  if (!divergence) return [past, 'Both runs did the same.'].filter(Boolean).join('\n')
  const { index, step, path, left, right, a, b } = divergence
  const where = `They part at event ${index}${step === undefined ? '' : ` (step ${step})`}`
  if (!a || !b)
    return cleanText(past, `${where}: only ${a ? 'the first' : 'the second'} run goes on with ${(a ?? b)?.type}.`)
  if (a.type !== b.type) return cleanText(past, `${where}: ${a.type} here, ${b.type} there.`)
  return cleanText(past, `${where}, ${a.type} at ${path}:`, `  a: ${shorten(left)}`, `  b: ${shorten(right)}`)
}

function cleanText(...lines: readonly string[]): string {
  return lines
    .filter(Boolean)
    .map((line) => (line.startsWith('  ') ? `  ${cleanLine(line.trim())}` : cleanLine(line)))
    .join('\n')
}

function compareSides({ a, b }: Comparison, page: Page): string {
  const rows = [a, b].map((side, index) => [
    index === 0 ? 'a' : 'b',
    side.run,
    side.status,
    `${side.events}`,
    formatDuration(side.ms),
    describeTokens(side.spent),
    describeCost(side.spent),
  ])
  const titles = ['', 'run', 'status', 'events', 'time', 'tokens', 'cost']
  return renderTable(
    titles.map((title) => ({ title })),
    rows,
    page,
  )
}

function compareSteps({ steps }: Comparison, page: Page): string {
  const rows = steps.map(({ step, a, b, same }) => [
    step,
    same ? 'same' : 'differs',
    a?.status ?? '-',
    b?.status ?? '-',
    shorten(a?.output ?? a?.code),
    shorten(b?.output ?? b?.code),
  ])
  const titles = ['step', '', 'a', 'b', 'output of a', 'output of b']
  return renderTable(
    titles.map((title) => ({ title })),
    rows,
    page,
  )
}

function shorten(value: unknown): string {
  const text = value === undefined ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 120 ? `${text.slice(0, 119)}…` : text
}
