import type { doctor, RunHealth } from '../../../app/operations/doctor.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { renderProblems } from '../render/problem.ts'
import { joinBlocks, type Page, type ResultOf, type Show } from './page.ts'

/** The verdict, then what is wrong with the file and with each run. */
export const showHealth: Show<ResultOf<typeof doctor>> = ({ file, problems, runs, rules, healthy }, page) => {
  const { style } = page
  const verdict = style.paint(healthy ? 'green' : 'red', healthy ? 'healthy' : 'not healthy')
  const names = Object.keys(rules).sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)))
  const checked = `${runs.length} ${runs.length === 1 ? 'run' : 'runs'} checked against ${names.join(' ')}`
  const told = runs.filter((run) => !run.healthy || run.torn).map((run) => describeRun(run, rules, page))
  return {
    text: joinBlocks(
      `${verdict}  ${cleanLine(file)}: ${checked}`,
      problems.length > 0 ? renderProblems(problems, style) : '',
      ...told,
    ),
  }
}

function describeRun(
  { run, events, healthy, violations, more, torn }: RunHealth,
  rules: { readonly [invariant: string]: string },
  { style }: Page,
): string {
  const { symbols } = style
  const lines = [`${healthy ? symbols.succeeded : symbols.failed} ${cleanLine(run)}: ${events} sound events`]
  for (const { invariant, seq, message } of violations)
    lines.push(`   event ${seq}: ${invariant}: ${cleanLine(message)}`, ...ruleOf(rules[invariant], style))
  if (more > 0) lines.push(`   and ${more} more`)
  if (torn) lines.push(describeTail(torn, run))
  return lines.join('\n')
}

function ruleOf(rule: string | undefined, style: Page['style']): string[] {
  return rule === undefined ? [] : [style.paint('dim', `      the rule: ${cleanLine(rule)}`)]
}

function describeTail({ from, records, moved_to }: NonNullable<RunHealth['torn']>, run: string): string {
  const what = `   the end of the run is torn: ${records} ${records === 1 ? 'record' : 'records'} from event ${from} on`
  if (moved_to !== undefined) return `${what} were moved to ${cleanLine(moved_to)}`
  return `${what}\n   move them aside with: llm-orc runs doctor ${cleanLine(run)} --repair`
}
