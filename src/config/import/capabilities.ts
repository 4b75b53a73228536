import type { Json, JsonObject } from '../../events/values.ts'
import { isMap } from '../../graph/report.ts'
import { type CapabilityEntry, isUnderstood, listCapabilities, understandCapabilities } from '../capabilities.ts'
import { mapOf } from './document.ts'
import type { ImportFormat } from './imported.ts'
import { placeModel } from './models.ts'
import { finishImport, MAX_PARTS, Notes } from './notes.ts'
import { Piece } from './piece.ts'

/** Keys that models have in such a file, and in no other that is known. */
const MARKS = ['cost_per_1k_tokens', 'avg_latency_ms', 'error_rate', 'max_output_tokens']

/** The `capabilities.json` of the Ai3 orchestrator: it is kept in its form, with the model that each entry means written down. */
export const capabilities: ImportFormat = {
  name: 'capabilities',
  title: 'capabilities of models',
  detects: (document) => {
    if (document.body !== undefined || document.data === undefined) return false
    const listed = listCapabilities(document.data)
    const marked = listed.filter(({ entry }) => isMap(entry) && MARKS.some((key) => Object.hasOwn(entry, key)))
    return listed.length > 0 && marked.length * 2 >= listed.length
  },

  convert: async ([document]) => {
    if (!document) return finishImport([], { format: 'capabilities', files: [] })
    const notes = new Notes(document)
    const { entries, problems, telemetry_window_hours } = understandCapabilities(document.data ?? null, document.place)
    const listed = listCapabilities(document.data ?? null)
    if (listed.length > MAX_PARTS) notes.refuse([], `this file has more than ${MAX_PARTS} models`)
    const top = new Piece(notes, mapOf(document))
    if (telemetry_window_hours !== undefined) top.whole('telemetry_window_hours')
    if (top.has('models')) top.get('models')
    const models: { [name: string]: Json } = {}
    for (const { name, path, entry } of listed.slice(0, MAX_PARTS)) {
      notes.see(path)
      if (!isMap(entry)) continue
      const meant = findMeant(entries.find((each) => each.name === name))
      if (!meant) {
        notes.lose(path, `nobody can tell whose model "${name}" is; give it provider and model`)
        continue
      }
      const kept = Object.entries(entry as JsonObject).filter(([key]) => isUnderstood(key))
      for (const [key] of kept) notes.take([...path, key])
      if (entry['cost_per_1k_tokens'] === 0)
        notes.assume([...path, 'cost_per_1k_tokens'], 'stays unknown: 0 is not taken for a price')
      if (meant.guessed) notes.assume(path, `taken for ${meant.provider}/${meant.model}, by its name`)
      models[name] = { ...Object.fromEntries(kept), provider: meant.provider, model: meant.model }
    }
    for (const problem of problems) notes.problems.push({ ...problem, code: 'import_refused' })
    const content = { ...(telemetry_window_hours === undefined ? {} : { telemetry_window_hours }), models }
    return finishImport([notes], {
      format: 'capabilities',
      files: [{ path: 'capabilities.json', content: `${JSON.stringify(content, null, 2)}\n` }],
    })
  },
}

interface Meant {
  readonly provider: string
  readonly model: string
  readonly guessed: boolean
}

function findMeant(entry: CapabilityEntry | undefined): Meant | undefined {
  if (!entry) return undefined
  const { name, provider, model } = entry
  if (provider !== undefined) {
    const placed = placeModel(model ?? name, provider)
    return placed && { provider: placed.provider, model: placed.model, guessed: model === undefined }
  }
  const placed = placeModel(model ?? name) ?? placeModel(name.replace(/[-_]/, '/'))
  return placed && { provider: placed.provider, model: placed.model, guessed: true }
}
