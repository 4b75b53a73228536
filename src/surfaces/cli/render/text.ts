import { cleanLine, cleanText } from '../../../events/views/clean.ts'
import { pickAnswers, type RunReport, showOutput } from '../../../events/views/run-report.ts'

/**
 * The answer and nothing else; several answers are labelled. For a terminal control sequences are taken out; a file or
 * pipe gets the answer as it is. Ends with a newline unless empty.
 */
export function renderText(report: RunReport, { terminal }: { readonly terminal: boolean }): string {
  const answers = pickAnswers(report)
  const clean = terminal ? cleanText : (text: string) => text
  const parts = answers.map(({ name, output = '' }) => {
    const text = clean(showOutput(output))
    const body = text === '' || text.endsWith('\n') ? text : `${text}\n`
    return answers.length > 1 ? `== ${cleanLine(name)} ==\n${body}` : body
  })
  return parts.join('\n')
}
