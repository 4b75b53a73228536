import type { validateRun } from '../../../app/operations/validate.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { joinBlocks, type Page, type ResultOf, type Show } from './page.ts'

type Result = ResultOf<typeof validateRun>

/** Every assertion for a person; in a pipe only what did not hold. */
export const showValidation: Show<Result> = ({ passed, ensembles }, page) => {
  const blocks = ensembles.map((ensemble) => describeOne(ensemble, page))
  const failed = ensembles.filter((ensemble) => !ensemble.passed).length
  const foot = passed ? `all ${ensembles.length} passed` : `${failed} of ${ensembles.length} failed`
  return { text: joinBlocks(...blocks, ensembles.length > 1 ? foot : '') }
}

function describeOne(
  { ensemble, passed, results, error, run }: Result['ensembles'][number],
  { style, rich }: Page,
): string {
  const held = results.filter((result) => result.passed === true).length
  const judged = results.filter((result) => result.passed !== null).length
  const head = `${style.paint(passed ? 'green' : 'red', passed ? 'passed' : 'failed')}  ${cleanLine(ensemble)}  ${held} of ${judged} hold${run === undefined ? '' : `  run ${run}`}`
  const lines = results
    .filter((result) => rich || result.passed !== true)
    .map((result) => {
      const symbol =
        result.passed === null ? style.symbols.skipped : result.passed ? style.symbols.succeeded : style.symbols.failed
      return `  ${symbol} ${result.layer}  ${cleanLine(result.name)}${result.passed === true ? '' : `  ${cleanLine(result.message)}`}`
    })
  return [head, ...(error === undefined ? [] : [`  ${cleanLine(error)}`]), ...lines].join('\n')
}
