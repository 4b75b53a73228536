/** Long records without a run behind them, and clients that come and go while they grow. */
import { createParser } from 'eventsource-parser'
import type { Journal } from '../../journal/journal.ts'

/** Writes `count` events of about `bytes` to `run/ID`, the last one an end; a few at a time, as a run would. */
export async function writeRecord(
  journal: Journal,
  run: string,
  { count, bytes, pause_ms = 0 }: RecordShape,
): Promise<void> {
  const stream = `run/${run}`
  const filler = 'x'.repeat(Math.max(0, bytes - 200))
  for (let seq = 1; seq <= count; ) {
    const records: object[] = []
    for (let n = 0; n < 500 && seq <= count; n += 1, seq += 1)
      records.push(makeEvent(run, seq, { last: seq === count, filler }))
    const expected = seq - 1 - records.length
    const appended = await journal.append([{ stream, expected: expected === 0 ? 'new' : expected, records }])
    if (!appended.ok) throw new Error('the record could not be written')
    if (pause_ms > 0) await new Promise((resolve) => setTimeout(resolve, pause_ms))
  }
}

interface RecordShape {
  readonly count: number
  readonly bytes: number
  readonly pause_ms?: number
}

function makeEvent(
  run: string,
  seq: number,
  { last, filler }: { readonly last: boolean; readonly filler: string },
): object {
  const type = last ? 'run-finished' : 'note-written'
  const data = last ? { status: 'succeeded' } : { step: 's', attempt: 1, facts: { filler } }
  return {
    v: 1,
    run,
    seq,
    at: 1_800_000_000_000 + seq,
    lamport: seq,
    causes: [],
    actor: 'engine',
    type,
    data,
    prev: null,
    hash: 'h',
  }
}

export interface Client {
  readonly received: number
  readonly gaps: number
  readonly duplicates: number
  readonly connections: number
}

/** Reads all of it, cutting the line after a random number of events and coming back by `Last-Event-ID`. */
export async function readWithCuts(
  url: string,
  { random, longest }: { random(): number; readonly longest: number },
): Promise<Client> {
  const client = { received: 0, gaps: 0, duplicates: 0, connections: 0 }
  let last = 0
  for (;;) {
    const stop = new AbortController()
    client.connections += 1
    const response = await fetch(url, {
      headers: last > 0 ? { 'last-event-id': String(last) } : {},
      signal: stop.signal,
    })
    if (response.status === 204) return client
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
    let left = 1 + Math.floor(random() * longest)
    let ended = false
    const parser = createParser({
      onEvent: ({ id, event }) => {
        // What comes after the cut was never received.
        if (id === undefined || left <= 0) return
        const seq = Number(id)
        if (seq <= last) client.duplicates += 1
        else if (seq !== last + 1) client.gaps += 1
        last = Math.max(last, seq)
        client.received += 1
        left -= 1
        ended ||= event === 'run-finished'
      },
    })
    const decoder = new TextDecoder()
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    while (left > 0 && !ended) {
      // A reader too busy to read is cut off; it comes back like any other.
      const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }))
      if (done) break
      parser.feed(decoder.decode(value, { stream: true }))
    }
    stop.abort()
    if (ended) return client
  }
}
