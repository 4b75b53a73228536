import { describeObstacles } from '../../../app/obstacles.ts'
import type {
  checkEnsemble,
  drawEnsemble,
  listEnsemblesOperation,
  showEnsemble,
} from '../../../app/operations/ensembles.ts'
import { isError } from '../../../events/errors.ts'
import { cleanLine, cleanText } from '../../../events/views/clean.ts'
import { renderProblems } from '../render/problem.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type ResultOf, type Show } from './page.ts'

export const showEnsembles: Show<ResultOf<typeof listEnsemblesOperation>> = ({ ensembles, problems }, page) => {
  const aside = problems.length > 0 ? renderProblems(problems, page.style) : ''
  if (ensembles.length === 0)
    return { text: '', aside: joinBlocks(aside, 'No ensembles here. Make one with: llm-orc init') }
  const rows = ensembles.map(({ name, source, agents, description, problem, shadowed, reasons }) => [
    name,
    shadowed ? `${source}, hidden by a nearer one` : source,
    agents === undefined ? '' : String(agents),
    problem !== undefined
      ? `cannot be read: ${problem}`
      : reasons === undefined
        ? description
        : `cannot run here: ${describeObstacles(reasons)}`,
  ])
  return {
    text: renderTable(
      [{ title: 'ensemble' }, { title: 'from' }, { title: 'agents', align: 'right' }, { title: 'what it does' }],
      rows,
      page,
    ),
    aside,
  }
}

export const showOneEnsemble: Show<ResultOf<typeof showEnsemble>> = (ensemble, page) => {
  const rows = ensemble.agents.map((agent) => [
    agent.name,
    agent.kind,
    ('model' in agent ? agent.model : undefined) ?? ('script' in agent ? agent.script : undefined) ?? '',
    agent.depends_on.join(', '),
  ])
  const head = [page.style.paint('bold', cleanLine(ensemble.name)), cleanText(ensemble.description).trim()]
    .filter(Boolean)
    .join('\n')
  const phases = ensemble.phases
    .map((phase, index) => `phase ${index + 1}: ${phase.map(cleanLine).join(', ')}`)
    .join('\n')
  const task = ensemble.default_task === undefined ? '' : `default task: ${cleanLine(ensemble.default_task)}`
  const table = renderTable(
    [{ title: 'agent' }, { title: 'kind' }, { title: 'model or script' }, { title: 'after' }],
    rows,
    page,
  )
  return {
    text: joinBlocks(head, table, phases, task),
    aside: ensemble.warnings.length > 0 ? renderProblems(ensemble.warnings, page.style) : '',
  }
}

export const showDrawing: Show<ResultOf<typeof drawEnsemble>> = ({ drawing }) => ({ text: cleanText(drawing) })

export const showCheck: Show<ResultOf<typeof checkEnsemble>> = ({ file, valid, problems }, { style }) => {
  const head = valid ? `${style.paint('green', 'valid')}  ${cleanLine(file)}` : ''
  const count = problems.filter(isError).length
  const foot = valid ? '' : `${count} ${count === 1 ? 'problem' : 'problems'} in ${cleanLine(file)}`
  return { text: joinBlocks(head, problems.length > 0 ? renderProblems(problems, style) : '', foot) }
}
