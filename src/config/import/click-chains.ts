import type { JsonObject } from '../../events/values.ts'
import { isMap } from '../../graph/report.ts'
import { mapOf } from './document.ts'
import type { ImportFormat } from './imported.ts'
import { finishImport, Notes } from './notes.ts'
import { Piece } from './piece.ts'

const KEYS = ['main_llm', 'chains', 'workflows']

/** The `config.yaml` of the Python click orchestrator. Its main model, chains and workflows mean the same in the `config.yaml` here. */
export const clickChains: ImportFormat = {
  name: 'chains',
  title: 'configuration with chains',
  detects: (document) => {
    const { main_llm, chains } = mapOf(document)
    if (document.body !== undefined || !(isMap(chains) || isMap(main_llm))) return false
    return !isMap(chains) || Object.values(chains).every((steps) => Array.isArray(steps))
  },

  convert: async ([document]) => {
    if (!document) return finishImport([], { format: 'chains', files: [] })
    const notes = new Notes(document)
    const top = new Piece(notes, mapOf(document))
    const settings: JsonObject = Object.fromEntries(
      KEYS.flatMap((key) => (top.has(key) ? [[key, top.whole(key) ?? null]] : [])),
    )
    return finishImport([notes], { format: 'chains', files: [], settings })
  },
}
