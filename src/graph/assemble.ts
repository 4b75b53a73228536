import * as z from 'zod'
import type { Candidate } from './candidates.ts'
import type { Report } from './report.ts'
import type { Edge, GraphStep } from './step-graph.ts'
import { type ModelSource, modelSource } from './verify.ts'
import type { Path } from './yaml.ts'

const text = z.string().min(1)

const METHODS = ['concatenate', 'merge', 'best', 'synthesize', 'vote', 'rank'] as const
const COUNTS = ['borda', 'instant-runoff', 'condorcet'] as const

/** `assemble:` as written: a method, or a map with its settings. */
export const assembleBlock = z.union([
  z.enum(METHODS),
  z.strictObject({
    method: z.enum(METHODS),
    separator: z.string().optional().describe('For `concatenate`; usually an empty line.'),
    judge: z
      .strictObject({ ...modelSource, rubric: text.optional() })
      .optional()
      .describe('For `best`: the model that chooses. Without it the longest answer is the best.'),
    instruct: text.optional().describe('For `synthesize`: what to make of the answers. For voters: what to judge by.'),
    over: z
      .union([text, z.array(text).min(1)])
      .optional()
      .describe('The fields of JSON answers that count as the vote, or the one that holds the ranking.'),
    voters: z
      .array(z.union([text, z.strictObject(modelSource)]))
      .min(1)
      .max(100)
      .optional()
      .describe('Model profiles that choose among the answers. Without it each answer is itself a ballot.'),
    count: z.enum(COUNTS).optional().describe('For `rank`; usually `condorcet`.'),
    ...modelSource,
  }),
])

export type AssembleBlock = z.infer<typeof assembleBlock>

export type AssembleSpec = {
  readonly method: (typeof METHODS)[number]
  /** How the answers are called when they are shown. */
  readonly blocks: readonly { readonly step: string; readonly label: string }[]
  readonly separator?: string
  readonly instruct?: string
  readonly over?: readonly string[]
  /** Each voter's models, in the order they are tried. */
  readonly voters?: readonly (readonly Candidate[])[]
  readonly count?: (typeof COUNTS)[number]
  /** For `synthesize`. */
  readonly candidates?: readonly Candidate[]
  readonly system?: string
}

export interface AssembleWork {
  readonly id: string
  readonly after: readonly Edge[]
  readonly block: AssembleBlock
  readonly path: Path
  readonly blocks: AssembleSpec['blocks']
  /** The system prompt of a synthesis, when the user gave one. */
  readonly system?: string
  readonly means: {
    /** The models of a source; of an empty one the agent's own or the default. Undefined when there are none, which it has reported. */
    findModel(source: ModelSource, path: Path): readonly Candidate[] | undefined
  }
}

/** The step that makes one answer of those of its dependencies. Undefined when there is an error, which is then in the report. */
export function compileAssemble(report: Report, work: AssembleWork): GraphStep | undefined {
  const { id, after, block, path, blocks, system, means } = work
  const written = typeof block === 'string' ? { method: block } : block
  const { method, separator, instruct, over, count, judge, voters, ...source } = written
  const refuse = (key: string, message: string, hint: string) =>
    report.add([...path, ...(typeof block === 'string' ? [] : [key])], { code: 'ensemble_invalid', message, hint })
  const unused = findUnused(written)
  for (const key of unused) refuse(key, `"${key}" means nothing for assemble: ${method}`, USES[key] ?? '')
  if (after.length === 0) refuse('method', `"${id}" depends on nothing, so there is nothing to assemble`, DEPEND)
  if (method === 'rank' && !voters && over === undefined)
    refuse(
      'method',
      'a ranking needs voters, or answers that hold one',
      'Name model profiles under `voters`, or the field with the ranking under `over`.',
    )
  const fields = over === undefined ? undefined : [over].flat()
  if (method === 'rank' && fields && fields.length > 1)
    refuse('over', 'a ranking stands in one field', 'Name the one field that lists the names, best first.')
  const electors = voters?.map((voter, index) => {
    const named = typeof voter === 'string' ? { model_profile: voter } : voter
    return means.findModel(named, [...path, 'voters', index])
  })
  const jury = judge && [means.findModel(pickSource(judge), [...path, 'judge'])]
  const candidates = method === 'synthesize' ? means.findModel(source, path) : undefined
  const chosen = (electors ?? jury)?.flatMap((models) => (models ? [models] : []))
  const guidance = judge?.rubric ?? instruct
  if (report.failed) return undefined
  const spec: AssembleSpec = {
    method,
    blocks,
    ...(separator === undefined ? {} : { separator }),
    ...(guidance === undefined ? {} : { instruct: guidance }),
    ...(fields ? { over: fields } : {}),
    ...(chosen ? { voters: chosen } : {}),
    ...(method === 'rank' ? { count: count ?? 'condorcet' } : {}),
    ...(candidates ? { candidates } : {}),
    ...(system === undefined ? {} : { system }),
  }
  return { id, kind: 'assemble', spec, ...(after.length > 0 ? { after } : {}) }
}

const DEPEND = 'Name the agents whose answers it takes under `depends_on`.'

/** What each setting is for. */
const USES: { readonly [key: string]: string } = {
  separator: 'It belongs to `concatenate`.',
  judge: 'It belongs to `best`.',
  instruct: 'It belongs to `synthesize`, and to `vote` and `rank` with voters.',
  over: 'It belongs to `vote` and `rank` without voters.',
  voters: 'It belongs to `vote` and `rank`.',
  count: 'It belongs to `rank`.',
  model_profile: 'It belongs to `synthesize`; the models that choose stand under `voters` or `judge`.',
  model: 'It belongs to `synthesize`; the models that choose stand under `voters` or `judge`.',
  provider: 'It belongs to `synthesize`; the models that choose stand under `voters` or `judge`.',
}

function findUnused(written: Exclude<AssembleBlock, string>): string[] {
  const { method, voters } = written
  const polls = method === 'vote' || method === 'rank'
  const used: { readonly [key: string]: boolean } = {
    separator: method === 'concatenate',
    judge: method === 'best',
    instruct: method === 'synthesize' || (polls && voters !== undefined),
    over: polls && voters === undefined,
    voters: polls,
    count: method === 'rank',
    model_profile: method === 'synthesize',
    model: method === 'synthesize',
    provider: method === 'synthesize',
  }
  return Object.keys(used).filter((key) => key in written && !used[key])
}

function pickSource({ model_profile, model, provider }: ModelSource): ModelSource {
  return { model_profile, model, provider }
}
