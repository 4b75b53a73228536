import { stringify } from 'yaml'
import type { Json, JsonObject } from '../../events/values.ts'
import type { ImportedFile } from './imported.ts'

/** A text that stays as it is inside a template: nothing in it is filled in, and its end does not become part of a tag. */
export function escapeLiquid(text: string): string {
  return text.replace(/\{[{%]|\{$/g, (open) => `{{ "${open}" }}`)
}

export type AgentDraft = { readonly name: string; readonly [key: string]: Json | undefined }

export interface EnsembleDraft {
  readonly name: string
  readonly description: string
  readonly default_task?: string | undefined
  readonly raw_output?: boolean
  readonly agents: readonly AgentDraft[]
}

/** The file of an ensemble, with where it came from on its first line. */
export function printEnsembleDraft(draft: EnsembleDraft, from: string): ImportedFile {
  return { path: `ensembles/${draft.name}.yaml`, content: printYaml(draft, from) }
}

export function printYaml(content: object, from: string): string {
  const plain = dropAbsent(content) as JsonObject
  const origin = from.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
  return `# Imported from ${origin}\n${stringify(plain, { lineWidth: 0, aliasDuplicateObjects: false, version: '1.2' })}`
}

function dropAbsent(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropAbsent)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, dropAbsent(item)]])),
  )
}

/** One line for `description`. */
export function toLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 200 ? `${line.slice(0, 199)}…` : line
}
