import { OrcError } from '../events/errors.ts'
import type { App } from './app.ts'
import { sketchRuns } from './run-sketch.ts'

/** The full id of a run from what the user typed: an id, its beginning, or `latest`, which is the newest of this project. */
export async function findRunId(app: App, given: string): Promise<string> {
  const { journal } = await app.openJournal()
  const ids = (await journal.list({ prefix: 'run/' })).map((info) => info.stream.slice('run/'.length))
  if (given === 'latest') {
    // One whose beginning cannot be read may be another project's.
    for await (const { id, first } of sketchRuns(app, { all: false })) if (first) return id
  }
  if (ids.includes(given)) return given
  const fitting = ids.filter((id) => id.startsWith(given))
  if (fitting.length === 1) return fitting[0] as string
  const message = fitting.length === 0 ? `there is no run ${given}` : `${fitting.length} runs begin with ${given}`
  const hint =
    fitting.length === 0 ? 'See them with: llm-orc runs list --all' : `They are: ${fitting.slice(0, 5).join(', ')}`
  throw new OrcError({ code: 'not_found', message, hint })
}
