import type { clearCacheOperation, showCacheOperation } from '../../../app/operations/cache.ts'
import { formatCost, formatCount } from '../../../events/views/amounts.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type ResultOf, type Show } from './page.ts'

export const showCache: Show<ResultOf<typeof showCacheOperation>> = (cache, page) => {
  const { file, enabled, max_bytes, answers, bytes, hits, saved, shares } = cache
  const facts = [
    `${formatCount(answers)} ${answers === 1 ? 'answer' : 'answers'}`,
    `${formatBytes(bytes)} of at most ${formatBytes(max_bytes)}`,
    `${formatCount(hits)} ${hits === 1 ? 'hit' : 'hits'}`,
    ...(saved > 0 ? [`at least ${formatCost(saved)} saved`] : []),
  ]
  const right = { align: 'right' as const }
  const columns = [
    { title: 'run' },
    { title: 'answered by' },
    { title: 'answers', ...right },
    { title: 'size', ...right },
    { title: 'hits', ...right },
    { title: 'saved', ...right },
  ]
  const rows = shares.map((share) => [
    share.target,
    share.source,
    formatCount(share.answers),
    formatBytes(share.bytes),
    formatCount(share.hits),
    share.saved > 0 ? formatCost(share.saved) : '',
  ])
  const off = enabled ? '' : '; switched off by the setting cache.enabled'
  return {
    text: joinBlocks(facts.join(', '), shares.length > 0 ? renderTable(columns, rows, page) : ''),
    aside: cleanLine(`${file}${off}`),
  }
}

export const showClearedCache: Show<ResultOf<typeof clearCacheOperation>> = ({ removed }) => ({
  text: `removed ${formatCount(removed)} ${removed === 1 ? 'answer' : 'answers'}`,
})

function formatBytes(bytes: number): string {
  const megabytes = bytes / (1024 * 1024)
  if (megabytes < 0.1) return `${Math.ceil(bytes / 1024)} KB`
  return `${megabytes < 10 ? megabytes.toFixed(1) : Math.round(megabytes)} MB`
}
