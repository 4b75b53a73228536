import type { upgradeRun } from '../../../app/operations/upgrade.ts'
import type { StepVerdict, UpgradeVerdict } from '../../../app/upgrade.ts'
import { cleanLine } from '../../../events/views/clean.ts'
import { joinBlocks, type Page, type ResultOf, type Show } from './page.ts'
import { showRunResult } from './run.ts'

type Result = ResultOf<typeof upgradeRun>

const COLORS = { same: 'gray', safe: 'green', diverges: 'red', migration: 'yellow' } as const

/** The verdict and what it rests on, or the run that went on. */
export const showUpgrade: Show<Result> = (result, page) => {
  if (!result.upgraded) return { text: describeCheck(result, page) }
  const { text, aside } = showRunResult(result, page)
  const words =
    result.from === result.run
      ? ''
      : `The run goes on as ${result.run}. ${result.from} rests as it was; end it with: llm-orc runs cancel ${result.from}`
  const said = joinBlocks(aside, words)
  return { text, ...(said === '' ? {} : { aside: said }) }
}

function describeCheck({ run, definition, verdict, divergence, steps, reasons }: Result, page: Page): string {
  const head = `${page.style.paint(COLORS[verdict], nameVerdict(verdict, divergence?.step))}  run ${run}, definition ${cleanLine(definition)}`
  const where = divergence && `event ${divergence.event}, ${divergence.type}: ${cleanLine(divergence.words)}`
  const lines = [where, ...reasons.map(cleanLine)].filter((line) => line !== undefined)
  return joinBlocks(
    [head, ...lines.map((line) => `  ${line}`)].join('\n'),
    listSteps(steps, page),
    adviseOn(verdict, run),
  )
}

function nameVerdict(verdict: UpgradeVerdict, step: string | undefined): string {
  switch (verdict) {
    case 'same':
      return 'unchanged'
    case 'safe':
      return 'safe'
    case 'diverges':
      return step === undefined ? 'diverges' : `diverges at ${cleanLine(step)}`
    case 'migration':
      return 'needs migration'
  }
}

/** A line per step: what the change means for it. */
export function listSteps(steps: readonly StepVerdict[], { style }: Page): string {
  return steps
    .map(({ step, verdict, words }) => `${style.paint(COLORS[verdict], cleanLine(step))}  ${cleanLine(words)}`)
    .join('\n')
}

function adviseOn(verdict: UpgradeVerdict, run: string): string {
  switch (verdict) {
    case 'same':
      return `Go on with: llm-orc runs resume ${run}`
    case 'safe':
      return `Go on with the new definition: llm-orc runs upgrade ${run}`
    default:
      return `Go on with the definition it has: llm-orc runs resume ${run} --accept-changed`
  }
}
