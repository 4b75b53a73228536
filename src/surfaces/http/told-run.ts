import type { Event } from '../../events/event.ts'
import type { Value } from '../../events/values.ts'
import { findReportValues } from '../../events/views/report.ts'
import { parseContent, type ReadValue } from '../../events/views/view.ts'
import type { CallerMeans } from './means.ts'

/** A run from its beginning to its end or rest, with the contents that translators need loaded before each event. */
export async function* tellRun(
  { app, host }: CallerMeans,
  run: string,
  { texts, signal }: { readonly texts: Map<string, string>; readonly signal: AbortSignal },
): AsyncGenerator<Event> {
  const { blobs } = await app.openJournal()
  for await (const event of host.follow(run, 1, signal)) {
    for (const value of [...findReportValues(event), ...noteContent(event)]) {
      if (value.inline || texts.has(value.sha256)) continue
      const blob = await blobs.get(run, value.sha256)
      if (blob) texts.set(value.sha256, blob.text)
    }
    yield event
    if (event.type === 'run-finished' || event.type === 'run-paused') return
  }
}

/** Notes are in no report; the planner's holds its plan. */
function noteContent({ type, data }: Event): readonly Value[] {
  return type === 'note-written' && 'content' in data && data.content ? [data.content] : []
}

export function readTexts(texts: ReadonlyMap<string, string>): ReadValue {
  return (value) => {
    const text = value.inline?.text ?? texts.get(value.sha256)
    return text === undefined ? undefined : parseContent(value.type, text)
  }
}
