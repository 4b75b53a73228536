import type { showLibraryEntry } from '../../../app/operations/library.ts'
import type { overviewOperation } from '../../../app/operations/overview.ts'
import type { showRole } from '../../../app/operations/roles.ts'
import type { checkRunnableOperation } from '../../../app/operations/runnable.ts'
import { cleanLine, cleanText } from '../../../events/views/clean.ts'
import { renderProblems } from '../render/problem.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type ResultOf, type Show } from './page.ts'

/** What a change of a file came to; both kinds of file are told alike. */
interface Edited {
  readonly path: string
  readonly changes_applied: readonly string[]
  readonly preview?: string
  readonly backup?: string
}

/** A preview is the file itself, so that it can be compared with the one that is there. */
export const showEdit: Show<Edited> = ({ path, changes_applied, preview, backup }) => {
  const facts = [
    ...changes_applied.map(cleanLine),
    ...(backup === undefined ? [] : [`as it was: ${cleanLine(backup)}`]),
  ]
  if (preview === undefined) return { text: `changed  ${cleanLine(path)}`, aside: facts.join('\n') }
  return { text: cleanText(preview).trimEnd(), aside: [...facts, 'Nothing is written yet.'].join('\n') }
}

export const showEntry: Show<ResultOf<typeof showLibraryEntry>> = ({ path, description, content }, { style }) => ({
  text: joinBlocks(`${style.paint('bold', cleanLine(path))}\n${cleanLine(description)}`, cleanText(content).trimEnd()),
})

export const showOneRole: Show<ResultOf<typeof showRole>> = ({ name, prompt, context }, { style }) => ({
  text: joinBlocks(
    style.paint('bold', cleanLine(name)),
    cleanText(prompt).trimEnd(),
    cleanText(context ?? '').trimEnd(),
  ),
})

export const showRunnable: Show<ResultOf<typeof checkRunnableOperation>> = ({ runnable, agents, problems }, page) => {
  const rows = agents.map(({ name, status, profile, provider, reason = '', alternatives }) => [
    name,
    status,
    [profile, provider].filter(Boolean).join(', '),
    reason,
    alternatives.join(', '),
  ])
  const titles = ['agent', 'status', 'profile, provider', 'why', 'instead']
  const table = renderTable(
    titles.map((title) => ({ title })),
    rows,
    page,
  )
  const word = runnable ? page.style.paint('green', 'can run') : page.style.paint('red', 'cannot run')
  return { text: joinBlocks(table, word), aside: problems.length > 0 ? renderProblems(problems, page.style) : '' }
}

export const showOverview: Show<ResultOf<typeof overviewOperation>> = (
  { overview, directory_structure, schemas, workflows },
  page,
) => {
  const table = (title: string, given: object) => {
    const rows = Object.entries(given).map(([name, told]) => [
      name,
      Array.isArray(told) ? told.join(title === 'how' ? ' · ' : ', ') : String(told),
    ])
    return renderTable([{ title }, { title: '' }], rows, page)
  }
  return {
    text: joinBlocks(overview, table('where', directory_structure), table('keys of', schemas), table('how', workflows)),
  }
}
