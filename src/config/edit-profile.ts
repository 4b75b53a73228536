import { basename, extname } from 'node:path'
import { type Document, isMap, isSeq, type YAMLMap } from 'yaml'
import { OrcError } from '../events/errors.ts'
import type { JsonObject } from '../events/values.ts'
import { editYaml, setKey } from './edit-yaml.ts'

/** The text of a file after changes to one of its profiles; null takes a key away. Throws OrcError when it is not there. */
export function editProfile(
  text: string,
  file: string,
  { name, changes }: { name: string; changes: JsonObject },
): string {
  return editYaml(text, file, (document) => {
    const { profile } = requireProfile(document, file, name)
    for (const entry of Object.entries(changes)) setKey(document, profile, entry)
  })
}

/** The text without the profile; undefined when nothing but it stood there. */
export function cutProfile(text: string, file: string, name: string): string | undefined {
  let alone = false
  const written = editYaml(text, file, (document) => {
    const { remove } = requireProfile(document, file, name)
    if (remove) remove()
    else alone = true
  })
  return alone ? undefined : written
}

interface FoundProfile {
  readonly profile: YAMLMap
  /** Absent: the file is the profile. */
  readonly remove?: () => void
}

function requireProfile(document: Document, file: string, name: string): FoundProfile {
  const found = findProfile(document.contents, file, name)
  if (found) return found
  throw new OrcError({
    code: 'profile_missing',
    message: `${file} has no model profile "${name}" that could be edited`,
  })
}

function findProfile(root: unknown, file: string, name: string): FoundProfile | undefined {
  if (isSeq(root)) return findIn(root, name)
  if (!isMap(root)) return undefined
  for (const key of ['model_profiles', 'profiles']) {
    const found = findIn(root.get(key, true), name)
    if (found) return found
  }
  const own = root.get('name') ?? basename(file, extname(file))
  return own === name && !root.has('model_profiles') && !root.has('profiles') ? { profile: root } : undefined
}

/** In a map of names, or in a list whose entries have a name or are it. */
function findIn(section: unknown, name: string): FoundProfile | undefined {
  if (isMap(section)) {
    const profile: unknown = section.get(name, true)
    return isMap(profile) ? { profile, remove: () => void section.delete(name) } : undefined
  }
  if (!isSeq(section)) return undefined
  for (const [index, item] of section.items.entries()) {
    if (!isMap(item)) continue
    const inner: unknown = item.items.length === 1 ? item.get(name, true) : undefined
    const profile = isMap(inner) ? inner : item.get('name') === name ? item : undefined
    if (profile) return { profile, remove: () => void section.items.splice(index, 1) }
  }
  return undefined
}
