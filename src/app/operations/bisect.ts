import * as z from 'zod'
import { OrcError } from '../../events/errors.ts'
import type { Event } from '../../events/event.ts'
import type { Value } from '../../events/values.ts'
import { reportCause, reportLink } from '../../events/views/cause-words.ts'
import { findFirstCause } from '../../events/views/first-cause.ts'
import type { App } from '../app.ts'
import { findDefinition, findDefinitionNow, requireStart } from '../definition-now.ts'
import { defineOperation } from '../operation.ts'
import { findRunId } from '../run-id.ts'
import { loadContents } from '../run-report.ts'
import { requireRun } from '../runs.ts'
import { checkUpgrade } from '../upgrade.ts'

/** Other causes that are named. */
const MOST_OTHERS = 5

export const bisectRuns = defineOperation({
  name: 'runs bisect',
  summary: 'Find the first cause why two runs differ, or what another definition would change in one.',
  input: z.object({
    a: z.string().min(1).describe('The id of a run, its beginning, or `latest`.'),
    b: z.string().optional().describe('Another run.'),
    definition: z
      .string()
      .optional()
      .describe(
        'Instead of another run: an ensemble by name or path, or a chain; `now`: that of the run, as it is now.',
      ),
  }),
  run: async (input, { app }) => {
    if ((input.b === undefined) === (input.definition === undefined)) {
      const hint = 'Write: llm-orc runs bisect RUN RUN, or: llm-orc runs bisect RUN --definition NAME'
      throw new OrcError({ code: 'bad_input', message: 'a second run or --definition is needed, not both', hint })
    }
    const id = await findRunId(app, input.a)
    const events = await requireRun(app, id)
    if (input.b !== undefined) return compareWith(app, { id, events }, await findRunId(app, input.b))
    return rehearseUnder(app, { id, events }, input.definition ?? 'now')
  },
})

interface Given {
  readonly id: string
  readonly events: readonly Event[]
}

async function compareWith(app: App, a: Given, other: string) {
  const b = { id: other, events: await requireRun(app, other) }
  const { blobs } = await app.openJournal()
  const side = ({ id, events }: Given) => ({
    events,
    read: async (value: Value) => (await loadContents([value], id, blobs))(value),
  })
  const found = await findFirstCause(side(a), side(b))
  const also = found.also.slice(0, MOST_OTHERS).map((parting) => reportCause(parting, found))
  return {
    between: 'runs' as const,
    a: describeRun(a),
    b: describeRun(b),
    shared: found.shared,
    same: found.cause === undefined,
    same_end: found.same_end,
    ...(found.cause ? { cause: reportCause(found.cause, found) } : {}),
    chain: found.chain.map(reportLink),
    also,
    others: found.also.length - also.length,
  }
}

function describeRun({ id, events }: Given) {
  const last = events.at(-1)
  const status =
    last?.type === 'run-finished' ? last.data.status : last?.type === 'run-paused' ? 'resting' : 'unfinished'
  return { run: id, events: events.length, status }
}

/** What the world answered is taken from the record; the first event that would not come out as it did is where they part. */
async function rehearseUnder(app: App, a: Given, definition: string) {
  const target =
    definition === 'now'
      ? await findDefinitionNow(app, a.id, requireStart(a.events))
      : await findDefinition(app, definition)
  const check = await checkUpgrade(app, { run: a.id, events: a.events, graph: target.graph })
  return {
    between: 'definitions' as const,
    a: describeRun(a),
    definition: target.name,
    same: check.divergence === undefined,
    ...(check.divergence ? { divergence: check.divergence } : {}),
    steps: check.steps.filter(({ change }) => change !== 'none'),
  }
}
