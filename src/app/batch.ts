import { hash } from 'node:crypto'
import { OrcError } from '../events/errors.ts'
import { upcast } from '../events/upcast.ts'
import type { App } from './app.ts'
import {
  appendBatch,
  type BatchOrder,
  type BatchReport,
  type BatchState,
  itemRun,
  readBatch,
  reportBatch,
} from './batch-record.ts'
import type { Keeper } from './driven.ts'
import { ownerOf } from './principal.ts'
import { projectDigest } from './project-digest.ts'
import { continueRun, holdLease, makeRunId, runTarget, type Steering } from './runs.ts'
import { makePromptTarget, type Target } from './target.ts'
import { findNamedTarget } from './target-named.ts'

const LEASE_RENEWAL_MS = 5_000

/** Writes a batch that is to be driven; answers with its id. Throws OrcError when its definition cannot be run. */
export async function createBatch(app: App, order: BatchOrder, started_by: 'cli' | 'server'): Promise<string> {
  const { target, params } = await findTarget(app, order)
  if (params) throw new OrcError({ code: 'bad_input', message: 'a workflow takes parameters, which a batch has not' })
  requireConcurrency(app, order)
  const { project } = app.paths
  const principal = ownerOf(app)
  const batch = `${makeRunId()}-batch`
  const record = {
    type: 'batch-started' as const,
    order,
    started_by,
    digest: digestTarget(target),
    ...(project === undefined ? {} : { project: projectDigest(project) }),
    ...(principal === undefined ? {} : { principal }),
  }
  const { journal } = await app.openJournal()
  await journal.append([
    { stream: `batch/${batch}`, expected: 'new', records: [app.redaction.redactJson(record as never)] },
  ])
  return batch
}

/**
 * Drives a batch to its end: every item its own run, so many at once. Whoever takes it up later goes on where its stream ends; an
 * item that had begun is taken up as a run, not begun again. Throws OrcError `run_held` when another process drives it.
 */
export async function driveBatch(app: App, batch: string, how: Steering): Promise<BatchReport> {
  const state = await readBatch(app, batch)
  if (state.status !== 'running') return reportBatch(state)
  const lease = await holdLease(app, batch)
  const renewal = setInterval(() => void lease.renew().catch(() => false), LEASE_RENEWAL_MS)
  const cancelling = new AbortController()
  const ended = new AbortController()
  try {
    void watchCancelling(app, state, { cancelling, ended: ended.signal })
    const signal = AbortSignal.any([cancelling.signal, ...(how.signal ? [how.signal] : [])])
    const stopped = await driveItems(app, state, { ...how, signal })
    if (!stopped) {
      const status = cancelling.signal.aborted || how.signal?.aborted ? 'cancelled' : 'ended'
      await appendBatch(app, batch, { type: 'batch-ended', status })
    }
    return reportBatch(await readBatch(app, batch))
  } finally {
    ended.abort()
    clearInterval(renewal)
    await lease.release()
  }
}

/** Its items are told apart from other runs, so the limit of its owner holds for how many go on at once. */
function requireConcurrency({ principal }: App, { concurrency }: BatchOrder): void {
  const most = principal?.limits?.concurrent
  if (most === undefined || concurrency <= most) return
  const message = `${principal?.name} may have ${most} runs under way, not ${concurrency}`
  throw new OrcError({ code: 'access_limited', message, hint: `Begin it with a concurrency of ${most}.` })
}

/** Drives it beyond the call that asked for it. A failure shows when it is taken up again: its stream has no end then. */
export function keepBatch(app: App, batch: string, how: Steering & { readonly keeper: Keeper }): void {
  const result = driveBatch(app, batch, how)
  const letGo = async () => {
    await result.catch(() => {})
  }
  result.catch(() => {})
  how.keeper.keep({ id: batch, kind: 'batch', result, letGo })
}

/** True when this process shuts down and the batch stays as it is. */
async function driveItems(
  app: App,
  state: BatchState,
  how: Steering & { readonly signal: AbortSignal },
): Promise<boolean> {
  const { order, digest } = state.start
  const { target } = await findTarget(app, order)
  if (digestTarget(target) !== digest) {
    const hint = 'Put the files back as they were, or begin another batch with what is left.'
    throw new OrcError({
      code: 'definition_changed',
      message: `the definition of the batch ${state.batch} has changed`,
      hint,
    })
  }
  const open = state.items.filter(({ status }) => status === 'waiting' || status === 'running').map(({ item }) => item)
  let stopped = false
  const work = async () => {
    for (let item = open.shift(); item !== undefined && !stopped && !how.signal.aborted; item = open.shift()) {
      const outcome = await driveItem(app, { state, target, item }, how)
      if (outcome === 'stopped') stopped = true
      else
        await appendBatch(app, state.batch, { type: 'item-ended', item, run: itemRun(state.batch, item), ...outcome })
    }
  }
  await Promise.all(Array.from({ length: order.concurrency }, work))
  return stopped
}

interface Item {
  readonly state: BatchState
  readonly target: Target
  readonly item: number
}

async function driveItem(app: App, { state, target, item }: Item, how: Steering) {
  const { batch, start } = state
  const { keeper } = how
  // How many go on at once was decided when the batch began.
  const within = { ...how, detached: false, ...(keeper ? { keeper: { ...keeper, admit: () => keeper.admit() } } : {}) }
  const { seed, allow, deny, inputs } = start.order
  const run = itemRun(batch, item)
  try {
    keeper?.admit()
    await appendBatch(app, batch, { type: 'item-started', item, run })
    const { journal } = await app.openJournal()
    const exists = (await journal.list({ prefix: `run/${run}` })).length > 0
    const result = exists
      ? await continueRun(app, run, within)
      : await runTarget(
          app,
          {
            target,
            input: inputs[item - 1] ?? '',
            run,
            principal: start.principal,
            permits: { allow, deny },
            ...(seed === undefined ? {} : { seed: `${seed}/${item}` }),
          },
          within,
        )
    return { status: result.asks ? 'resting' : result.status }
  } catch (error) {
    if (!(error instanceof OrcError)) throw error
    if (error.code === 'shutting_down' || error.code === 'run_taken') return 'stopped' as const
    if (error.code === 'run_held') return { status: await awaitRun(app, run, how.signal) }
    return { status: 'refused', message: error.message }
  }
}

/** Somebody else drives it. */
async function awaitRun(app: App, run: string, signal = new AbortController().signal): Promise<string> {
  const { journal } = await app.openJournal()
  for await (const { data } of journal.follow(`run/${run}`, 1, signal)) {
    const event = upcast(data)
    if (event.type === 'run-finished') return event.data.status
  }
  return 'cancelled'
}

async function watchCancelling(
  app: App,
  { batch, last, cancelled }: BatchState,
  { cancelling, ended }: { readonly cancelling: AbortController; readonly ended: AbortSignal },
): Promise<void> {
  if (cancelled) return cancelling.abort()
  const { journal } = await app.openJournal()
  for await (const { data } of journal.follow(`batch/${batch}`, last + 1, ended))
    if ((data as { type?: unknown }).type === 'batch-cancelled') return cancelling.abort()
}

async function findTarget(app: App, { target, models }: Pick<BatchOrder, 'target' | 'models'>) {
  if (target !== undefined) return findNamedTarget(app, target, { params: {} })
  return { target: await makePromptTarget(app, models), params: undefined }
}

function digestTarget({ graph, files }: Target): string {
  return hash('sha256', JSON.stringify([graph, files]), 'hex')
}
