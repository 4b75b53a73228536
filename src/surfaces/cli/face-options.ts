import type { Option } from './tree.ts'

/** An option of this face alone, which no operation knows. */
export const own = { own: true, required: false, old: [] } as const

/** Options every command takes. */
export const FACE_OPTIONS: readonly Option[] = [
  {
    ...own,
    field: 'output',
    long: '--output',
    short: '-o',
    type: 'text',
    placeholder: 'rich|text|json',
    choices: ['rich', 'text', 'json'],
    description: 'The form of the result on stdout; default: rich on a terminal, text in a pipe.',
  },
  {
    ...own,
    field: 'progress',
    long: '--progress',
    type: 'text',
    placeholder: 'inline|bar|json',
    choices: ['inline', 'bar', 'json'],
    description: 'Progress on stderr; default: inline on a terminal, none in a pipe.',
  },
  {
    ...own,
    field: 'config_dir',
    long: '--config-dir',
    type: 'text',
    placeholder: 'DIR',
    description: 'A configuration file or folder that wins over all others.',
  },
  {
    ...own,
    field: 'quiet',
    long: '--quiet',
    short: '-q',
    type: 'boolean',
    placeholder: '',
    description: 'The result only: no progress, no notes.',
  },
  {
    ...own,
    field: 'color',
    long: '--no-color',
    type: 'boolean',
    placeholder: '',
    description: 'No colours; NO_COLOR does the same.',
  },
  { ...own, field: 'help', long: '--help', short: '-h', type: 'boolean', placeholder: '', description: 'Show help.' },
  {
    ...own,
    field: 'version',
    long: '--version',
    short: '-V',
    type: 'boolean',
    placeholder: '',
    description: 'Show the version.',
  },
]
