import type { showRun } from '../../../app/operations/runs.ts'
import { formatCost } from '../../../events/views/amounts.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { describeDoubt } from '../../../events/views/run-report.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type Page, type ResultOf, shortenTime } from './page.ts'
import { askApproval, describeQuestion, quoteWord } from './run.ts'

type Shown = ResultOf<typeof showRun>
type Ask = Shown['asks'][number]

/** The ledger: one line for each intent. */
export function listEffects(effects: NonNullable<Shown['effects']>, page: Page): string {
  if (effects.length === 0) return 'The run has touched nothing.'
  const rows = effects.map((effect) => [
    String(effect.seq),
    effect.key,
    effect.kind,
    effect.safety,
    String(effect.tries),
    effect.code === undefined
      ? effect.outcome
      : `${effect.outcome}: ${effect.code}${describeDoubt(effect.touched ? { touched: effect.touched } : {})}`,
    effect.cost === undefined ? '' : formatCost(effect.cost),
    effect.source === 'record' ? `event ${effect.answered}` : (effect.source ?? ''),
  ])
  const right = { align: 'right' as const }
  const columns = [
    { title: 'event', ...right },
    { title: 'key' },
    { title: 'kind' },
    { title: 'safety' },
    { title: 'tries', ...right },
    { title: 'outcome' },
    { title: 'cost', ...right },
    { title: 'answered by' },
  ]
  return renderTable(columns, rows, page)
}

/** Everything a person is asked, with what helps to find the answer and the commands that give it. */
export function describeQuestions(run: string, asks: readonly Ask[], page: Page): string {
  if (asks.length === 0) return ''
  const head = page.style.paint('yellow', 'The run waits for a person. Look what became of it, then say so:')
  const unknown = asks.filter(({ question, approval }) => question === undefined && approval === undefined)
  return joinBlocks(
    ...asks.flatMap((ask) => (ask.question === undefined ? [] : [describeQuestion(run, ask, page)])),
    ...asks.flatMap(({ approval }) => (approval ? [askApproval(approval, page)] : [])),
    unknown.length > 0 ? head : '',
    ...unknown.map((ask) => describeAsk(run, ask, page)),
  )
}

function describeAsk(run: string, { key, step, kind, ...ask }: Ask, { style }: Page): string {
  const what = ask.what === 'unknown' ? 'may or may not have happened' : 'waits for an answer'
  const facts = [
    ['request', ask.request ?? 'its content is not here any more'],
    ['since', `${shortenTime(ask.since)} UTC`],
    ...(ask.what === 'unknown' ? [['look for', `the idempotency key ${ask.idempotency_key}`]] : []),
    ...(ask.parent ? [['parent', `${ask.parent.outcome} (event ${ask.parent.event}): ${ask.parent.text}`]] : []),
  ]
  const resolve = `llm-orc runs resolve ${quoteWord(run)} ${quoteWord(key)}`
  const ways =
    ask.what === 'unknown'
      ? [
          `${resolve} done --answer TEXT   # it happened, and this came of it`,
          `${resolve} failed   # it happened and failed`,
          `${resolve} not-done   # it never happened: do it now`,
        ]
      : [`${resolve} done --answer TEXT`]
  return [
    `${style.symbols.bullet} ${style.paint('bold', cleanLine(step))}: ${cleanLine(kind)} ${cleanLine(key)} ${what}`,
    ...facts.map(([name = '', text = '']) => `    ${name.padEnd(10)}${cleanLine(text)}`),
    ...ways.map((way) => `    ${way}`),
  ].join('\n')
}

/** Effects whose outcome nobody will be asked any more, because their step has ended. */
export function describeLost({ unknown }: Shown['report'], asks: readonly Ask[], page: Page): string {
  const open = new Set(asks.map(({ key }) => key))
  const lost = unknown
    .filter(({ key }) => !open.has(key))
    .map((effect) => `  ${cleanLine(`${effect.key}${describeDoubt(effect)}`)}`)
  if (lost.length === 0) return ''
  const head = 'Nobody knows whether these happened; they were not done again, and their steps have ended:'
  return [page.style.paint('yellow', head), ...lost].join('\n')
}
