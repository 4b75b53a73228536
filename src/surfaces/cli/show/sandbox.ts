import type { benchSandboxes, checkSandboxes, listSandboxes } from '../../../app/operations/sandbox.ts'
import type { TierState } from '../../../app/sandbox-page.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type ResultOf, type Show } from './page.ts'

export const showSandboxes: Show<ResultOf<typeof listSandboxes>> = ({ tiers }, page) => {
  const rows = tiers.map((state) => [
    state.tier,
    describeState(state),
    state.made_of,
    `${state.promises.length}`,
    state.not,
  ])
  const titles = [
    { title: 'tier' },
    { title: 'here' },
    { title: 'made of' },
    { title: 'promises', align: 'right' as const },
  ]
  return {
    text: renderTable([...titles, { title: 'does not hold' }], rows, page),
    aside: 'What each promises, tried: llm-orc sandbox check',
  }
}

export const showSandboxCheck: Show<ResultOf<typeof checkSandboxes>> = (result, page) => {
  const { tried, trials, untested, escaped, unproved, passed } = result
  const attacks = [...new Set(trials.map(({ attack }) => attack))]
  const rows = attacks.map((attack) => {
    const own = trials.filter((trial) => trial.attack === attack)
    return [own[0]?.title ?? attack, ...tried.map((tier) => own.find((trial) => trial.tier === tier)?.cell ?? '')]
  })
  const table = renderTable([{ title: 'attack' }, ...tried.map((title) => ({ title }))], rows, page)
  const wrong = trials
    .filter(({ cell }) => cell === 'ESCAPED' || cell === 'not run')
    .map(
      ({ attack, tier, cell, detail }) =>
        `${tier}: ${attack}: ${cell}${detail === undefined ? '' : `: ${cleanLine(detail)}`}`,
    )
  const counts = `${trials.length} trials, ${escaped} escaped, ${unproved} could not be run`
  const verdict = page.style.paint(passed ? 'green' : 'red', passed ? 'held' : 'not held')
  const rest = untested.length > 0 ? `Untested here: ${untested.join(', ')}` : ''
  return { text: joinBlocks(table, wrong.join('\n'), `${verdict}  ${counts}`, rest) }
}

export const showSandboxBench: Show<ResultOf<typeof benchSandboxes>> = ({ rounds, overhead }, page) => {
  const right = (title: string) => ({ title, align: 'right' as const })
  const columns = [
    { title: 'program' },
    { title: 'tier' },
    ...['ms', 'added ms', 'times min', 'median', 'max'].map(right),
  ]
  const rows = overhead.map(({ program, tier, ms, more_ms, ratio }) => [
    program,
    tier,
    ms.median.toFixed(0),
    more_ms.toFixed(1),
    ...[ratio.min, ratio.median, ratio.max].map((each) => each.toFixed(2)),
  ])
  return {
    text: renderTable(columns, rows, page),
    aside: `${rounds} rounds, taking turns; times: against a plain child of the same round`,
  }
}

function describeState({ state, version, missing, proved, why }: TierState): string {
  if (state === 'untested') return 'untested'
  if (state === 'missing') return `missing: ${missing?.join(', ')}`
  return proved === false ? `does not hold: ${cleanLine(why ?? '')}` : cleanLine(version ?? 'yes')
}
