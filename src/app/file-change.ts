import type { ToolRequest } from '../events/tool-call.ts'
import { readPlaceText } from '../tools/builtin/read-file.ts'
import { findPlace } from '../tools/fence.ts'
import type { App } from './app.ts'
import { listGoverned } from './governed.ts'

/** A file as it is now and as a call would leave it. Between a look and a yes it may change; the yes is for the call. */
export interface FileChange {
  /** From the project's folder on. */
  readonly path: string
  /** Absent: there is no such file yet. */
  readonly before?: string
  readonly after: string
}

/** Longest file that is compared, in characters. */
const LONGEST = 400_000

/** What a call of `write_file` or `edit_file` would change; undefined for others, and where the tool itself would refuse to look. */
export async function readChange({ paths }: Pick<App, 'paths'>, request: unknown): Promise<FileChange | undefined> {
  const { tool, source, arguments: args } = (request ?? {}) as Partial<ToolRequest>
  if (source !== 'builtin' || typeof args?.['path'] !== 'string') return undefined
  const closed = listGoverned(paths).write
  const place = await findPlace(args['path'], { cwd: paths.project ?? paths.cwd, more: [], closed, purpose: 'write' })
  if (!place.ok) return undefined
  const read = await readPlaceText(place)
  const before = read.ok ? read.text : undefined
  const after = tool === 'write_file' ? args['content'] : tool === 'edit_file' ? edit(before, args) : undefined
  if (typeof after !== 'string' || after.length > LONGEST || (before ?? '').length > LONGEST) return undefined
  // A file that is there and cannot be read would look like a new one.
  if (!read.ok && read.code !== 'not_found') return undefined
  return { path: place.shown, ...(before === undefined ? {} : { before }), after }
}

function edit(before: string | undefined, args: ToolRequest['arguments']): string | undefined {
  const { old_text, new_text, replace_all = false } = args
  if (before === undefined || typeof old_text !== 'string' || typeof new_text !== 'string') return undefined
  const parts = before.split(old_text)
  const fits = old_text !== '' && (parts.length === 2 || (replace_all === true && parts.length > 2))
  return fits ? parts.join(new_text) : undefined
}
