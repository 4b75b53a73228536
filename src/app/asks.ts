import { hash } from 'node:crypto'
import { readParentOutcome } from '../engine/fork.ts'
import type { Event } from '../events/event.ts'
import type { Value } from '../events/values.ts'
import { cleanLine } from '../events/views/clean.ts'
import { type LedgerEntry, ledgerView } from '../events/views/ledger.ts'
import { foldEvents } from '../events/views/view.ts'
import type { App } from './app.ts'
import { addChange, readApprovals, type ShownApproval } from './approvals.ts'
import { loadContents } from './run-report.ts'

/** Longest request or answer that is shown, in characters. */
const SHORT = 160

/** Something a run asks a person, with all that helps to answer. */
export interface Ask {
  readonly key: string
  readonly step: string
  readonly kind: string
  /** `unknown`: nobody knows whether it happened · `question`: somebody is to answer · `approval`: somebody is to allow it. */
  readonly what: 'unknown' | 'question' | 'approval'
  /** What was asked of the world, shortened; absent where the content is gone. */
  readonly request?: string
  /** What a person is to answer, in full, and the answers it understands, if not any. */
  readonly question?: string
  readonly options?: readonly string[]
  /** What is to be allowed, whole. */
  readonly approval?: ShownApproval
  /** ISO 8601 UTC. */
  readonly since: string
  /** What the tool or script was handed to tell repetitions by: look for it where the effect may have happened. */
  readonly idempotency_key: string
  /** In a fork: what its parent came to know of the same effect. */
  readonly parent?: { readonly event: number; readonly outcome: 'done' | 'failed'; readonly text: string }
}

/** What the run asks after these events; nothing when it has ended. */
export async function findAsks(app: App, run: string, events: readonly Event[]): Promise<readonly Ask[]> {
  if (events.some((event) => event.type === 'run-finished')) return []
  const running = new Set<string>()
  for (const { type, data } of events) {
    if (type === 'step-started' || type === 'step-retried') running.add(data.step)
    if (type === 'step-finished' || type === 'step-failed' || type === 'step-cancelled') running.delete(data.step)
  }
  const asked = ({ step, outcome, kind }: LedgerEntry) =>
    running.has(step) && (outcome === 'unknown' || (outcome === 'open' && kind === 'ask'))
  const entries = foldEvents(ledgerView, events).entries.filter(asked)
  const { blobs } = await app.openJournal()
  const read = await loadContents(
    entries.map(({ request }) => request),
    run,
    blobs,
  )
  const effects = await Promise.all(
    entries.map(async ({ key, step, kind, outcome, since, request }) => {
      const text = read(request)
      const parent = await readParent(app, run, key)
      return {
        key,
        step,
        kind,
        what: outcome === 'unknown' ? ('unknown' as const) : ('question' as const),
        ...(text === undefined ? {} : { request: shorten(text) }),
        ...(kind === 'ask' ? readQuestion(text) : {}),
        since: new Date(since).toISOString(),
        idempotency_key: hash('sha256', `${run}/${key}`),
        ...(parent ? { parent } : {}),
      }
    }),
  )
  return [...effects, ...(await findApprovals(app, run, events))]
}

async function findApprovals(app: App, run: string, events: readonly Event[]): Promise<readonly Ask[]> {
  const waiting = (await readApprovals(app, run, events)).filter(({ status }) => status === 'asked')
  return Promise.all(
    waiting.map(async (each): Promise<Ask> => {
      const approval = await addChange(app, each)
      const { key, step, grant, request, asked: since } = approval
      return {
        key,
        step,
        kind: typeof grant['kind'] === 'string' ? grant['kind'] : 'effect',
        what: 'approval',
        ...(request === undefined ? {} : { request: shorten(argumentsOf(request)) }),
        approval,
        since,
        idempotency_key: hash('sha256', `${run}/${key}`),
      }
    }),
  )
}

function argumentsOf(request: unknown): unknown {
  return typeof request === 'object' && request !== null && 'arguments' in request ? request.arguments : request
}

function readQuestion(request: unknown): Pick<Ask, 'question' | 'options'> {
  if (typeof request !== 'object' || request === null || !('question' in request)) return {}
  const { question, options } = request as { readonly question: unknown; readonly options?: unknown }
  if (typeof question !== 'string') return {}
  const words = Array.isArray(options) ? options.filter((option) => typeof option === 'string') : []
  return { question, ...(words.length > 0 ? { options: words } : {}) }
}

async function readParent(app: App, run: string, key: string): Promise<Ask['parent']> {
  const store = await app.openJournal()
  const event = await readParentOutcome(store, run, key)
  if (!event) return undefined
  const place = { event: event.seq } as const
  if (event.type === 'effect-failed')
    return { ...place, outcome: 'failed', text: shorten(`${event.data.code}: ${event.data.message}`) }
  return { ...place, outcome: 'done', text: await readAnswer(app, event.run, event.data.answer) }
}

async function readAnswer(app: App, run: string, answer: Value): Promise<string> {
  const { blobs } = await app.openJournal()
  const content = (await loadContents([answer], run, blobs))(answer)
  return content === undefined ? 'its answer is not here any more' : shorten(content)
}

function shorten(content: unknown): string {
  const text = cleanLine(typeof content === 'string' ? content : JSON.stringify(content))
  return text.length > SHORT ? `${text.slice(0, SHORT - 1)}…` : text
}
