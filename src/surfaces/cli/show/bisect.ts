import type { bisectRuns } from '../../../app/operations/bisect.ts'
import type { CauseReport } from '../../../events/views/cause-words.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import type { Difference } from '../../../events/views/difference.ts'
import { joinBlocks, type Page, type ResultOf, type Show } from './page.ts'
import { listSteps } from './upgrade.ts'

type Result = ResultOf<typeof bisectRuns>

/** More places than these are for whoever reads the JSON. */
const PLACES = 6

/** The first cause, both sides of it, and the way from there to the end. */
export const showBisection: Show<Result> = (result, page) =>
  result.between === 'runs' ? showRuns(result, page) : showDefinition(result, page)

function showRuns(
  { a, b, shared, same_end, cause, chain, also, others }: Extract<Result, { between: 'runs' }>,
  page: Page,
) {
  const head = [a, b]
    .map((side, index) => `${index === 0 ? 'A' : 'B'}  ${cleanLine(side.run)}  ${side.status}, ${side.events} events`)
    .join('\n')
  const past = shared > 0 ? `The first ${shared} events are the same past.` : ''
  if (!cause) return { text: joinBlocks(head, past, page.style.paint('green', 'Both runs did the same.')) }
  const way = chain.slice(1).map(({ words, ...seqs }) => `  ${placeOf(seqs)}  ${cleanLine(words)}`)
  const more = others > 0 ? [`  and ${others} more`] : []
  return {
    text: joinBlocks(
      head,
      past,
      same_end ? 'Both came to the same end, but not in the same way.' : '',
      [page.style.paint('bold', same_end ? 'First difference' : 'First cause'), ...describeCause(cause)].join('\n'),
      way.length > 0 ? ['What came of it', ...way].join('\n') : '',
      also.length > 0
        ? [
            'Had a part in it too',
            ...also.map(
              ({ words, a, b }) => `  ${placeOf({ ...seqOf('a', a), ...seqOf('b', b) })}  ${cleanLine(words)}`,
            ),
            ...more,
          ].join('\n')
        : '',
    ),
  }
}

function describeCause({ words, a, b, differences }: CauseReport): string[] {
  return [
    `  ${placeOf({ ...seqOf('a', a), ...seqOf('b', b) })}  ${cleanLine(words)}`,
    ...describeDifferences(differences),
  ]
}

function seqOf<K extends 'a' | 'b'>(side: K, at: { readonly seq: number } | undefined): { readonly [P in K]?: number } {
  return (at ? { [side]: at.seq } : {}) as { [P in K]?: number }
}

function placeOf({ a, b }: { readonly a?: number; readonly b?: number }): string {
  if (a !== undefined && a === b) return `event ${a}`
  return [a === undefined ? '' : `A:${a}`, b === undefined ? '' : `B:${b}`].filter(Boolean).join(' ')
}

/** A few places with both sides, under the names the sides have. */
function describeDifferences(
  differences: readonly Difference[],
  [one, other]: readonly [string, string] = ['A', 'B'],
): string[] {
  const shown = differences
    .slice(0, PLACES)
    .flatMap(({ path, a, b }) => [
      `    ${cleanLine(path) || 'the whole'}`,
      `      ${one}: ${showValue(a)}`,
      `      ${other}: ${showValue(b)}`,
    ])
  const rest = differences.length - PLACES
  return [...shown, ...(rest > 0 ? [`    and ${rest} more places`] : [])]
}

function showValue(value: unknown): string {
  if (value === undefined) return 'nothing'
  return cleanLine(typeof value === 'string' ? value : JSON.stringify(value))
}

function showDefinition(result: Extract<Result, { between: 'definitions' }>, page: Page) {
  const { a, definition, divergence, steps } = result
  const head = `The run ${a.run} (${a.status}, ${a.events} events) under the definition ${cleanLine(definition)}`
  if (!divergence) {
    const said = steps.length === 0 ? 'The definition is the same.' : 'Every event of it would come out the same.'
    return { text: joinBlocks(head, page.style.paint('green', said), listSteps(steps, page)) }
  }
  const where = divergence.step === undefined ? '' : ` (${cleanLine(divergence.step)})`
  const first = `They part at event ${divergence.event}, ${divergence.type}${where}`
  return {
    text: joinBlocks(
      head,
      [
        page.style.paint('bold', first),
        `  ${cleanLine(divergence.words)}`,
        ...describeDifferences(divergence.differences, ['then', 'now']),
      ].join('\n'),
      listSteps(steps, page),
    ),
  }
}
