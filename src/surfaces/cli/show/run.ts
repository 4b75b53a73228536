import type { ShownApproval } from '../../../app/approvals.ts'
import type { demo } from '../../../app/operations/demo.ts'
import type { runOperation } from '../../../app/operations/run.ts'
import type { resumeRunOperation } from '../../../app/operations/runs.ts'
import { cleanLine, cleanText } from '../../../events/views/clean.ts'
import type { RunReport } from '../../../events/views/run-report.ts'
import { renderProblems } from '../render/problem.ts'
import { renderRich } from '../render/rich.ts'
import { renderText } from '../render/text.ts'
import { describeApproval } from './approvals.ts'
import { joinBlocks, type Page, type ResultOf, type Show } from './page.ts'
import { showQuote } from './quote.ts'

/** Resuming, cancelling and resolving answer alike. */
type Result = ResultOf<typeof runOperation> | ResultOf<typeof demo> | ResultOf<typeof resumeRunOperation>

/** A run that was driven: its answer; for a person also who answered, what is asked, and where the report is. */
export const showRunResult: Show<Result> = (result, page) => {
  if ('total' in result) return showQuote(result, page)
  if (!('report' in result)) return showDetached(result, page)
  const { run, report } = result
  const notes = result.provider_notes.map((note) => `note: ${cleanLine(note)}`).join('\n')
  const questions = 'questions' in result ? (result.questions ?? []) : []
  const approvals = 'approvals' in result ? (result.approvals ?? []) : []
  const keys = new Set([...questions, ...approvals].map(({ key }) => key))
  const unknown = 'asks' in result ? (result.asks ?? []).filter((key) => !keys.has(key)) : []
  const asks = joinBlocks(
    describeAsks(run, unknown, page),
    ...questions.map((ask) => describeQuestion(run, ask, page)),
    ...approvals.map((approval) => askApproval(approval, page)),
  )
  const next = 'next' in result ? ['Next:', ...result.next.map((command) => `  ${command}`)].join('\n') : ''
  const warnings = 'warnings' in result && result.warnings ? renderProblems(result.warnings, page.style) : ''
  const raw = 'raw_output' in result && result.raw_output === true
  if (page.rich && !raw) {
    const folder =
      'artifacts' in result && result.artifacts ? page.style.paint('dim', `report: ${cleanLine(result.artifacts)}`) : ''
    const tail = [notes, folder].filter((line) => line !== '').join('\n')
    return {
      text: joinBlocks(`${showReport(report, page)}${tail === '' ? '' : `\n${tail}`}`, asks, next),
      aside: warnings,
    }
  }
  return {
    text: showReport(report, { ...page, rich: false }),
    aside: joinBlocks(warnings, [notes, describeFailures(report)].filter(Boolean).join('\n'), asks, next),
  }
}

/** The stored or fresh report of a run, without a line end. */
export function showReport(report: RunReport, page: Page): string {
  const text = page.rich ? renderRich(report, { style: page.style, width: page.width ?? 80 }) : renderText(report, page)
  return text.replace(/\n$/, '')
}

function showDetached(result: Extract<Result, { status: 'detached' }>, page: Page) {
  const aside = `Watch it with: llm-orc runs tail ${result.run}`
  return page.rich
    ? { text: `run ${result.run} goes on in the background\n${page.style.paint('dim', aside)}` }
    : { text: result.run, aside }
}

function describeFailures(report: RunReport): string {
  const head =
    report.status === 'succeeded'
      ? []
      : [`${report.status}${report.reason === undefined ? '' : `: ${cleanLine(report.reason)}`}  run ${report.run}`]
  return [
    ...head,
    ...report.errors.flatMap(({ agent, code, message, hint }) => [
      `${cleanLine(agent)}: ${code}: ${cleanLine(message)}`,
      ...(hint === undefined ? [] : [`   ${cleanLine(hint)}`]),
    ]),
  ].join('\n')
}

function describeAsks(run: string, asks: readonly string[], { style }: Page): string {
  if (asks.length === 0) return ''
  const lines = asks.map((key) => `  llm-orc runs resolve ${run} ${quoteWord(key)} done|failed|not-done`)
  return [style.paint('yellow', 'The run waits for a person. Look what became of it, then say so:'), ...lines].join(
    '\n',
  )
}

interface Asked {
  readonly key: string
  readonly question?: string
  readonly options?: readonly string[]
}

/** What a person is asked, whole, and how to answer it. */
export function describeQuestion(run: string, ask: Asked, page: Page): string {
  const answer = ask.options && ask.options.length > 0 ? ask.options.map(quoteWord).join('|') : 'TEXT'
  return [
    showQuestion(ask, page),
    `Answer with: llm-orc runs resolve ${quoteWord(run)} ${quoteWord(ask.key)} done ${answer}`,
  ].join('\n')
}

/** The question alone, whole. */
export function showQuestion(ask: Asked, { style }: Page): string {
  return [
    style.paint('yellow', `The run waits for a person. ${cleanLine(ask.key)} asks:`),
    ...cleanText(ask.question ?? '')
      .trim()
      .split('\n')
      .map((line) => `  ${line}`.trimEnd()),
  ].join('\n')
}

/** What waits for a yes or no, whole, and the commands that say it. */
export function askApproval(approval: ShownApproval, page: Page): string {
  const { run, key } = approval
  const words = `${quoteWord(run)} ${quoteWord(key)}`
  return [
    page.style.paint('yellow', 'The run waits for a yes or no:'),
    '',
    describeApproval(approval, page),
    '',
    `Allow it with:  llm-orc approvals give ${words}`,
    `Forbid it with: llm-orc approvals deny ${words}`,
  ].join('\n')
}

/** A word as a shell reads it, without control characters. */
export function quoteWord(word: string): string {
  const clean = cleanLine(word)
  return /^[\w./:@%+,-]+$/.test(clean) ? clean : `'${clean.replaceAll("'", "'\\''")}'`
}
