import type { Cell, Trial } from '../sandbox/escape/suite.ts'
import type { Overhead } from '../sandbox/overhead.ts'
import type { TierReport } from '../sandbox/sandbox.ts'
import type { TierName } from '../sandbox/tier-name.ts'

/** A tier as it is on this machine. */
export interface TierState extends TierReport {
  /** A short attempt to get out failed, just now; absent where there is nothing to try. */
  readonly proved?: boolean
  readonly why?: string
}

export interface SandboxFindings {
  readonly tiers: readonly TierState[]
  readonly tried: readonly TierName[]
  readonly trials: readonly Trial[]
}

const WORDS: { readonly [C in Cell]: string } = {
  blocked: '**blocked**',
  'also blocked': 'blocked, not promised',
  'not promised': 'not promised',
  'not offered': 'not offered',
  ESCAPED: 'ESCAPED',
  'not run': 'not run',
}

/** docs/sandbox.md, from what was found on this machine. */
export function writeSandboxPage({ tiers, tried, trials }: SandboxFindings, overhead: readonly Overhead[]): string {
  const attacks = [...new Set(trials.map(({ attack }) => attack))]
  const cellOf = (attack: string, tier: TierName) =>
    trials.find((trial) => trial.attack === attack && trial.tier === tier)
  return `# Sandboxes, as they were measured

Written by \`llm-orc sandbox check --docs docs/sandbox.md\`; do not edit it. How to use them: [guides/sandbox.md](guides/sandbox.md).

## Tiers

${writeTable(
  ['tier', 'here', 'made of', 'does not hold'],
  tiers.map(({ tier, state, version, missing, made_of, not }) => [
    `\`${tier}\``,
    state === 'available' ? (version ?? 'yes') : state === 'untested' ? 'untested' : `missing: ${missing?.join(', ')}`,
    made_of,
    not,
  ]),
)}

## What each blocks

Each attack ran once in each tier, with things planted for it, and was judged by what happened outside where that can be seen. In bold: promised and
held. \`not promised\`: it succeeded, as expected. \`not offered\`: the tier refuses what the attack needs.

${writeTable(
  ['attack', ...tried.map((tier) => `\`${tier}\``)],
  attacks.map((attack) => [
    cellOf(attack, tried[0] as TierName)?.title ?? attack,
    ...tried.map((tier) => WORDS[cellOf(attack, tier)?.cell ?? 'not run']),
  ]),
)}

## What each costs

From start to end of a program that reads JSON and prints JSON, ${overhead.length > 0 ? 'the tiers taking turns' : 'not measured'}; the ratio is against a plain child of the same round.

${writeTable(
  ['program', 'tier', 'ms (min, median, max)', 'added ms (median)', 'times (min, median, max)'],
  overhead.map(({ program, tier, ms, more_ms, ratio }) => [
    program,
    `\`${tier}\``,
    [ms.min, ms.median, ms.max].map((each) => each.toFixed(0)).join(', '),
    more_ms.toFixed(1),
    [ratio.min, ratio.median, ratio.max].map((each) => each.toFixed(2)).join(', '),
  ]),
)}
`
}

function writeTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(titles), `|${'---|'.repeat(titles.length)}`, ...rows.map(line)].join('\n')
}
