import type { Words } from '../effects/steer.ts'
import { upcast } from '../events/upcast.ts'
import type { App } from './app.ts'
import { loadContents } from './run-report.ts'

interface Heard {
  upTo: number
  readonly words: Words[]
  /** Steps that listen at the same time read the journal one after the other. */
  reading: Promise<void>
}

/** What people have said to runs, from their journals. Each event is read once in this process, however often steps listen. */
export function createListening(app: App): (run: string, after: number) => Promise<readonly Words[]> {
  const runs = new Map<string, Heard>()
  return async (run, after) => {
    const heard = runs.get(run) ?? { upTo: 0, words: [], reading: Promise.resolve() }
    runs.set(run, heard)
    heard.reading = heard.reading.then(() => readOn(app, run, heard))
    await heard.reading
    return heard.words.filter(({ seq }) => seq > after)
  }
}

async function readOn(app: App, run: string, heard: Heard): Promise<void> {
  const { journal, blobs } = await app.openJournal()
  for await (const { data: record } of journal.read(`run/${run}`, heard.upTo + 1)) {
    const { seq, type, actor, data } = upcast(record)
    heard.upTo = seq
    if (type !== 'message-sent' || actor !== 'person' || !('text' in data)) continue
    const text = (await loadContents([data.text], run, blobs))(data.text)
    if (typeof text === 'string') heard.words.push({ seq, ...(data.to === undefined ? {} : { to: data.to }), text })
  }
}
