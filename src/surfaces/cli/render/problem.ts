import { type OrcError, type Place, type Problem } from '../../../events/errors.ts'
import { cleanLine, cleanText } from '../../../events/views/clean.ts'
import type { Style } from './style.ts'

/**
 * Problems as compilers print them: `file:line:column  error code  message`, the hint indented below. One problem per
 * paragraph, in the order given.
 */
export function renderProblems(problems: OrcError | readonly Problem[], style: Style): string {
  const list = 'problems' in problems ? problems.problems : problems
  return list.map((problem) => renderProblem(problem, style)).join('\n')
}

function renderProblem(problem: Problem, style: Style): string {
  const place = describePlace(problem)
  const severity = problem.severity ?? 'error'
  const head = [
    ...(place === '' ? [] : [style.paint('cyan', place)]),
    `${style.paint(severity === 'error' ? 'red' : 'yellow', severity)} ${style.paint('dim', problem.code)}`,
    indent(problem.message).trimStart(),
  ].join('  ')
  return problem.hint === undefined ? head : `${head}\n${style.paint('dim', indent(problem.hint))}`
}

function describePlace({ file, line, column }: Place): string {
  const position = [line, column].filter((part) => part !== undefined)
  return [...(file === undefined ? [] : [cleanLine(file)]), ...position].join(':')
}

function indent(text: string): string {
  return cleanText(text).replace(/^/gm, '   ')
}
