import type { showRecovery } from '../../../app/operations/recovery.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { renderTable } from '../render/table.ts'
import type { ResultOf, Show } from './page.ts'

export const showRecoveries: Show<ResultOf<typeof showRecovery>> = ({ runs, unreadable = 0, recoveries }, page) => {
  const left = unreadable > 0 ? `; ${unreadable} cannot be read` : ''
  const aside = `${runs === 1 ? '1 run' : `${runs} runs`}${left}.`
  if (recoveries.length === 0) return { text: '', aside: `Nothing had to be mended in ${aside}` }
  const rows = recoveries.map(({ code, action, tried, succeeded, failed }) => [
    cleanLine(code),
    action,
    String(tried),
    String(succeeded),
    String(failed),
  ])
  const columns = [
    { title: 'failure' },
    { title: 'what was done' },
    ...['tried', 'helped', 'did not'].map((title) => ({ title, align: 'right' as const })),
  ]
  return { text: renderTable(columns, rows, page), aside }
}
