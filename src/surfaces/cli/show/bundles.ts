import type { exportRun, importRun } from '../../../app/operations/bundles.ts'
import { formatCount } from '../../../events/views/amounts.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { joinBlocks, type ResultOf, type Show } from './page.ts'

export const showExport: Show<ResultOf<typeof exportRun>> = ({ run, file, bytes, redacted }, { style }) => {
  const head = `${style.paint('green', 'written')}  ${cleanLine(file)}  ${formatCount(bytes)} bytes of run ${cleanLine(run)}`
  const places = redacted.map((place) => `  ${cleanLine(place)}`)
  return { text: joinBlocks(head, redacted.length > 0 ? ['left out:', ...places].join('\n') : '') }
}

export const showImport: Show<ResultOf<typeof importRun>> = ({ run, events, written }) => ({
  text:
    written === 0
      ? `the run ${cleanLine(run)} is here already`
      : `imported run ${cleanLine(run)}, ${formatCount(events)} events`,
})
