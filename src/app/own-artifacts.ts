import { OrcError } from '../events/errors.ts'
import type { App } from './app.ts'
import { type ArtifactPlace, deleteArtifact, listArtifacts, showArtifact } from './artifacts.ts'
import { seesOnlyOwn } from './principal.ts'
import { artifactsFolder } from './runs.ts'

/** The readable folders that the caller may see, newest first: those of runs that it may see. */
export async function listOwnArtifacts(app: App, ensemble?: string): Promise<ArtifactPlace[]> {
  const places = await listArtifacts(artifactsFolder(app), ensemble)
  if (!seesOnlyOwn(app.principal)) return places
  const own: ArtifactPlace[] = []
  for (const place of places) if (await isOwn(app, place)) own.push(place)
  return own
}

/** As `showArtifact`; `latest` is the newest that the caller may see. */
export async function showOwnArtifact(app: App, ensemble: string, execution: string) {
  const dir = artifactsFolder(app)
  if (!seesOnlyOwn(app.principal)) return showArtifact(dir, ensemble, execution)
  const own = await listOwnArtifacts(app, ensemble)
  const place = execution === 'latest' ? own[0] : own.find(({ id }) => id === execution)
  if (!place) throw missing(ensemble)
  return showArtifact(dir, ensemble, place.id)
}

/** As `deleteArtifact`. */
export async function deleteOwnArtifact(app: App, ensemble: string, execution: string): Promise<ArtifactPlace> {
  if (seesOnlyOwn(app.principal)) await showOwnArtifact(app, ensemble, execution)
  return deleteArtifact(artifactsFolder(app), ensemble, execution)
}

/** Those of other programs, and of runs that are gone, are nobody's. */
async function isOwn(app: App, { ensemble, id }: ArtifactPlace): Promise<boolean> {
  const shown = await showArtifact(artifactsFolder(app), ensemble, id).catch(() => undefined)
  const run = shown?.artifact.run
  if (run === undefined) return false
  const { journal } = await app.openJournal()
  return (await journal.list({ prefix: `run/${run}` })).some(({ stream }) => stream === `run/${run}`)
}

function missing(ensemble: string): OrcError {
  const hint = '`artifacts list` shows what is stored.'
  return new OrcError({ code: 'not_found', message: `${ensemble} has no such stored execution`, hint })
}
