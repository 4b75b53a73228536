import type {
  cleanupArtifactsOperation,
  deleteArtifactOperation,
  listArtifactsOperation,
  showArtifactOperation,
} from '../../../app/operations/artifacts.ts'
import { cleanLine, cleanText } from '../../../events/views/clean.ts'
import { renderMarkdown } from '../render/markdown.ts'
import { renderTable } from '../render/table.ts'
import { type ResultOf, type Show } from './page.ts'

const COLUMNS = [{ title: 'ensemble' }, { title: 'execution' }, { title: 'folder' }]

export const showArtifacts: Show<ResultOf<typeof listArtifactsOperation>> = ({ artifacts }, page) => {
  if (artifacts.length === 0) return { text: '', aside: 'No artifacts here yet; runs leave them.' }
  return {
    text: renderTable(
      COLUMNS,
      artifacts.map(({ ensemble, id, folder }) => [ensemble, id, folder]),
      page,
    ),
  }
}

/** The stored report; for an artifact of another program that has none, its results. */
export const showArtifact: Show<ResultOf<typeof showArtifactOperation>> = (
  { artifact, markdown, folder },
  { style, rich },
) => {
  const text =
    markdown ??
    artifact.results
      .map(({ agent, status, response, error }) => `## ${agent} (${status})\n\n${error ?? response ?? ''}`)
      .join('\n\n')
  const clean = cleanText(text).trimEnd()
  return { text: rich ? renderMarkdown(clean, style) : clean, aside: cleanLine(folder) }
}

export const showDeletedArtifact: Show<ResultOf<typeof deleteArtifactOperation>> = ({ deleted }) => ({
  text: `deleted ${cleanLine(deleted.folder)}`,
})

export const showCleanup: Show<ResultOf<typeof cleanupArtifactsOperation>> = ({ dry_run, removed }) => {
  if (removed.length === 0) return { text: '', aside: 'Nothing is old enough.' }
  const text = removed.map(({ folder }) => cleanLine(folder)).join('\n')
  return {
    text,
    aside: dry_run ? 'These would be deleted; nothing was done.' : `${removed.length} folders were deleted.`,
  }
}
