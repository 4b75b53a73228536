import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Document, isMap, isScalar } from 'yaml'
import { OrcError } from '../events/errors.ts'
import type { Json } from '../events/values.ts'
import { editYaml, isEmptyMap, writeWhole } from './edit-yaml.ts'
import type { Paths } from './paths.ts'
import { readTextFile } from './text-file.ts'
import { inTurn } from './turns.ts'

/** The config file that changes go to: the project's, outside of a project the user's. */
export async function findOwnConfig(paths: Paths): Promise<string> {
  const folder = paths.project_dir ?? paths.config
  for (const name of ['config.yaml', 'config.yml', 'config.json']) {
    const file = join(folder, name)
    const info = await stat(file).catch(() => undefined)
    if (info) return file
  }
  return join(folder, 'config.yaml')
}

/**
 * Sets a value in a config file, or removes it (`undefined`), and leaves comments, order and all else as they were. The file is
 * written whole or not at all. Throws OrcError when it cannot be read or written; a broken file is never touched.
 */
export function editConfig(file: string, path: readonly string[], value: Json | undefined): Promise<void> {
  return inTurn(file, () => changeConfig(file, path, value))
}

async function changeConfig(file: string, path: readonly string[], value: Json | undefined): Promise<void> {
  const read = await readTextFile(file)
  if (!read.found && read.problem) throw new OrcError(read.problem)
  const written = editYaml(read.found ? read.text : '', file, (document) => {
    if (value !== undefined) {
      makeSection(document, path.slice(0, -1), file)
      document.setIn(path, document.createNode(value))
      return
    }
    document.deleteIn(path)
    const parent = path.slice(0, -1)
    // An empty section would stay behind as `chains: {}`.
    if (parent.length > 0 && isEmptyMap(document.getIn(parent))) document.deleteIn(parent)
  })
  await writeWhole(file, written)
}

/** `chains:` with nothing below it is a section all the same. */
function makeSection(document: Document, path: readonly string[], file: string): void {
  if (path.length === 0) return
  const section: unknown = document.getIn(path, true)
  if (isMap(section)) return
  const empty = section === undefined || (isScalar(section) && section.value === null)
  if (!empty)
    throw new OrcError({ code: 'config_invalid', message: `${path.join('.')} should be a map of names`, file })
  const made = document.createNode({})
  const comment = isScalar(section) ? (section.comment ?? section.commentBefore) : undefined
  if (comment) made.commentBefore = comment
  document.setIn(path, made)
}
