import type { Event } from '../events/event.ts'
import type { Value } from '../events/values.ts'
import { createReport, findReportValues } from '../events/views/report.ts'
import type { RunReport } from '../events/views/run-report.ts'
import { parseContent, type ReadValue } from '../events/views/view.ts'
import type { BlobStore } from '../journal/journal.ts'

/** A reader of values whose larger contents have been fetched. */
export async function loadContents(values: Iterable<Value>, run: string, blobs: BlobStore): Promise<ReadValue> {
  const texts = new Map<string, string>()
  for (const value of values) {
    if (value.inline || texts.has(value.sha256)) continue
    const blob = await blobs.get(run, value.sha256)
    if (blob) texts.set(value.sha256, blob.text)
  }
  return (value) => {
    const text = value.inline?.text ?? texts.get(value.sha256)
    return text === undefined ? undefined : parseContent(value.type, text)
  }
}

/** The report of a run, with the contents it needs. */
export async function reportRun(events: readonly Event[], run: string, blobs: BlobStore): Promise<RunReport> {
  const read = await loadContents(
    events.flatMap((event) => findReportValues(event)),
    run,
    blobs,
  )
  return createReport(events, read)
}
