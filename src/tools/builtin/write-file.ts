import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, open, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describeError, findPlace, openFolderOf, type Place, type Refused } from '../fence.ts'
import { type Builtin, failBuiltin, objectSchema } from './builtin.ts'

const MAX_CHARACTERS = 4 * 1024 * 1024

export const writeFileTool: Builtin = {
  name: 'write_file',
  version: '1.0.0',
  description:
    'Writes a UTF-8 text file of the project: a new one, or all of an existing one anew. Missing folders are made. To change a part, use edit_file.',
  input_schema: objectSchema(
    {
      path: { type: 'string', description: 'From the project folder on.' },
      content: { type: 'string', maxLength: MAX_CHARACTERS },
      if_exists: { enum: ['replace', 'fail'], description: 'What to do with a file that is there; usually replace.' },
    },
    ['path', 'content'],
  ),
  output_schema: objectSchema({ path: { type: 'string' }, bytes: { type: 'integer' }, created: { type: 'boolean' } }, [
    'path',
    'bytes',
    'created',
  ]),
  safety: 'unsafe',
  permissions: { write: ['**'] },
  async run(args, { cwd }, ports) {
    const { path, content, if_exists } = args as { path: string; content: string; if_exists?: string }
    const place = await findPlace(path, {
      cwd,
      more: ports.open.write,
      closed: ports.closed.write,
      purpose: 'write',
    })
    if (!place.ok) return place
    const there = await lstat(place.real).catch(() => undefined)
    if (there && if_exists === 'fail') return failBuiltin('file_exists', `${place.shown} is there already`)
    if (there && !there.isFile()) return failBuiltin('file_unreadable', `${place.shown} is no file`)
    const written = await replaceText(place, content, there ? there.mode & 0o777 : undefined)
    if (!written.ok) return written
    return { ok: true, output: { path: place.shown, bytes: written.bytes, created: !there } }
  },
}

/**
 * Puts a text in place of what is there, whole or not at all: readers see the old or the new one, and so does whoever looks after a
 * crash. Another name of the same file (a hard link) keeps the old text.
 */
export async function replaceText(
  place: Place,
  text: string,
  mode = 0o644,
): Promise<{ readonly ok: true; readonly bytes: number } | Refused> {
  const folder = await openFolderOf(place)
  if ('ok' in folder) return folder
  const bytes = new TextEncoder().encode(text)
  const draft = join(folder.path, `.llm-orc-${randomUUID()}.tmp`)
  try {
    const handle = await open(
      draft,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      mode,
    )
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, join(folder.path, basename(place.real)))
    return { ok: true, bytes: bytes.length }
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {})
    return describeError(place.shown, error)
  } finally {
    await folder.close()
  }
}
