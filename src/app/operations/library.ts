import { existsSync } from 'node:fs'
import * as z from 'zod'
import { writeWhole } from '../../config/edit-yaml.ts'
import { OrcError } from '../../events/errors.ts'
import { findEntry, findLibraryFolder, type LibraryEntry, listLibrary, readEntry } from '../library.ts'
import { defineOperation } from '../operation.ts'
import { backUp, placeOwnFile } from '../own-files.ts'

export const browseLibrary = defineOperation({
  name: 'library browse',
  summary: 'List what the library has to copy from.',
  input: z.object({
    category: z.string().optional().describe('Only of this folder; also `ensembles` or `scripts`.'),
    type: z.enum(['all', 'ensembles', 'scripts']).default('all').describe('Ensembles, scripts, or all.'),
  }),
  run: async ({ category, type }, { app }) => {
    const kind = category === 'ensembles' || category === 'scripts' ? category : type
    const folder = category === kind ? undefined : category
    const entries = (await listLibrary(app)).filter((each) => folder === undefined || isBelow(each.category, folder))
    return {
      ensembles: kind === 'scripts' ? [] : tell(entries, 'ensemble'),
      scripts: kind === 'ensembles' ? [] : tell(entries, 'script'),
    }
  },
})

export const showLibraryEntry = defineOperation({
  name: 'library show',
  summary: 'Show an ensemble or a script of the library.',
  input: z.object({ name: z.string().min(1).describe('Its name or path, as `library browse` shows it.') }),
  run: async ({ name }, { app }) => {
    const entry = requireEntry(await listLibrary(app), name)
    return { ...describe(entry), type: entry.kind, content: await readEntry(entry) }
  },
})

export const copyFromLibrary = defineOperation({
  name: 'library copy',
  summary: 'Copy an ensemble or a script of the library into the project.',
  input: z.object({
    source: z.string().min(1).describe('Its name or path, as `library browse` shows it.'),
    destination: z.string().optional().describe('Its path below the folder of its kind; default: as in the library.'),
    overwrite: z.boolean().default(false).describe('Replace a file that is there.'),
    global: z.boolean().default(false).describe('For all projects of this user.'),
  }),
  run: async ({ source, destination, overwrite, global }, { app }) => {
    const entry = requireEntry(await listLibrary(app), source)
    const kind = entry.kind === 'ensemble' ? ('ensembles' as const) : ('scripts' as const)
    const path = readDestination(entry, kind, destination)
    const file = await placeOwnFile(app, kind, { path, user: global })
    const text = await readEntry(entry)
    const replaced = overwrite && existsSync(file)
    const copy = replaced ? await backUp(file) : undefined
    await writeWhole(file, text, { fresh: !overwrite })
    return { copied: true, source: entry.path, destination: file, ...(copy === undefined ? {} : { backup: copy }) }
  },
})

export const searchLibrary = defineOperation({
  name: 'library search',
  summary: 'Find what the library has by a word of its name, description or text.',
  input: z.object({ query: z.string().min(1).describe('What to look for.') }),
  run: async ({ query }, { app }) => {
    const wanted = query.toLowerCase()
    const matchOf = ({ name, description, path, text }: LibraryEntry) =>
      name.toLowerCase().includes(wanted)
        ? 'name'
        : description.toLowerCase().includes(wanted)
          ? 'description'
          : path.toLowerCase().includes(wanted)
            ? 'path'
            : text?.toLowerCase().includes(wanted)
              ? 'content'
              : undefined
    const found = (await listLibrary(app)).flatMap((entry) => {
      const match = matchOf(entry)
      return match === undefined ? [] : [{ kind: entry.kind, ...describe(entry), match }]
    })
    const only = (wish: LibraryEntry['kind']) => found.flatMap(({ kind, ...rest }) => (kind === wish ? [rest] : []))
    return { query, results: { ensembles: only('ensemble'), scripts: only('script') }, total: found.length }
  },
})

export const describeLibrary = defineOperation({
  name: 'library info',
  summary: 'Say where the library is and how much is in it.',
  input: z.object({}),
  run: async (_, { app }) => {
    const entries = await listLibrary(app)
    const count = (kind: LibraryEntry['kind']) => entries.filter((each) => each.kind === kind).length
    return {
      ...(await findLibraryFolder(app)),
      ensembles_count: count('ensemble'),
      scripts_count: count('script'),
      categories: [...new Set(entries.map(({ category }) => category).filter(Boolean))].toSorted(),
    }
  },
})

function describe({ name, description, category, path }: LibraryEntry) {
  return { name, description, category, path }
}

function tell(entries: readonly LibraryEntry[], kind: LibraryEntry['kind']) {
  return entries.filter((each) => each.kind === kind).map(describe)
}

function isBelow(category: string, folder: string): boolean {
  const wanted = folder.replace(/^primitives\//, '')
  return category === wanted || category.startsWith(`${wanted}/`)
}

function requireEntry(entries: readonly LibraryEntry[], source: string): LibraryEntry {
  const entry = findEntry(entries, source)
  if (entry) return entry
  throw new OrcError({
    code: 'not_found',
    message: `the library has no ${JSON.stringify(source.slice(0, 200))}`,
    hint: 'See what there is with: llm-orc library browse',
  })
}

/** As people write it: from the project on, with the folder of its kind, or below that. */
function readDestination({ relative }: LibraryEntry, kind: string, given: string | undefined): string {
  if (given === undefined || given === '') return relative
  const below = given.replace(/^\.\//, '').replace(/^\.llm-orc\//, '')
  const path = below.startsWith(`${kind}/`) ? below.slice(kind.length + 1) : below
  if (path === '' || path === kind) return relative
  if (path.endsWith('/')) return path + (relative.split('/').at(-1) ?? '')
  const ending = /\.[^./]+$/.exec(relative)?.[0] ?? ''
  return /\.[^./]+$/.test(path) ? path : path + ending
}
