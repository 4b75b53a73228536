import type { importOperation } from '../../../app/operations/import.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { renderProblems } from '../render/problem.ts'
import type { Style } from '../render/style.ts'
import { joinBlocks, type Page, type ResultOf, type Show } from './page.ts'

type Result = ResultOf<typeof importOperation>
type One = Result['imports'][number]

const LEVELS = { assumed: ['assumed', 'yellow'], not_possible: ['not possible', 'red'] } as const

export const showImported: Show<Result> = (result, page) => {
  const { imports, passed_over, folder, dry_run, written, unchanged, backups, problems } = result
  const files = [
    ...written.map((path) => `${dry_run ? 'would write' : 'written'}  ${cleanLine(`${folder}/${path}`)}`),
    ...unchanged.map((path) => `unchanged  ${cleanLine(`${folder}/${path}`)}`),
    ...backups.map((path) => `kept as  ${cleanLine(`${folder}/${path}`)}`),
  ].join('\n')
  const over =
    imports.length === 0 ? [] : passed_over.map(({ file, why }) => `passed over  ${cleanLine(file)}: ${cleanLine(why)}`)
  // what is not of any one import
  const named = new Set(imports.flatMap((one) => one.problems))
  const others = problems.filter((problem) => !named.has(problem))
  return {
    text: joinBlocks(...imports.map((one) => describeOne(one, page)), files),
    aside: joinBlocks(
      others.length > 0 ? renderProblems(others, page.style) : '',
      cutList(over).join('\n'),
      nextOf(result),
    ),
  }
}

const MOST = 20

function cutList(lines: readonly string[]): readonly string[] {
  return lines.length <= MOST
    ? lines
    : [...lines.slice(0, MOST), `and ${lines.length - MOST} more; --output json has all`]
}

function describeOne({ format, sources, report, problems }: One, { style }: Page): string {
  const counts = (['taken', 'assumed', 'not_possible'] as const).map(
    (level) => `${report.filter((each) => each.level === level).length} ${level.replace('_', ' ')}`,
  )
  const head = `${style.paint('bold', cleanLine(sources.join(', ')))}  ${format}: ${counts.join(', ')}`
  const lines = report.flatMap(({ level, what, where, why }) =>
    level === 'taken'
      ? []
      : [
          `  ${paintLevel(level, style)}  ${cleanLine(what)}: ${cleanLine(why)}  ${style.paint('dim', cleanLine(where))}`,
        ],
  )
  return joinBlocks([head, ...lines].join('\n'), problems.length > 0 ? renderProblems(problems, style) : '')
}

function paintLevel(level: keyof typeof LEVELS, style: Style): string {
  const [word, colour] = LEVELS[level]
  return style.paint(colour, word)
}

function nextOf({ written, unchanged, dry_run, valid }: Result): string {
  const [ensemble] = [...written, ...unchanged].filter((path) => path.startsWith('ensembles/'))
  if (!valid || dry_run || ensemble === undefined) return ''
  const name = ensemble.slice('ensembles/'.length, -'.yaml'.length)
  return `Next:\n  llm-orc ensembles show ${name}\n  llm-orc run ${name}`
}
