import { findScript } from '../../app/operations/script-edits.ts'
import type { Problem } from '../../events/errors.ts'
import { choice, fields, flag, object, text } from './fields.ts'
import { tellProblems } from './problem-lines.ts'
import type { Desk, Given, ToolRow } from './tool-row.ts'

const category = text('The folder of the script below the folder of scripts.')
const script = { name: text('The name of the script.'), 'category?': category }
/** ms that a script may take when it is tried. */
const TEST_MS = 30_000

export const FILE_TOOLS: readonly ToolRow[] = [
  {
    name: 'list_profiles',
    operation: 'profiles list',
    description: 'List the model profiles: name, provider, model, file.',
    inputSchema: fields({ 'provider?': text('Only profiles of this provider.') }),
    does: 'reads',
    run: async (given, { perform }) => {
      type Listed = {
        readonly profiles: readonly { name: string; provider: string; model: string; file?: string }[]
        readonly problems: readonly Problem[]
      }
      const { profiles, problems } = await perform<Listed>('profiles list', given)
      const listed = profiles.map(({ file, ...rest }) => ({ ...pick(rest), path: file ?? null }))
      return { profiles: listed, ...tellProblems(problems) }
    },
  },
  {
    name: 'create_profile',
    operation: 'profiles create',
    description: 'Write a new model profile; runs can use it at once.',
    inputSchema: fields({
      name: text('The name it gets.'),
      provider: text('Who answers for the model.'),
      model: text('The model, as the provider calls it.'),
      'system_prompt?': text('For agents that have none.'),
      'timeout_seconds?': { type: 'number', exclusiveMinimum: 0, description: 'How long a call may take.' },
    }),
    does: 'writes',
    run: (given, { perform }) => perform('profiles create', given),
  },
  {
    name: 'update_profile',
    operation: 'profiles update',
    description: 'Change a model profile in its file; comments stay, and the file as it was is kept beside it.',
    inputSchema: fields({
      name: text('The name of the profile.'),
      changes: object('Keys of the profile; null takes one away.'),
    }),
    does: 'removes',
    run: (given, { perform }) => perform('profiles update', given),
  },
  {
    name: 'delete_profile',
    operation: 'profiles delete',
    description: 'Remove a model profile from its file. Refused unless confirm is true.',
    inputSchema: fields({ name: text('The name of the profile.'), 'confirm?': flag('Really remove it.', false) }),
    does: 'removes',
    run: (given, { perform }) => perform('profiles delete', given),
  },
  {
    name: 'list_scripts',
    operation: 'scripts list',
    description: 'List the scripts that agents can be, those of the library too.',
    inputSchema: fields({ 'category?': category }),
    does: 'reads',
    run: async (given, { perform }) => {
      const wanted =
        typeof given['category'] === 'string' ? given['category'].replace(/^primitives(\/|$)/, '') : undefined
      type Listed = {
        readonly scripts: readonly { name: string; category: string; pinned: { path: string }; shadowed: boolean }[]
      }
      const { scripts } = await perform<Listed>('scripts list', { category: wanted })
      return {
        scripts: scripts.flatMap((each) =>
          each.shadowed ? [] : [{ name: each.name, category: each.category, path: each.pinned.path }],
        ),
      }
    },
  },
  {
    name: 'get_script',
    operation: 'scripts show',
    description: 'Show a script: where it is, what it does, and its source.',
    inputSchema: fields(script),
    does: 'reads',
    run: async (given, desk) => {
      const found = await find(given, desk)
      const { source } = await desk.perform<{ readonly source: string }>('scripts show', {
        name: `scripts/${found.relative}`,
      })
      const { name, category: folder, description = '' } = found
      return { name, category: folder, path: found.pinned.path, description, source }
    },
  },
  {
    name: 'test_script',
    operation: 'scripts test',
    description: 'Run one script with an input, as an ensemble would; 30 seconds at most.',
    inputSchema: fields({ ...script, 'input?': text('What it gets, as text or JSON.') }),
    does: 'writes',
    run: async (given, desk) => {
      const { relative } = await find(given, desk)
      type Outcome = {
        status: string
        output: unknown
        stdout?: string
        stderr?: string
        exit?: number
        message?: string
      }
      const outcome = await desk.perform<Outcome>(
        'scripts test',
        { name: `scripts/${relative}`, input: given['input'] },
        TEST_MS,
      )
      return {
        success: outcome.status === 'succeeded',
        stdout: outcome.stdout ?? '',
        stderr: outcome.stderr ?? '',
        return_code: outcome.exit ?? null,
        ...(outcome.message === undefined ? {} : { error: outcome.message }),
      }
    },
  },
  {
    name: 'create_script',
    operation: 'scripts create',
    description: 'Write a new script that works at once, to begin with.',
    inputSchema: fields({
      name: text('Its name; with .py it is one of Python, else of Node.'),
      category,
      'template?': choice(
        'basic: gives its input back; extraction: picks fields out of JSON.',
        ['basic', 'extraction'],
        'basic',
      ),
    }),
    does: 'writes',
    run: (given, { perform }) => perform('scripts create', given),
  },
  {
    name: 'delete_script',
    operation: 'scripts delete',
    description: 'Delete a script of the project. Refused unless confirm is true.',
    inputSchema: fields({ name: script.name, category, 'confirm?': flag('Really delete it.', false) }),
    does: 'removes',
    run: (given, { perform }) => perform('scripts delete', given),
  },
  {
    name: 'library_browse',
    operation: 'library browse',
    description: 'List what the library has to copy from.',
    inputSchema: fields({
      'browse_type?': choice('Ensembles, scripts, or all.', ['all', 'ensembles', 'scripts'], 'all'),
      'category?': text('Only of this folder.'),
    }),
    does: 'reads',
    run: ({ browse_type: type, category: folder }, { perform }) =>
      perform('library browse', { type, category: folder }),
  },
  {
    name: 'library_copy',
    operation: 'library copy',
    description: 'Copy an ensemble or a script of the library into the project.',
    inputSchema: fields({
      source: text('Its name or path, as library_browse shows it.'),
      'destination?': text('Its path below the folder of its kind; default: as in the library.'),
      'overwrite?': flag('Replace a file that is there.', false),
    }),
    does: 'removes',
    run: (given, { perform }) => perform('library copy', given),
  },
  {
    name: 'library_search',
    operation: 'library search',
    description: 'Find what the library has by a word of its name, description or text.',
    inputSchema: fields({ query: text('What to look for.') }),
    does: 'reads',
    run: (given, { perform }) => perform('library search', given),
  },
  {
    name: 'library_info',
    operation: 'library info',
    description: 'Say where the library is and how much is in it.',
    inputSchema: fields({}),
    does: 'reads',
    run: (_, { perform }) => perform('library info'),
  },
]

function pick({ name, provider, model }: { name: string; provider: string; model: string }) {
  return { name, provider, model }
}

function find({ name, category: folder }: Given, { means }: Desk) {
  return findScript(means.app, { name: String(name), ...(typeof folder === 'string' ? { category: folder } : {}) })
}
