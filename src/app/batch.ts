import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { OrcError } from '../events/errors.ts'
import { upcast } from '../events/upcast.ts'
import { findStream } from '../journal/journal.ts'
import { findPrincipal } from './access.ts'
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
import { ownerOf, type Principal } from './principal.ts'
import { projectDigest } from './project-digest.ts'
import { commandRun, continueRun, holdLease, makeRunId, reportOf, runTarget, type Steering } from './runs.ts'
import { makePromptTarget, type Target } from './target.ts'
import { findNamedTarget } from './target-named.ts'

const LEASE_RENEWAL_MS = 5_000
/** ms between looks whether there is a place for one more run. */
const LOOK_AGAIN_MS = 100
/** ms to wait for a run that somebody else drives before it is tried again. */
const HOLDER_MS = 1_000

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
    // Whoever drives it, its runs take the places of who began it.
    const owner = await findPrincipal(app, state.start.principal)
    const stopped = await driveItems(app, state, { ...how, signal, owner })
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

/** Throws OrcError `definition_changed`: all items are of one definition. */
export async function requireSameTarget(app: App, { batch, start }: BatchState): Promise<Target> {
  const { target } = await findTarget(app, start.order)
  if (digestTarget(target) === start.digest) return target
  const hint = 'Put the files back as they were, or cancel it and begin another with what is left.'
  const message = `the definition of the batch ${batch} has changed`
  throw new OrcError({ code: 'definition_changed', message, hint })
}

/** True when this process shuts down and the batch stays as it is. */
async function driveItems(app: App, state: BatchState, how: Driving): Promise<boolean> {
  // To end it, its definition is not needed, whatever became of that.
  const target = how.signal.aborted ? undefined : await requireSameTarget(app, state)
  const open = state.items.filter(({ status }) => status === 'waiting' || status === 'running')
  let stopped = false
  const work = async () => {
    for (let next = open.shift(); next && !stopped; next = open.shift()) {
      if (how.signal.aborted && next.status === 'waiting') continue
      const { item } = next
      const outcome = await driveItem(app, { state, target, item }, how)
      if (outcome === 'stopped') stopped = true
      else if (outcome)
        await appendBatch(app, state.batch, { type: 'item-ended', item, run: itemRun(state.batch, item), ...outcome })
    }
  }
  await Promise.all(Array.from({ length: state.start.order.concurrency }, work))
  return stopped
}

type Driving = Steering & { readonly signal: AbortSignal; readonly owner: Principal | undefined }

interface Item {
  readonly state: BatchState
  /** Absent once the batch is cancelled: nothing begins any more. */
  readonly target: Target | undefined
  readonly item: number
}

/** Undefined for an item that was not begun before the batch was cancelled. */
async function driveItem(app: App, { state: { batch, start }, target, item }: Item, how: Driving) {
  const { keeper, signal } = how
  // It holds its place itself, so that it can wait for one.
  const within = { ...how, detached: false, ...(keeper ? { keeper: { ...keeper, admit: () => keeper.admit() } } : {}) }
  const { seed, allow, deny, inputs } = start.order
  const run = itemRun(batch, item)
  let told = false
  try {
    for (;;) {
      const exists = (await headOf(app, run)) > 0
      if (signal.aborted || !target) return { status: exists ? await cancelItem(app, run, within) : 'cancelled' }
      if (!(await holdPlace(run, how))) return exists ? { status: await cancelItem(app, run, within) } : undefined
      if (!told) await appendBatch(app, batch, { type: 'item-started', item, run })
      told = true
      try {
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
        if (!(error instanceof OrcError) || error.code !== 'run_held') throw error
        await awaitHolder(app, run, signal)
      }
    }
  } catch (error) {
    if (!(error instanceof OrcError)) throw error
    if (error.code === 'shutting_down' || error.code === 'run_taken') return 'stopped' as const
    return { status: 'refused', message: error.message }
  } finally {
    keeper?.dismiss(run)
  }
}

/** Waits until the owner may have one more run under way; false when the batch is cancelled before. */
async function holdPlace(run: string, { keeper, signal, owner }: Driving): Promise<boolean> {
  while (!signal.aborted) {
    try {
      keeper?.admit({ run, principal: owner })
      return true
    } catch (error) {
      if (!(error instanceof OrcError) || error.code !== 'access_limited') throw error
    }
    await sleep(LOOK_AGAIN_MS, undefined, { signal }).catch(() => {})
  }
  return false
}

/** Somebody else drives it: waits for its next end or rest, and not for long, for its holder may be gone. */
async function awaitHolder(app: App, run: string, signal: AbortSignal): Promise<void> {
  const { journal } = await app.openJournal()
  const from = (await headOf(app, run)) + 1
  const patience = AbortSignal.any([signal, AbortSignal.timeout(HOLDER_MS)])
  for await (const { data } of journal.follow(`run/${run}`, from, patience)) {
    const { type } = upcast(data)
    if (type === 'run-finished' || type === 'run-paused') return
  }
}

/** Answers with what became of it. */
async function cancelItem(app: App, run: string, how: Steering): Promise<string> {
  try {
    const commands = [{ type: 'cancel' as const }]
    return (await commandRun(app, run, { ...how, commands, accept_changed: true, ending: true })).status
  } catch (error) {
    if (!(error instanceof OrcError) || error.code !== 'run_ended') throw error
    return (await reportOf(app, run)).status
  }
}

async function headOf(app: App, run: string): Promise<number> {
  const { journal } = await app.openJournal()
  return (await findStream(journal, `run/${run}`))?.last ?? 0
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
