import type { init } from '../../../app/operations/init.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import type { ResultOf, Show } from './page.ts'

export const showInit: Show<ResultOf<typeof init>> = ({ folder, written, kept }) => {
  const lines = [
    ...written.map((file) => `written  ${cleanLine(file)}`),
    ...kept.map((file) => `kept     ${cleanLine(file)}`),
  ]
  const aside =
    written.length > 0
      ? 'Next:\n  llm-orc ensembles list\n  llm-orc run example'
      : `${cleanLine(folder)} was set up already.`
  return { text: lines.join('\n'), aside }
}
