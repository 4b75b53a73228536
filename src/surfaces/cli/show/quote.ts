import type { Quote, QuotedFigures, QuotedStep } from '../../../app/quote.ts'
import { formatCost, formatCount, formatDuration } from '../../../events/views/amounts.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type Show } from './page.ts'

const COLUMNS = [
  { title: 'step' },
  { title: 'model' },
  { title: 'least', align: 'right' },
  { title: 'expected', align: 'right' },
  { title: 'worst', align: 'right' },
  { title: 'calls', align: 'right' },
  { title: 'time', align: 'right' },
] as const

/** Cost in each case; calls and time as expected and at worst. */
export const showQuote: Show<Quote> = (quote, page) => {
  const { target, steps, total, unbounded, runs, cap, ok, provider_notes } = quote
  const rows = [...steps.map(describeRow), describeRow({ ...total, id: 'total', kind: '', basis: 'guess' })]
  const reasons = unbounded.map(({ step, what, why }) =>
    cleanLine(`unbounded ${what === 'cost' ? 'cost' : 'time'}: ${step}: ${why}`),
  )
  const guessed = steps.filter(({ basis }) => basis === 'guess').length
  const basis =
    runs === 0
      ? 'Expected figures are guesses: it has not run before.'
      : `Expected figures are those of ${runs} earlier ${runs === 1 ? 'run' : 'runs'}${guessed > 0 ? `, of ${guessed} ${guessed === 1 ? 'step' : 'steps'} guesses` : ''}.`
  const verdict =
    cap === undefined
      ? ''
      : ok
        ? `The worst case stays within ${formatCost(cap)}.`
        : `The worst case exceeds the cap of ${formatCost(cap)}.`
  const notes = provider_notes.map((note) => `note: ${cleanLine(note)}`)
  return {
    text: joinBlocks(
      page.rich
        ? page.style.paint('bold', `quote of the ${target.kind} ${cleanLine(target.name)}; nothing was run`)
        : '',
      renderTable(COLUMNS, rows, page),
      verdict === '' ? '' : page.style.paint(ok ? 'green' : 'red', verdict),
      reasons.join('\n'),
    ),
    aside: [basis, ...notes].join('\n'),
  }
}

function describeRow({ id, kind, model, least, expected, worst }: QuotedStep): readonly string[] {
  const plain = (amount: number | undefined, show: (amount: number) => string, otherwise: string) =>
    amount === undefined ? otherwise : show(amount)
  const range = (key: keyof QuotedFigures, show: (amount: number) => string) =>
    expected[key] === worst[key] && worst[key] !== undefined
      ? show(worst[key])
      : `${plain(expected[key], show, '?')} to ${plain(worst[key], show, 'unbounded')}`
  return [
    id,
    model ?? kind,
    plain(least.cost, formatCost, '$0'),
    plain(expected.cost, formatCost, 'unknown'),
    plain(worst.cost, formatCost, 'unbounded'),
    range('calls', formatCount),
    range('ms', formatDuration),
  ]
}
