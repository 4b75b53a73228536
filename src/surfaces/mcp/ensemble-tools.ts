import { createHash } from 'node:crypto'
import { describeObstacles, type Obstacle } from '../../app/obstacles.ts'
import { cleanText } from '../../events/views/clean.ts'
import { fields, SEED, text } from './fields.ts'
import { type McpMeans, perform } from './means.ts'
import type { OfferedTool } from './offer.ts'
import { runForClient } from './run.ts'

export interface ListedEnsemble {
  readonly name: string
  readonly source: string
  readonly description: string
  readonly agents: number
  readonly file: string
  readonly shadowed?: boolean
  readonly problem?: string
  /** It can be read, and could not run here and now. */
  readonly runnable?: false
  readonly reasons?: readonly Obstacle[]
}

/** Clients take names of at most 64 such characters. */
const LONGEST_NAME = 52
const LONGEST_DESCRIPTION = 1_000

/** Those that a name means; broken ones too. */
export async function listEnsembles(means: McpMeans): Promise<readonly ListedEnsemble[]> {
  const { ensembles } = await perform<{ readonly ensembles: readonly ListedEnsemble[] }>(means, 'ensembles list', {})
  const seen = new Set<string>()
  return ensembles.filter(({ name, shadowed }) => !shadowed && !seen.has(name) && seen.add(name))
}

/** As lists tell of it. */
export function tellEnsemble({ name, source, agents, description, problem, runnable, reasons }: ListedEnsemble) {
  return {
    name,
    source,
    agent_count: agents,
    description,
    ...(problem === undefined ? {} : { problem }),
    ...(runnable === undefined ? {} : { runnable, reasons }),
  }
}

/** Each ensemble that can be read, as a tool of its own. */
export function makeEnsembleTools(means: McpMeans, ensembles: readonly ListedEnsemble[]): readonly OfferedTool[] {
  const taken = new Set<string>()
  const prefix = means.only === undefined ? 'ensemble_' : ''
  return ensembles.flatMap((ensemble) => {
    if (ensemble.problem !== undefined) return []
    const name = nameTool(prefix, ensemble.name, taken)
    taken.add(name)
    return [
      {
        name,
        title: cleanText(ensemble.name),
        description: describe(ensemble),
        inputSchema: fields({
          'input?': text('What it is to work on.'),
          'input_data?': text('The same, in the older spelling.'),
          'seed?': SEED,
        }),
        annotations: { readOnlyHint: false, openWorldHint: true },
        call: (given, ask) => {
          const input = given['input'] ?? given['input_data']
          const wish = { target: ensemble.name, input: input as string | undefined, seed: given['seed'], plain: true }
          return runForClient(means, wish, ask)
        },
      },
    ]
  })
}

/** What a file says of itself is foreign text. */
function describe({ name, description, agents, reasons }: ListedEnsemble): string {
  const told = cleanText(description).slice(0, LONGEST_DESCRIPTION)
  const lacks = reasons === undefined ? '' : ` It cannot run now: ${cleanText(describeObstacles(reasons))}.`
  return `${told === '' ? `The ensemble ${cleanText(name)}.` : told} (${agents} ${agents === 1 ? 'agent' : 'agents'})${lacks}`
}

/** A name that had to be changed gets a part of its digest, so that two can never become one. */
function nameTool(prefix: string, name: string, taken: ReadonlySet<string>): string {
  const plain = name
    .normalize('NFKD')
    .replaceAll(/[^A-Za-z0-9_-]+/g, '_')
    .slice(0, LONGEST_NAME - prefix.length)
  if (plain === name && !taken.has(prefix + plain)) return prefix + plain
  return `${prefix}${plain}_${createHash('sha256').update(name).digest('hex').slice(0, 8)}`
}
