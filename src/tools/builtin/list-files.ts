import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '../../events/values.ts'
import { findPlace } from '../fence.ts'
import { type Builtin, failBuiltin, objectSchema } from './builtin.ts'
import { globToPattern } from './glob.ts'
import { walkBelow } from './walk.ts'

const USUAL_LIMIT = 200
const MOST = 2000

export const listFilesTool: Builtin = {
  name: 'list_files',
  version: '1.0.0',
  description:
    'Lists files and folders of the project, sorted, without .git and node_modules. Links are named and not followed.',
  input_schema: objectSchema(
    {
      path: { type: 'string', description: 'The folder; usually the project folder.' },
      glob: {
        type: 'string',
        maxLength: 200,
        description: 'Only files that fit, for example *.ts or src/**/*.test.ts.',
      },
      depth: {
        type: 'integer',
        minimum: 1,
        maximum: 32,
        description: 'How deep; usually 1, with a glob as deep as it goes.',
      },
      limit: { type: 'integer', minimum: 1, maximum: MOST, description: `How many at most; usually ${USUAL_LIMIT}.` },
    },
    [],
  ),
  output_schema: objectSchema(
    {
      path: { type: 'string' },
      entries: {
        type: 'array',
        items: objectSchema(
          { path: { type: 'string' }, type: { enum: ['file', 'folder', 'link', 'other'] }, bytes: { type: 'integer' } },
          ['path', 'type'],
        ),
      },
      truncated: { type: 'boolean' },
    },
    ['path', 'entries', 'truncated'],
  ),
  safety: 'pure',
  permissions: { read: ['**'] },
  async run(args, { cwd, signal }, { open, closed, regex }) {
    const wanted = args as { path?: string; glob?: string; depth?: number; limit?: number }
    const { path = '.', glob, depth = glob === undefined ? 1 : 32, limit = USUAL_LIMIT } = wanted
    const place = await findPlace(path, { cwd, more: open.read, closed: closed.read, purpose: 'read' })
    if (!place.ok) return place
    const info = await lstat(place.real).catch(() => undefined)
    if (!info?.isDirectory()) return failBuiltin('not_found', `there is no folder ${place.shown}`)
    const fits = glob === undefined ? undefined : regex(globToPattern(glob))
    if (fits?.ok === false) return failBuiltin('bad_input', `the glob cannot be read: ${fits.message}`)
    const entries: JsonObject[] = []
    for await (const { path: below, entry } of walkBelow(place.real, signal, { depth, closed: place.closed })) {
      if (fits && !(entry.isFile() && fits.test(below))) continue
      if (entries.length >= limit) return { ok: true, output: { path: place.shown, entries, truncated: true } }
      if (!entry.isFile()) entries.push({ path: below, type: nameKind(entry) })
      else {
        const size = await lstat(join(place.real, below)).catch(() => undefined)
        entries.push({ path: below, type: 'file', ...(size ? { bytes: size.size } : {}) })
      }
    }
    if (signal.aborted) return failBuiltin('aborted', 'list_files was stopped')
    return { ok: true, output: { path: place.shown, entries, truncated: false } }
  },
}

function nameKind(entry: { isDirectory(): boolean; isSymbolicLink(): boolean }): string {
  if (entry.isDirectory()) return 'folder'
  return entry.isSymbolicLink() ? 'link' : 'other'
}
