import type { createKey, listKeys, revokeKey } from '../../../app/operations/keys.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { renderTable } from '../render/table.ts'
import { type ResultOf, type Show, shortenTime } from './page.ts'

/** The key alone, so that it can be put into a variable; what there is to know goes beside it. */
export const showNewKey: Show<ResultOf<typeof createKey>> = ({ key, id, name, scopes, expires }) => {
  const until = expires === undefined ? 'until it is revoked' : `until ${shortenTime(expires)}`
  const about = `The key ${id} of ${cleanLine(name)} may ${scopes.join(', ')}, ${until}. It is shown this once only.`
  return { text: cleanLine(key), aside: about }
}

export const showKeys: Show<ResultOf<typeof listKeys>> = ({ keys }, page) => {
  if (keys.length === 0)
    return {
      text: '',
      aside: 'There are no keys: a server answers this machine only. Make one: llm-orc keys create NAME',
    }
  const rows = keys.map(
    ({ id, name, status, scopes, expires, max_requests_per_minute: rate, max_concurrent: runs }) => [
      id,
      cleanLine(name),
      status,
      scopes.join(' '),
      expires === undefined ? '-' : shortenTime(expires),
      [...(rate === undefined ? [] : [`${rate}/min`]), ...(runs === undefined ? [] : [`${runs} runs`])].join(', ') ||
        '-',
    ],
  )
  return { text: renderTable(COLUMNS, rows, page) }
}

export const showRevokedKeys: Show<ResultOf<typeof revokeKey>> = ({ revoked }) => ({
  text: revoked.map(({ id, name }) => `${id} ${cleanLine(name)} revoked`).join('\n'),
})

const COLUMNS = ['id', 'name', 'status', 'may', 'until', 'limits'].map((title) => ({ title }))
