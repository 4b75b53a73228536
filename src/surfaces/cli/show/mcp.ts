import type { listMcpServers, testMcpServer } from '../../../app/operations/mcp.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { renderProblems } from '../render/problem.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type ResultOf, type Show } from './page.ts'

export const showMcpServers: Show<ResultOf<typeof listMcpServers>> = ({ servers, problems }, page) => {
  const aside = problems.length > 0 ? renderProblems(problems, page.style) : ''
  if (servers.length === 0) return { text: '', aside: joinBlocks(aside, 'No MCP servers are written down.') }
  const rows = servers.map(({ name, enabled, trusted, digest, file, ...what }) => [
    name,
    enabled ? (trusted ? 'yes' : 'not trusted') : 'off',
    cleanLine('url' in what ? what.url : what.command),
    cleanLine(file),
    digest.slice(0, 16),
  ])
  const columns = ['server', 'usable', 'what', 'from', 'digest'].map((title) => ({ title }))
  return { text: renderTable(columns, rows, page), aside }
}

export const showMcpServer: Show<ResultOf<typeof testMcpServer>> = ({ tools, problems, ...about }, page) => {
  const who = about.server ? `${about.server.name} ${about.server.version}` : about.name
  const head = cleanLine(`${who}, MCP ${about.protocol}`)
  const rows = tools.map(({ name, safety, description }) => [name, safety, cleanLine(description.split('\n')[0] ?? '')])
  const columns = ['tool', 'safety', 'what it says of itself'].map((title) => ({ title }))
  return {
    text: joinBlocks(head, rows.length > 0 ? renderTable(columns, rows, page) : 'It offers no tools.'),
    aside: problems.length > 0 ? renderProblems(problems, page.style) : '',
  }
}
