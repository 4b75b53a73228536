import type { showScript, testScript } from '../../../app/operations/scripts.ts'
import { cleanLine, cleanText } from '../../../events/views/clean.ts'
import { showOutput } from '../../../events/views/run-report.ts'
import { joinBlocks, type ResultOf, type Show } from './page.ts'

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
