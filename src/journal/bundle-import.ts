import { OrcError } from '../events/errors.ts'
import type { Event } from '../events/event.ts'
import { storedForm } from '../events/upcast.ts'
import { contentsOf } from './bundle.ts'
import type { Bundle } from './bundle-reader.ts'
import type { BlobStore, Journal } from './journal.ts'

const BATCH = 2_000

/**
 * Writes a checked bundle into a journal, without a run key: the run can be read, verified and forked there, not continued.
 * Answers with the number of events written: 0 when the very same run is there already, fewer than all when an
 * import was cut short before. Throws OrcError `run_differs` when another run has its name.
 */
export async function importBundle(
  bundle: Bundle,
  { journal, blobs }: { readonly journal: Journal; readonly blobs: BlobStore },
): Promise<number> {
  const { run } = bundle
  const there = await compareStored(bundle, journal)
  let part: Event[] = []
  let written = there
  const write = async () => {
    const appended = await journal.append([{ stream: `run/${run}`, expected: written, records: part }])
    if (!appended.ok) throw differs(run, 'another process is writing it')
    written += part.length
    part = []
  }
  for await (const event of bundle.events()) {
    if (event.seq <= there) continue
    const stored = storedForm(event)
    for (const value of contentsOf(stored)) {
      const blob = value.inline ? undefined : await bundle.blobs.get(run, value.sha256)
      if (blob) blobs.put(run, value.sha256, blob)
    }
    part.push(stored)
    if (part.length >= BATCH) await write()
  }
  if (part.length > 0) await write()
  return written - there
}

/** How many events of the bundle are in the journal; throws when others are. */
async function compareStored(bundle: Bundle, journal: Journal): Promise<number> {
  const stored = journal.read(`run/${bundle.run}`)[Symbol.asyncIterator]()
  let count = 0
  for await (const event of bundle.events()) {
    const record = await stored.next()
    if (record.done) break
    if ((record.value.data as Event).hash !== event.hash) throw differs(bundle.run, `event ${event.seq} is another one`)
    count += 1
  }
  if (count > 0 && count < bundle.manifest.events) {
    for await (const _ of journal.read(`key/${bundle.run}`))
      throw differs(bundle.run, `it was made here and has ${count} events`)
  }
  if (count === bundle.manifest.events && !(await stored.next()).done)
    throw differs(bundle.run, 'it has more events than the bundle')
  return count
}

function differs(run: string, how: string): OrcError {
  const message = `the journal holds another run ${run}: ${how}`
  return new OrcError({ code: 'run_differs', message, hint: 'Verify the file without importing it.' })
}
