import type { listScriptsOperation, showScript, testScript } from '../../../app/operations/scripts.ts'
import { cleanLine, cleanText } from '../../../events/views/clean.ts'
import { showOutput } from '../../../events/views/run-report.ts'
import { renderProblems } from '../render/problem.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type ResultOf, type Show } from './page.ts'

export const showScripts: Show<ResultOf<typeof listScriptsOperation>> = ({ scripts, problems }, page) => {
  const aside = problems.length > 0 ? renderProblems(problems, page.style) : ''
  if (scripts.length === 0) return { text: '', aside: joinBlocks(aside, 'No scripts here.') }
  const rows = scripts.map(({ relative, level, size, pinned, shadowed }) => [
    relative,
    shadowed ? `${level}, hidden by a nearer one` : level,
    `${pinned.safety ?? 'unsafe'}${pinned.interactive ? ', interactive' : ''}`,
    String(size),
  ])
  return {
    text: renderTable(
      [{ title: 'script' }, { title: 'from' }, { title: 'safety' }, { title: 'bytes', align: 'right' }],
      rows,
      page,
    ),
    aside,
  }
}

export const showOneScript: Show<ResultOf<typeof showScript>> = (script, { style }) => {
  const facts = [
    `${style.paint('bold', cleanLine(script.reference))}  ${script.safety}${script.interactive ? ', interactive' : ''}`,
    style.paint('dim', cleanLine(script.path)),
  ]
  return { text: joinBlocks(facts.join('\n'), cleanText(script.source).trimEnd()) }
}

export const showScriptTest: Show<ResultOf<typeof testScript>> = (result, { terminal }) => {
  const output = result.output === null ? '' : showOutput(result.output)
  const text = (terminal ? cleanText(output) : output).replace(/\n$/, '')
  return 'code' in result ? { text, aside: `${result.code}: ${cleanLine(String(result.message))}` } : { text }
}
