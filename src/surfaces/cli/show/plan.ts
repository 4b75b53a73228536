import type { planOperation } from '../../../app/operations/plan.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type ResultOf, type Show } from './page.ts'
import { quoteWord, showRunResult } from './run.ts'

type Result = ResultOf<typeof planOperation>

/** The tasks level by level, and how to carry them out; where no plan came about, the run that was to make it. */
export const showPlan: Show<Result> = (result, page) => {
  if ('report' in result) return showRunResult(result, page)
  const { tasks, edges, levels, saved, provider_notes } = result
  const byId = new Map(tasks.map((task) => [task.id, task]))
  const rows = levels.flatMap((level, index) =>
    level.map((id) => {
      const task = byId.get(id)
      const into = edges.filter(({ to }) => to === id)
      const either = into.some(({ join }) => join === 'any')
      const after = into.map(({ from }) => from).join(either ? ' or ' : ', ')
      return [String(index + 1), id, task?.type ?? '', after, task?.description ?? '']
    }),
  )
  const columns = ['level', 'task', 'type', 'after', 'what it does'].map((title) => ({ title }))
  const run =
    saved === undefined
      ? 'Keep it with --save FILE, and carry it out with: llm-orc run --plan-file FILE'
      : `Carry it out with: llm-orc run --plan-file ${quoteWord(saved)}`
  const notes = provider_notes.map((note) => `note: ${cleanLine(note)}`)
  return { text: renderTable(columns, rows, page), aside: joinBlocks(notes.join('\n'), run) }
}
