import { cleanLine } from '../../../events/views/clean.ts'
import { renderTable } from '../render/table.ts'
import { joinBlocks, type Page, type Show } from './page.ts'

/** Any result that has no look of its own: `name  value` lines, lists of objects as tables. */
export const showPlain: Show<unknown> = (result, page) => ({ text: describe(result, page) })

function describe(value: unknown, page: Page): string {
  if (!isObject(value)) return cleanLine(word(value))
  const facts: string[] = []
  const tables: string[] = []
  for (const [name, field] of Object.entries(value)) {
    if (Array.isArray(field) && field.some(isObject))
      tables.push(joinBlocks(page.style.paint('bold', name), describeList(field, page)))
    else if (!Array.isArray(field) || field.length > 0) facts.push(`${name}  ${cleanLine(word(field))}`)
  }
  return joinBlocks(facts.join('\n'), ...tables)
}

function describeList(list: readonly unknown[], page: Page): string {
  const rows = list.filter(isObject)
  const titles = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  return renderTable(
    titles.map((title) => ({ title })),
    rows.map((row) => titles.map((title) => word(row[title]))),
    page,
  )
}

function word(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (Array.isArray(value) && !value.some(isObject)) return value.map(word).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
