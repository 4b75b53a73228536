import { lstat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { JsonObject } from '../../events/values.ts'
import { isSecretName } from '../../sandbox/secret-name.ts'
import { findPlace } from '../fence.ts'
import { type Builtin, type BuiltinPorts, failBuiltin, objectSchema } from './builtin.ts'
import { globToPattern } from './glob.ts'
import { readPlaceText } from './read-file.ts'
import { walkBelow } from './walk.ts'

const USUAL_LIMIT = 100
const MOST = 1000
const MAX_FILE = 4 * 1024 * 1024
/** Of all files together, so that a search ends. */
const MAX_BYTES = 64 * 1024 * 1024
/** Of a line that is compared, and of a line that is shown. */
const COMPARED = 10_000
const SHOWN = 300

export const searchFilesTool: Builtin = {
  name: 'search_files',
  version: '1.0.0',
  description:
    'Finds lines in the text files of the project, without .git and node_modules. The pattern is a regular expression of RE2 (no lookaround, no backreferences), or plain text with literal.',
  input_schema: objectSchema(
    {
      pattern: { type: 'string', minLength: 1, maxLength: 1000 },
      literal: { type: 'boolean', description: 'The pattern is plain text; usually false.' },
      ignore_case: { type: 'boolean', description: 'Usually false.' },
      path: { type: 'string', description: 'A folder or a file; usually the project folder.' },
      glob: { type: 'string', maxLength: 200, description: 'Only files that fit, for example *.ts.' },
      limit: { type: 'integer', minimum: 1, maximum: MOST, description: `Lines at most; usually ${USUAL_LIMIT}.` },
    },
    ['pattern'],
  ),
  output_schema: objectSchema(
    {
      matches: {
        type: 'array',
        items: objectSchema({ path: { type: 'string' }, line: { type: 'integer' }, text: { type: 'string' } }, [
          'path',
          'line',
          'text',
        ]),
      },
      files: { type: 'integer' },
      truncated: { type: 'boolean' },
    },
    ['matches', 'files', 'truncated'],
  ),
  safety: 'pure',
  permissions: { read: ['**'] },
  async run(args, { cwd, signal }, ports) {
    const search = args as unknown as Search
    const tests = compileTests(search, ports)
    if (typeof tests === 'string') return failBuiltin('bad_input', tests)
    const { open, closed } = ports
    const fence = { cwd, more: open.read, closed: closed.read, purpose: 'read' } as const
    const place = await findPlace(search.path ?? '.', fence)
    if (!place.ok) return place
    const info = await lstat(place.real).catch(() => undefined)
    if (!info) return failBuiltin('not_found', `${place.shown} does not exist`)
    const [folder, files] = info.isDirectory()
      ? [place.real, walkBelow(place.real, signal, { closed: place.closed })]
      : [dirname(place.real), [{ path: basename(place.real), entry: undefined }]]
    const above = info.isDirectory() ? place.shown : dirname(place.shown)
    const found: Found = { matches: [], files: 0, bytes: 0 }
    const limit = search.limit ?? USUAL_LIMIT
    for await (const { path, entry } of files) {
      if (signal.aborted) break
      if (entry && (!entry.isFile() || isSecretName(entry.name) || !tests.file(path))) continue
      const shown = above === '.' ? path : `${above}/${path}`
      await searchFile({ real: join(folder, path), shown }, found, { test: tests.line, limit })
      if (found.matches.length > limit || found.bytes > MAX_BYTES) break
    }
    if (signal.aborted) return failBuiltin('aborted', 'search_files was stopped')
    const truncated = found.matches.length > limit || found.bytes > MAX_BYTES
    return { ok: true, output: { matches: found.matches.slice(0, limit), files: found.files, truncated } }
  },
}

interface Search {
  readonly pattern: string
  readonly literal?: boolean
  readonly ignore_case?: boolean
  readonly path?: string
  readonly glob?: string
  readonly limit?: number
}

interface Found {
  readonly matches: JsonObject[]
  files: number
  bytes: number
}

function compileTests({ pattern, literal, ignore_case, glob }: Search, { regex }: BuiltinPorts) {
  const body = literal
    ? pattern.replace(/[^\p{L}\p{N}\s_]/gu, (sign) => `\\x{${(sign.codePointAt(0) as number).toString(16)}}`)
    : pattern
  const line = regex(ignore_case ? `(?i)${body}` : body)
  if (!line.ok) return `the pattern cannot be read: ${line.message}`
  const file = glob === undefined ? undefined : regex(globToPattern(glob))
  if (file?.ok === false) return `the glob cannot be read: ${file.message}`
  return { line: (text: string) => line.test(text), file: (path: string) => !file || file.test(path) }
}

/** Adds what is found, one more than the limit at most. What is no text is passed over. */
async function searchFile(
  file: { readonly real: string; readonly shown: string },
  found: Found,
  { test, limit }: { test(text: string): boolean; readonly limit: number },
): Promise<void> {
  const size = await lstat(file.real).catch(() => undefined)
  if (!size?.isFile() || size.size > MAX_FILE) return
  const read = await readPlaceText({ ok: true, homeless: false, ...file })
  if (!read.ok) return
  found.files += 1
  found.bytes += size.size
  for (const [at, line] of read.text.split('\n').entries()) {
    if (!test(line.slice(0, COMPARED))) continue
    const text = line.length > SHOWN ? `${line.slice(0, SHOWN).toWellFormed()}…` : line.replace(/\r$/, '')
    found.matches.push({ path: file.shown, line: at + 1, text })
    if (found.matches.length > limit) return
  }
}
