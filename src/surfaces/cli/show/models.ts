import type { CatalogueAge, DollarRate, listModelsOperation, showModel } from '../../../app/operations/models.ts'
import { showDollars } from '../../../events/prices.ts'
import { formatCount } from '../../../events/views/amounts.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { renderProblems } from '../render/problem.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type ResultOf, type Show } from './page.ts'

export const showModels: Show<ResultOf<typeof listModelsOperation>> = ({ models, catalogue, problems }, page) => {
  const wrong = problems.length > 0 ? renderProblems(problems, page.style) : ''
  if (models.length === 0) return { text: '', aside: joinBlocks(wrong, 'No model that is known fits.') }
  const rows = models.map(({ provider, model, profiles = [], context_window, prices, capabilities, sources }) => [
    `${provider}/${model}`,
    profiles.join(', '),
    context_window === undefined ? '' : formatCount(context_window),
    prices ? showDollars(prices.input) : '',
    prices ? showDollars(prices.output) : '',
    capabilities.join(' '),
    sources.join(', '),
  ])
  const columns = [
    { title: 'model' },
    { title: 'profiles' },
    { title: 'context', align: 'right' as const },
    { title: '$/M in', align: 'right' as const },
    { title: '$/M out', align: 'right' as const },
    { title: 'can' },
    { title: 'says' },
  ]
  return { text: renderTable(columns, rows, page), aside: joinBlocks(wrong, describeAge(catalogue)) }
}

export const showOneModel: Show<ResultOf<typeof showModel>> = (result, page) => {
  const { style } = page
  const { provider, model, profile, taken_for, facts, prices, bad_price, catalogue, prices_as_of } = result
  const head = [
    `${style.paint('bold', cleanLine(`${provider}/${model}`))}${profile === undefined ? '' : `  profile ${cleanLine(profile)}`}`,
    ...(taken_for === undefined ? [] : [`taken for ${cleanLine(taken_for)} of the catalogue`]),
  ].join('\n')
  if (!result.known)
    return {
      text: joinBlocks(
        head,
        'Nothing is known of it: its price is unknown, so it is refused where a budget limits money.',
      ),
      aside: 'Write what you know into models.yaml; see docs/guides/models.md.',
    }
  const rows = facts.map(({ fact, value, source, file, line }) => [
    fact.replaceAll('_', ' '),
    fact === 'prices' ? 'see below' : showValue(value),
    source,
    file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}`}`,
  ])
  const table = renderTable([{ title: 'fact' }, { title: 'value' }, { title: 'says' }, { title: 'where' }], rows, page)
  const { file, line } = bad_price ?? {}
  const bad =
    bad_price &&
    style.paint('yellow', `The price in ${cleanLine(`${file ?? ''}:${line ?? ''}`)} cannot be right and is not used.`)
  return {
    text: joinBlocks(head, table, bad, prices ? showPrices(prices) : 'Its price is unknown.'),
    ...(prices_as_of === undefined ? {} : { aside: describeAge(catalogue) }),
  }
}

function showPrices(prices: NonNullable<ResultOf<typeof showModel>['prices']>): string {
  return [
    'dollars for a million tokens',
    `  ${showRate(prices)}`,
    ...(prices.above ?? []).map(
      (tier) => `  above ${formatCount(tier.input_tokens)} tokens of input: ${showRate(tier)}`,
    ),
    ...(prices.batch === undefined ? [] : [`  in a batch: ${showDollars(prices.batch)} of that`]),
  ].join('\n')
}

function showRate({ input, output, cache_read, cache_write, cache_write_long }: DollarRate): string {
  const parts = [
    ['input', input],
    ['output', output],
    ['cache read', cache_read],
    ['cache write', cache_write],
    ['for an hour', cache_write_long],
  ] as const
  return parts.flatMap(([name, price]) => (price === undefined ? [] : [`${name} ${showDollars(price)}`])).join(', ')
}

function showValue(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'number') return formatCount(value)
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([name, each]) => `${name} ${String(each)}`)
      .join(', ')
  return String(value)
}

function describeAge({ as_of, days, version }: CatalogueAge): string {
  const age = days === 0 ? 'today' : days === 1 ? 'yesterday' : `${days} days ago`
  return `The catalogue (version ${version}) is of ${as_of}, ${age}; prices may have changed since. Nothing was fetched.`
}
