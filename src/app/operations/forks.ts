import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import { forkRun } from '../../engine/fork.ts'
import type { ForkWish } from '../../engine/fork-check.ts'
import { OrcError } from '../../events/errors.ts'
import type { Event } from '../../events/event.ts'
import type { Json, JsonObject } from '../../events/values.ts'
import { compareRuns } from '../../events/views/compare.ts'
import type { App } from '../app.ts'
import { listCandidates } from '../candidate.ts'
import { defineOperation, steeringOf } from '../operation.ts'
import { hasPermits, joinPermits, pinPermits, readPermits } from '../permits.ts'
import { readPinnedFiles } from '../pinned.ts'
import { createPorts } from '../ports.ts'
import { ownerIn } from '../principal.ts'
import { findRunId } from '../run-id.ts'
import { loadContents } from '../run-report.ts'
import { driveRun, holdLease, inPlace, makeRunId, requireRun, watcherOf } from '../runs.ts'
import { permitFields } from './run.ts'

const run = z.string().min(1).describe('The id of the run, its beginning, or `latest`.')
const assignment = (what: string) =>
  z
    .array(z.string().regex(/^[^=]+=/s, 'STEP=VALUE is expected'))
    .default([])
    .describe(what)

export const forkRunOperation = defineOperation({
  name: 'runs fork',
  summary: 'Go on from any event of a run in a new run, with something changed; the shared past costs nothing.',
  input: z.object({
    run,
    at: z.int().min(1).describe('The last event that is kept.'),
    model: assignment('STEP=MODEL: another model for a step; may be repeated.'),
    prompt: assignment('STEP=TEXT: another system prompt for a step; may be repeated.'),
    answer: assignment('STEP=TEXT: the answer to what the step asks, instead of asking; may be repeated.'),
    input: z.string().optional().describe('Another input; only before any step has started.'),
    ...permitFields,
  }),
  run: async (given, call) => {
    const { app } = call
    const wish = app.redaction.redactJson(given as Json) as typeof given
    const parent = await findRunId(app, wish.run)
    const events = await requireRun(app, parent)
    const id = makeRunId()
    const kept = events.slice(0, wish.at)
    // What its parent was allowed was said about the parent; what was forbidden it stays so.
    const before = await readPermits(app, parent, kept)
    const permits = joinPermits({ deny: before.deny ?? [], ...(before.no_cache ? { no_cache: true } : {}) }, wish)
    const files =
      hasPermits(before) || hasPermits(permits)
        ? pinPermits(await readPinnedFiles(app, { run: parent, events: kept }), permits)
        : undefined
    const result = await inPlace({ app, run: id, keeper: call.keeper }, async () => {
      const principal = ownerIn(events)
      const ports = await createPorts(app, { ...watcherOf(call, id), permits, principal })
      const lease = await holdLease(app, id)
      const forked = await forkRun(ports, parent, {
        run: id,
        at: wish.at,
        change: await readWish(app, { ...wish, events, parent }),
        started_by: call.keeper ? 'server' : 'cli',
        run_key: randomBytes(32).toString('hex'),
        lease,
        ...(files ? { files } : {}),
      })
      if ('refused' in forked) {
        await lease.release()
        const hint = forked.latest ? `The last event at which it can be done is ${forked.latest}.` : forked.refused.hint
        throw new OrcError({ ...forked.refused, ...(hint === undefined ? {} : { hint }) })
      }
      return driveRun(app, { run: forked, lease }, { ...steeringOf(call), notes: [], principal })
    })
    return { parent, at: wish.at, ...result }
  },
})

interface WishWords {
  readonly parent: string
  readonly events: readonly Event[]
  readonly model: readonly string[]
  readonly prompt: readonly string[]
  readonly answer: readonly string[]
  readonly input?: string | undefined
}

async function readWish(app: App, words: WishWords): Promise<ForkWish> {
  const specs = new Map<string, JsonObject>()
  const specOf = async (step: string) => specs.get(step) ?? (await readSpec(app, words, step))
  for (const [step, name] of words.model.map(splitAssignment)) {
    const { profile } = await app.models.findModel(name)
    const candidates = await listCandidates(app, profile)
    specs.set(step, { ...(await specOf(step)), candidates: candidates as unknown as Json })
  }
  for (const [step, system] of words.prompt.map(splitAssignment)) specs.set(step, { ...(await specOf(step)), system })
  const kinds = kindsOf(words.events)
  return {
    ...(words.input === undefined ? {} : { input: words.input }),
    ...(specs.size === 0 ? {} : { specs: Object.fromEntries(specs) }),
    answers: words.answer
      .map(splitAssignment)
      .map(([step, text]) => ({ step, answer: makeAnswer(kinds.get(step), text) })),
  }
}

async function readSpec(app: App, { events, parent }: WishWords, step: string): Promise<JsonObject> {
  const { blobs } = await app.openJournal()
  for (const event of events) {
    if (event.type !== 'run-started' && event.type !== 'steps-added') continue
    const planned = 'steps' in event.data ? event.data.steps.find((each) => each.id === step) : undefined
    if (!planned) continue
    const read = await loadContents([planned.spec], parent, blobs)
    return read(planned.spec) as JsonObject
  }
  throw new OrcError({ code: 'not_found', message: `the run has no step ${step}` })
}

function kindsOf(events: readonly Event[]): Map<string, string> {
  const kinds = new Map<string, string>()
  for (const event of events) {
    if ((event.type === 'run-started' || event.type === 'steps-added') && 'steps' in event.data)
      for (const step of event.data.steps) kinds.set(step.id, step.kind)
  }
  return kinds
}

/** What a person types becomes the answer the executor of that kind of step would have given. */
function makeAnswer(kind: string | undefined, text: string): Json {
  if (kind === 'script') return { exit: 0, stdout: text, stderr: '', truncated: false }
  return { content: [{ type: 'text', text }], finish: 'stop', usage: {} }
}

function splitAssignment(text: string): [string, string] {
  const cut = text.indexOf('=')
  return [text.slice(0, cut), text.slice(cut + 1)]
}

export const compareRunsOperation = defineOperation({
  name: 'runs compare',
  summary: 'Say where two runs part, and put outputs, cost and time side by side.',
  input: z.object({ a: run, b: run }),
  run: async (input, { app }) => {
    const { blobs } = await app.openJournal()
    const side = async (given: string) => {
      const id = await findRunId(app, given)
      return {
        events: await requireRun(app, id),
        read: async (value: Parameters<Awaited<ReturnType<typeof loadContents>>>[0]) =>
          (await loadContents([value], id, blobs))(value),
      }
    }
    return compareRuns(await side(input.a), await side(input.b))
  },
})
