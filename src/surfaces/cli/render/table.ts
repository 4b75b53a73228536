import { cleanLine } from '../../../events/views/clean.ts'
import type { Style } from './style.ts'
import { fit, measure } from './width.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

const GAP = '  '
const NARROWEST = 3

/** Aligned columns without borders. Cells are foreign text: cleaned, one line each; the widest columns give way to `width`. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { style, width }: { readonly style: Style; readonly width?: number },
): string {
  const cells = rows.map((row) => columns.map((_, index) => cleanLine(row[index] ?? '')))
  const natural = columns.map(({ title }, index) =>
    cells.reduce((most, row) => Math.max(most, measure(row[index] ?? '')), measure(title)),
  )
  const widths = width === undefined ? natural : shrink(natural, width - GAP.length * (columns.length - 1))
  const line = (row: readonly string[]) =>
    columns
      .map(({ align }, index) => {
        const text = fit(row[index] ?? '', widths[index] ?? 0, style.symbols.cut)
        const space = ' '.repeat(Math.max(0, (widths[index] ?? 0) - measure(text)))
        return align === 'right' ? space + text : text + space
      })
      .join(GAP)
      .trimEnd()
  return [style.paint('bold', line(columns.map(({ title }) => title))), ...cells.map(line)].join('\n')
}

function shrink(natural: readonly number[], room: number): number[] {
  const widths = [...natural]
  for (let over = widths.reduce((sum, width) => sum + width, 0) - room; over > 0; over -= 1) {
    const widest = widths.indexOf(Math.max(...widths))
    if ((widths[widest] ?? 0) <= NARROWEST) break
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
}
