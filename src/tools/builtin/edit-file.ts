import { findPlace } from '../fence.ts'
import { type Builtin, failBuiltin, objectSchema } from './builtin.ts'
import { readPlaceText } from './read-file.ts'
import { replaceText } from './write-file.ts'

const NAMED_LINES = 5

export const editFileTool: Builtin = {
  name: 'edit_file',
  version: '1.0.0',
  description:
    'Replaces text in a file of the project. old_text has to stand in the file exactly as given, with all its spaces and line ends, and exactly once unless replace_all is true.',
  input_schema: objectSchema(
    {
      path: { type: 'string', description: 'From the project folder on.' },
      old_text: { type: 'string', minLength: 1 },
      new_text: { type: 'string' },
      replace_all: { type: 'boolean', description: 'Replace it wherever it stands; usually false.' },
    },
    ['path', 'old_text', 'new_text'],
  ),
  output_schema: objectSchema(
    { path: { type: 'string' }, replaced: { type: 'integer' }, line: { type: 'integer' }, bytes: { type: 'integer' } },
    ['path', 'replaced', 'line', 'bytes'],
  ),
  safety: 'unsafe',
  permissions: { read: ['**'], write: ['**'] },
  async run(args, { cwd }, { open, closed }) {
    const { path, old_text, new_text, replace_all = false } = args as unknown as Edit
    const place = await findPlace(path, { cwd, more: open.write, closed: closed.write, purpose: 'write' })
    if (!place.ok) return place
    const read = await readPlaceText(place)
    if (!read.ok) return read
    const { text } = read
    const places = findAll(text, old_text)
    const [first] = places
    if (first === undefined) return failBuiltin('text_not_found', describeMissing(place.shown, text, old_text))
    if (places.length > 1 && !replace_all) {
      const lines = places.slice(0, NAMED_LINES).map((at) => lineOf(text, at))
      const where = `lines ${lines.join(', ')}${places.length > NAMED_LINES ? ' and more' : ''}`
      const message = `old_text stands ${places.length} times in ${place.shown} (${where}): give more of what is around it, or set replace_all`
      return failBuiltin('text_not_found', message)
    }
    if (old_text === new_text) return failBuiltin('bad_input', 'old_text and new_text are the same')
    const written = await replaceText(place, text.split(old_text).join(new_text), read.mode)
    if (!written.ok) return written
    const output = { path: place.shown, replaced: places.length, line: lineOf(text, first), bytes: written.bytes }
    return { ok: true, output }
  },
}

interface Edit {
  readonly path: string
  readonly old_text: string
  readonly new_text: string
  readonly replace_all?: boolean
}

function findAll(text: string, wanted: string): readonly number[] {
  const places: number[] = []
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) places.push(at)
  return places
}

function lineOf(text: string, at: number): number {
  let line = 1
  for (let end = text.indexOf('\n'); end >= 0 && end < at; end = text.indexOf('\n', end + 1)) line += 1
  return line
}

/** The usual reasons: other line ends, or other spaces. */
function describeMissing(shown: string, text: string, wanted: string): string {
  const missing = `old_text does not stand in ${shown}`
  if (text.includes('\r\n') && text.replaceAll('\r\n', '\n').includes(wanted.replaceAll('\r\n', '\n')))
    return `${missing}: its lines end in \\r\\n`
  const squeezed = squeeze(wanted)
  if (squeezed !== '' && squeeze(text).includes(squeezed))
    return `${missing} with these spaces and line ends; read it again`
  const [head = ''] = wanted.split('\n').filter((line) => line.trim() !== '')
  const near = head === '' ? -1 : text.indexOf(head.trim())
  return near < 0 ? missing : `${missing}; its first line stands in line ${lineOf(text, near)}, and then it differs`
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
