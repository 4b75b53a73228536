import type { listToolsOperation, migrateTool, newTool, showTool, testTool } from '../../../app/operations/tools.ts'
import { cleanLine, cleanText } from '../../../events/views/clean.ts'
import { showOutput } from '../../../events/views/run-report.ts'
import { renderProblems } from '../render/problem.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type ResultOf, type Show } from './page.ts'

const DESCRIPTION = 60

export const showTools: Show<ResultOf<typeof listToolsOperation>> = ({ tools, problems }, page) => {
  const aside = problems.length > 0 ? renderProblems(problems, page.style) : ''
  if (tools.length === 0) return { text: '', aside: joinBlocks(aside, 'No tools here.') }
  const rows = tools.map(({ name, version, aliases, safety, source, description }) => [
    name,
    [version, ...aliases].join(', '),
    safety,
    source,
    shorten(cleanLine(description)),
  ])
  return {
    text: renderTable(
      [{ title: 'tool' }, { title: 'version' }, { title: 'safety' }, { title: 'source' }, { title: 'what it does' }],
      rows,
      page,
    ),
    aside,
  }
}

export const showOneTool: Show<ResultOf<typeof showTool>> = (tool, { style }) => {
  const { name, version, safety, source, place, digest, permissions, versions, migrations } = tool
  const facts = [
    `${style.paint('bold', cleanLine(`${name}@${version}`))}  ${safety}, ${cleanLine(source)}`,
    style.paint('dim', cleanLine(place)),
    style.paint('dim', `sha256 ${digest}`),
  ]
  const rights = Object.entries(permissions).map(([what, list]) => `${what}: ${cleanLine(list.join(', '))}`)
  const history = [
    ...(versions.length > 1 ? [`versions: ${versions.map(cleanLine).join(', ')}`] : []),
    ...(migrations.length > 0 ? [`migrations: ${migrations.map(cleanLine).join(', ')}`] : []),
  ]
  return {
    text: joinBlocks(
      facts.join('\n'),
      cleanText(tool.description).trimEnd(),
      rights.length > 0 ? `It may touch\n${rights.map((line) => `  ${line}`).join('\n')}` : 'It may touch nothing.',
      history.join('\n'),
      `Arguments\n${cleanText(JSON.stringify(tool.input_schema, null, 2))}`,
    ),
  }
}

export const showToolTest: Show<ResultOf<typeof testTool>> = (result, { terminal }) => {
  const output = result.output === null ? '' : showOutput(result.output)
  const text = (terminal ? cleanText(output) : output).replace(/\n$/, '')
  if ('code' in result) return { text, aside: `${result.code}: ${cleanLine(String(result.message))}` }
  if (!('asks' in result)) return { text }
  return { text, aside: `The call waits for somebody. See: llm-orc approvals show ${result.run}` }
}

export const showNewTool: Show<ResultOf<typeof newTool>> = ({ name, version, folder, files }) => ({
  text: `${cleanLine(folder)}: ${files.join(', ')}`,
  aside: `Try it with: llm-orc tools test ${name}@${version} --arguments '{"text": "hello"}'`,
})

export const showMigration: Show<ResultOf<typeof migrateTool>> = (result, { style }) => {
  const text = cleanText(JSON.stringify(result.data, null, 2))
  if (result.success) return { text, aside: result.path.map(cleanLine).join(' -> ') }
  const { code, message, detail } = result.error
  const undone = result.rolled_back
    ? ''
    : ' What was done before could not be undone; these are the arguments as given.'
  const why = detail === undefined ? '' : `\n${cleanText(detail).trimEnd()}`
  return { text, aside: `${style.paint('red', code)}: ${cleanLine(message)}${undone}${why}` }
}

function shorten(text: string): string {
  return text.length > DESCRIPTION ? `${text.slice(0, DESCRIPTION - 1).toWellFormed()}…` : text
}
