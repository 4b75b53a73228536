import type { listBatches, resumeBatch } from '../../../app/operations/batches.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type ResultOf, type Show, shortenTime } from './page.ts'

export const showOneBatch: Show<ResultOf<typeof resumeBatch>> = ({ batch, status, target, counts, items }, page) => {
  const told = Object.entries(counts).map(([name, count]) => `${count} ${cleanLine(name)}`)
  const rows = items.map(({ item, run, status: outcome, message = '' }) => [
    String(item),
    run,
    outcome,
    cleanLine(message),
  ])
  const table = renderTable([{ title: 'item' }, { title: 'run' }, { title: 'status' }, { title: 'why' }], rows, page)
  const head = `${batch}  ${cleanLine(target)}  ${status}: ${told.join(', ')}`
  return page.rich ? { text: joinBlocks(head, table) } : { text: table, aside: head }
}

export const showBatches: Show<ResultOf<typeof listBatches>> = ({ batches }, page) => {
  if (batches.length === 0) return { text: '', aside: 'There are no batches here.' }
  const rows = batches.map(({ batch, status, target, started, items }) => [
    batch,
    status,
    cleanLine(target),
    shortenTime(started),
    String(items),
  ])
  const titles = ['batch', 'status', 'target', 'started', 'items'].map((title) => ({ title }))
  return { text: renderTable(titles, rows, page) }
}
