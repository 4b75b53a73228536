import { OrcError } from '../events/errors.ts'
import { findStream } from '../journal/journal.ts'
import type { App } from './app.ts'

/** What a batch was asked for. */
export interface BatchOrder {
  /** An ensemble, chain or workflow; absent for a prompt to models. */
  readonly target?: string
  readonly models: readonly string[]
  readonly inputs: readonly string[]
  /** Items at once. */
  readonly concurrency: number
  readonly seed?: string
  readonly allow: readonly string[]
  readonly deny: readonly string[]
}

/** The records of the stream `batch/ID`, which is not a run's: no chain, no replay; each item's own run has those. */
export type BatchRecord =
  | {
      readonly type: 'batch-started'
      readonly order: BatchOrder
      readonly started_by: 'cli' | 'server'
      /** Of the definition's files: all items are of one definition. */
      readonly digest: string
      readonly project?: string
      /** Whose it and its runs are; absent: the local user's. */
      readonly principal?: string
    }
  | { readonly type: 'item-started'; readonly item: number; readonly run: string }
  | {
      readonly type: 'item-ended'
      readonly item: number
      readonly run: string
      readonly status: string
      readonly message?: string
    }
  | { readonly type: 'batch-cancelled'; readonly reason?: string }
  | { readonly type: 'batch-ended'; readonly status: 'ended' | 'cancelled' }

export interface BatchItem {
  /** From 1, in the order of the inputs. */
  readonly item: number
  readonly run: string
  /** As runs have it; `waiting` before it starts, `refused` when it could not be started. */
  readonly status: string
  readonly message?: string
}

export interface BatchReport {
  readonly batch: string
  readonly status: 'running' | 'ended' | 'cancelled'
  readonly target: string
  /** ISO 8601 UTC. */
  readonly started: string
  readonly ended?: string
  readonly counts: { readonly [status: string]: number }
  readonly items: readonly BatchItem[]
}

/** A batch as its stream tells it. */
export interface BatchState extends BatchReport {
  readonly start: Extract<BatchRecord, { type: 'batch-started' }>
  /** The number of its last record. */
  readonly last: number
  readonly cancelled: boolean
}

export function itemRun(batch: string, item: number): string {
  return `${batch}-${String(item).padStart(4, '0')}`
}

/** Throws OrcError `not_found`. */
export async function readBatch(app: App, batch: string): Promise<BatchState> {
  const { journal } = await app.openJournal()
  let start: BatchState['start'] | undefined
  const items: BatchItem[] = []
  const at = {
    started: '',
    last: 0,
    ended: undefined as string | undefined,
    status: 'running' as BatchReport['status'],
    cancelled: false,
  }
  for await (const record of journal.read(`batch/${batch}`)) {
    const data = record.data as BatchRecord
    const time = new Date(record.at).toISOString()
    at.last = record.seq
    if (data.type === 'batch-started') {
      start = data
      at.started = time
      items.push(
        ...data.order.inputs.map((_, index) => ({
          item: index + 1,
          run: itemRun(batch, index + 1),
          status: 'waiting',
        })),
      )
    }
    if (data.type === 'item-started') items[data.item - 1] = { item: data.item, run: data.run, status: 'running' }
    if (data.type === 'item-ended') {
      const { type: _, ...item } = data
      items[data.item - 1] = item
    }
    if (data.type === 'batch-cancelled') at.cancelled = true
    if (data.type === 'batch-ended') Object.assign(at, { ended: time, status: data.status })
  }
  if (!start)
    throw new OrcError({
      code: 'not_found',
      message: `there is no batch ${batch}`,
      hint: 'See them with: llm-orc batches list',
    })
  const counts: { [status: string]: number } = {}
  for (const { status } of items) counts[status] = (counts[status] ?? 0) + 1
  const { ended, ...rest } = at
  return {
    batch,
    ...rest,
    ...(ended === undefined ? {} : { ended }),
    target: start.order.target ?? 'prompt',
    counts,
    items,
    start,
  }
}

/** What others may see of it. */
export function reportBatch({ batch, status, target, started, ended, counts, items }: BatchState): BatchReport {
  return { batch, status, target, started, ...(ended === undefined ? {} : { ended }), counts, items }
}

/** Appends after whatever is there; false when the batch has ended meanwhile. */
export async function appendBatch(app: App, batch: string, record: BatchRecord): Promise<boolean> {
  const { journal } = await app.openJournal()
  const stream = `batch/${batch}`
  const records = [app.redaction.redactJson(record as never)]
  let expected = (await findStream(journal, stream))?.last ?? 0
  for (;;) {
    const appended = await journal.append([{ stream, expected, records }])
    if (appended.ok) return true
    for await (const { data } of journal.read(stream, expected + 1))
      if ((data as BatchRecord).type === 'batch-ended') return false
    expected = appended.actual
  }
}
