import { OrcError } from '../events/errors.ts'
import type { Event } from '../events/event.ts'
import type { App } from './app.ts'
import { projectDigest } from './runs.ts'

/** The full id of a run from what the user typed: an id, its beginning, or `latest`, which is the newest of this project. */
export async function findRunId(app: App, given: string): Promise<string> {
  const { journal } = await app.openJournal()
  const ids = (await journal.list({ prefix: 'run/' })).map((info) => info.stream.slice('run/'.length))
  if (given === 'latest') {
    const own = app.paths.project === undefined ? undefined : projectDigest(app.paths.project)
    for (const id of ids) if ((await readProject(app, id)) === own) return id
  }
  if (ids.includes(given)) return given
  const fitting = ids.filter((id) => id.startsWith(given))
  if (fitting.length === 1) return fitting[0] as string
  const message = fitting.length === 0 ? `there is no run ${given}` : `${fitting.length} runs begin with ${given}`
  const hint =
    fitting.length === 0 ? 'See them with: llm-orc runs list --all' : `They are: ${fitting.slice(0, 5).join(', ')}`
  throw new OrcError({ code: 'not_found', message, hint })
}

async function readProject(app: App, id: string): Promise<string | undefined> {
  const { journal } = await app.openJournal()
  for await (const { data } of journal.read(`run/${id}`, 1, 1)) {
    const first = data as Event
    if (first.type === 'run-started') return first.data.project
  }
  return undefined
}
