import type {
  deleteChain,
  listChains,
  listWorkflows,
  runChain,
  saveChain,
  showChain,
} from '../../../app/operations/chains.ts'
import { cleanLine, cleanText } from '../../../events/views/clean.ts'
import { renderProblems } from '../render/problem.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type ResultOf, type Show } from './page.ts'
import { showRunResult } from './run.ts'

export const showChains: Show<ResultOf<typeof listChains>> = ({ chains, problems }, page) => {
  const aside = problems.length > 0 ? renderProblems(problems, page.style) : ''
  if (chains.length === 0)
    return {
      text: '',
      aside: joinBlocks(
        aside,
        'No chains here. Save one with: llm-orc chain save NAME --step "Critique>/Tester)-MODEL"',
      ),
    }
  const rows = chains.map(({ name, source, steps, problem }) => [
    name,
    source,
    problem === undefined ? steps.join('  ->  ') : `cannot be read: ${problem}`,
  ])
  return { text: renderTable([{ title: 'chain' }, { title: 'from' }, { title: 'steps' }], rows, page), aside }
}

export const showOneChain: Show<ResultOf<typeof showChain>> = ({ name, steps, warnings }, page) => {
  const rows = steps.map((step) => [step.name, step.title, step.models.join(', ')])
  const columns = [{ title: 'step' }, { title: 'model (role/persona)' }, { title: 'answers' }]
  const told = steps.map((step) =>
    [page.style.paint('bold', `What ${cleanLine(step.name)} is told`), cleanText(step.system)].join('\n'),
  )
  return {
    text: joinBlocks(page.style.paint('bold', cleanLine(name)), renderTable(columns, rows, page), ...told),
    aside: warnings.length > 0 ? renderProblems(warnings, page.style) : '',
  }
}

export const showChainRun: Show<ResultOf<typeof runChain>> = (result, page) => showRunResult(result, page)

export const showSavedChain: Show<ResultOf<typeof saveChain>> = (
  { name, file, steps, replaced, backup, warnings },
  page,
) => ({
  text: `${replaced ? 'replaced' : 'saved'} the chain ${cleanLine(name)} (${steps.length} ${steps.length === 1 ? 'step' : 'steps'}) in ${cleanLine(file)}${tellCopy(backup)}`,
  aside: joinBlocks(
    warnings.length > 0 ? renderProblems(warnings, page.style) : '',
    `Run it with: llm-orc chain run ${cleanLine(name)} -p "…"`,
  ),
})

export const showDeletedChain: Show<ResultOf<typeof deleteChain>> = ({ name, file, backup }) => ({
  text: `removed the chain ${cleanLine(name)} from ${cleanLine(file)}${tellCopy(backup)}`,
})

function tellCopy(backup: string | undefined): string {
  return backup === undefined ? '' : `\nas it was: ${cleanLine(backup)}`
}

export const showWorkflows: Show<ResultOf<typeof listWorkflows>> = ({ workflows, problems }, page) => {
  const all = [...problems, ...workflows.flatMap((workflow) => workflow.problems)]
  const aside = all.length > 0 ? renderProblems(all, page.style) : ''
  if (workflows.length === 0)
    return { text: '', aside: joinBlocks(aside, 'No workflows here. They stand under `workflows:` in config.yaml.') }
  const rows = workflows.map(({ name, source, params, steps, description }) => [
    name,
    source,
    params.map((param) => (param.required ? param.name : `[${param.name}]`)).join(' '),
    steps.map((step) => step.name).join('  ->  '),
    description,
  ])
  const columns = ['workflow', 'from', 'parameters', 'steps', 'what it does'].map((title) => ({ title }))
  return { text: renderTable(columns, rows, page), aside }
}
