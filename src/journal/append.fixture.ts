/**
 * A process of its own that appends to a journal file and prints one line per acknowledged append:
 * `PATH STREAM COUNT [inbox]`. Streams of runs get one record after another; an inbox takes them in any order.
 */
import { hash } from 'node:crypto'
import { OrcError } from '../events/errors.ts'
import { openSqliteJournal } from './sqlite.ts'

const [path = '', stream = '', count = '0'] = process.argv.slice(2)
try {
  const { journal, blobs, close } = await openSqliteJournal({ path })
  for (let n = 1; n <= Number(count); n++) {
    const text = `blob ${n}`
    blobs.put(stream.slice(stream.indexOf('/') + 1), hash('sha256', `salt${text}`), { salt: 'salt', text })
    const data = { n, by: process.pid, filler: 'y'.repeat(300) }
    const expected = stream.startsWith('inbox/') ? 'any' : n - 1
    const answer = await journal.append([{ stream, expected, records: [data] }])
    process.stdout.write(answer.ok ? `ack ${answer.last[stream]} ${n}\n` : `conflict ${answer.actual}\n`)
  }
  await close()
} catch (error) {
  process.stdout.write(error instanceof OrcError ? `failed ${error.code}\n` : `broken ${String(error)}\n`)
  process.exitCode = 1
}
