import type { ShownApproval } from '../../../app/approvals.ts'
import type { listApprovals, showApproval } from '../../../app/operations/approvals.ts'
import type { checkPolicy, explainPolicy } from '../../../app/operations/policy.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { makeVisible, spellOut } from '../../../events/views/visible.ts'
import { compareLines, listChanges } from '../render/diff.ts'
import { renderTable } from '../render/table.ts'
import { describeBudgetQuestion } from './budget-question.ts'
import { joinBlocks, type Page, type ResultOf, type Show, shortenTime } from './page.ts'

/** Longest text that is shown whole, in characters and lines; of longer ones the middle is left out and the person is told so. */
const WHOLE = { characters: 4_000, lines: 80 }

export const showApprovals: Show<ResultOf<typeof listApprovals>> = ({ approvals }, page) => {
  if (approvals.length === 0) return { text: '', aside: 'Nothing waits for a word.' }
  const rows = approvals.map((each) => [
    each.run,
    cleanLine(each.key),
    cleanLine(String(each.grant['tool'] ?? '')),
    describeStatus(each),
    shortenTime(each.asked),
  ])
  const columns = ['run', 'what asks', 'tool', 'status', 'since (UTC)'].map((title) => ({ title }))
  const first = approvals.find(({ status }) => status === 'asked')
  const aside = first && `See it whole: llm-orc approvals show ${first.run} ${cleanLine(first.key)}`
  return { text: renderTable(columns, rows, page), ...(aside ? { aside } : {}) }
}

export const showOneApproval: Show<ResultOf<typeof showApproval>> = (approval, page) => ({
  text: describeApproval(approval, page),
})

interface Described {
  readonly text: string
  /** Something is left out. */
  readonly cut: boolean
}

/** Everything a person needs to say yes or no; nothing in it is hidden without a word. */
export function describeApproval(approval: ShownApproval, page: Page): string {
  return describeRequest(approval, page).text
}

/** `whole`: however long it is. */
export function describeRequest(approval: ShownApproval, page: Page, whole = false): Described {
  const { run, key, grant, request, expires, digest, change } = approval
  if (grant['budget'] !== undefined) return { cut: false, text: describeBudgetQuestion(approval, page) }
  const { style } = page
  const args = argumentsOf(request)
  const shown = change ? Object.entries(args).filter(([name]) => !CONTENTS.has(name)) : Object.entries(args)
  const lines = [
    ...shown.flatMap(([name, value]) => showValue(name, value)),
    ...(change ? [{ text: '' }, ...showChange(change)] : []),
  ]
  const { kept, left } = whole ? { kept: lines, left: 0 } : cutMiddle(lines)
  const text = kept.map((line) => (line.format ? style.paint(line.format, line.text) : line.text)).join('\n')
  const tool = String(grant['tool'] ?? grant['kind'] ?? 'an effect')
  const spelled = spellOut(tool)
  const name = [tool, grant['version']].filter((part) => typeof part === 'string').join(' ')
  return {
    cut: left > 0,
    text: joinBlocks(
      `${style.paint('bold', showLine(name))} wants to run in ${showLine(run)} (${showLine(key)})`,
      spelled === tool ? '' : style.paint('yellow', `The name is not plain ASCII: ${spelled}`),
      request === undefined ? 'Its content is not here any more.' : text,
      left > 0 ? style.paint('yellow', `TRUNCATED: ${left} characters are left out in the middle.`) : '',
      [
        `safety     ${showLine(String(grant['safety'] ?? ''))}`,
        ...(typeof grant['source'] === 'string' ? [`source     ${showLine(grant['source'])}`] : []),
        ...(typeof grant['sandbox'] === 'string' ? [`sandbox    ${showLine(grant['sandbox'])}`] : []),
        ...(typeof grant['because'] === 'string' ? [`because    ${showLine(grant['because'])}`] : []),
        ...(grant['label'] === 'outside' ? ['           the step has read something from outside'] : []),
        ...(expires === undefined ? [] : [`expires    ${expires}`]),
        style.paint('dim', `arguments  ${showLine(String(grant['arguments'] ?? ''))}`),
        style.paint('dim', `request    ${digest}`),
      ].join('\n'),
      describeStatus(approval) === 'asked' ? '' : `It is ${describeStatus(approval)}.`,
    ),
  }
}

/** Arguments that a comparison shows. */
const CONTENTS: ReadonlySet<string> = new Set(['content', 'old_text', 'new_text'])

function argumentsOf(request: unknown): { readonly [name: string]: unknown } {
  if (typeof request !== 'object' || request === null) return { request }
  if ('arguments' in request && typeof request.arguments === 'object' && request.arguments !== null)
    return request.arguments as { readonly [name: string]: unknown }
  return request as { readonly [name: string]: unknown }
}

interface Line {
  readonly text: string
  readonly format?: 'cyan' | 'green' | 'red'
}

/** Each line of a text on its own line, so that none can pretend to be ours. */
function showValue(name: string, value: unknown): Line[] {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const lines = text.split('\n').map(makeVisible)
  const shown = lines.length === 1 ? [`${showLine(name)}: ${lines[0]}`] : [`${showLine(name)}:`, ...lines.map(indent)]
  return shown.map((line) => ({ text: line }))
}

function indent(line: string): string {
  return `  | ${line}`
}

function showChange({ path, before, after }: NonNullable<ShownApproval['change']>): Line[] {
  const lines = compareLines(before ?? '', after)
  const count = (sign: string) => lines.filter((line) => line.sign === sign).length
  const what = before === undefined ? 'a new file' : `${count('+')} lines come, ${count('-')} go`
  return [
    { text: `${showLine(path)}: ${what}` },
    ...listChanges(lines).map((line): Line => {
      if ('from' in line) return { text: `  @ line ${line.from}`, format: 'cyan' }
      const text = `  ${line.sign} ${makeVisible(line.text)}`
      return line.sign === ' ' ? { text } : { text, format: line.sign === '+' ? 'green' : 'red' }
    }),
  ]
}

/** Beginning and end: what matters may stand in either. */
function cutMiddle(lines: readonly Line[]): { readonly kept: readonly Line[]; readonly left: number } {
  const count = (some: readonly Line[]) => some.reduce((sum, { text }) => sum + text.length + 1, 0)
  if (count(lines) <= WHOLE.characters && lines.length <= WHOLE.lines) return { kept: lines, left: 0 }
  const head = takeHalf(lines, (text, room) => text.slice(0, room))
  const tail = takeHalf(lines.slice(head.length).toReversed(), (text, room) => text.slice(-room)).toReversed()
  // One long line is cut on both sides.
  const last = lines.length === 1 ? takeHalf(lines, (text, room) => text.slice(-room)) : tail
  const left = count(lines) - count(head) - count(last)
  return { kept: [...head, { text: `[${left} characters left out]` }, ...last], left }
}

function takeHalf(lines: readonly Line[], cut: (text: string, room: number) => string): readonly Line[] {
  const kept: Line[] = []
  let room = WHOLE.characters / 2
  for (const line of lines.slice(0, WHOLE.lines / 2)) {
    if (room <= 0) break
    kept.push({ ...line, text: line.text.length > room ? cut(line.text, room).toWellFormed() : line.text })
    room -= line.text.length + 1
  }
  return kept
}

function showLine(text: string): string {
  return makeVisible(text).replace(/[\n\t]/g, ' ')
}

function describeStatus({ status, by, reason }: ShownApproval): string {
  const words = status === 'denied' ? [`denied by ${by}`, reason].filter(Boolean).join(': ') : status
  return cleanLine(words)
}

export const showDecision: Show<ResultOf<typeof checkPolicy>> = ({ tool, decision, reason }, { style }) => {
  const colour = decision === 'allow' ? 'green' : decision === 'deny' ? 'red' : 'yellow'
  return { text: `${style.paint(colour, decision)}  ${cleanLine(tool)}: ${cleanLine(reason)}` }
}

export const showExplanation: Show<ResultOf<typeof explainPolicy>> = (result, page) => {
  const { call, levels } = result
  const facts = [
    `call    ${cleanLine(call.name)}  ${cleanLine(call.argument)}`,
    ...(call.paths.length > 0 ? [`paths   ${call.paths.map(cleanLine).join(', ')}`] : []),
    ...(call.hosts.length > 0 ? [`hosts   ${call.hosts.map(cleanLine).join(', ')}`] : []),
  ]
  const rules = levels.map(({ level, may_allow, rules: each }) =>
    [`${level}${may_allow ? '' : ' (may only narrow)'}`, ...each.map((rule) => `  ${cleanLine(rule)}`)].join('\n'),
  )
  return { text: joinBlocks(showDecision(result, page).text, facts.join('\n'), ...rules) }
}
