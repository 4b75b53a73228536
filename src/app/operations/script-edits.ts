import { extname } from 'node:path'
import * as z from 'zod'
import { writeWhole } from '../../config/edit-yaml.ts'
import { listScripts } from '../../config/script-list.ts'
import { OrcError } from '../../events/errors.ts'
import { defineOperation } from '../operation.ts'
import { needConfirmation, placeOwnFile, removeOwnFile, requireOwnFile } from '../own-files.ts'
import { scriptTemplate } from '../script-templates.ts'

const name = z.string().min(1).describe('The name of the script; with .py it is one of Python, else of Node.')
const category = z.string().min(1).describe('Its folder below the folder of scripts.')

export const createScript = defineOperation({
  name: 'scripts create',
  summary: 'Write a new script that works at once, to begin with.',
  input: z.object({
    name,
    category,
    template: z
      .enum(['basic', 'extraction'])
      .default('basic')
      .describe('basic: gives its input back · extraction: picks fields out of JSON.'),
  }),
  run: async (input, { app }) => {
    const file = extname(input.name) === '' ? `${input.name}.mjs` : input.name
    const language = extname(file)
    if (language !== '.py' && language !== '.mjs') {
      const message = `there is no template for a script that ends in ${language}`
      throw new OrcError({ code: 'bad_input', message, hint: 'Take .mjs or .py.' })
    }
    const path = await placeOwnFile(app, 'scripts', { path: `${input.category}/${file}` })
    await writeWhole(path, scriptTemplate(language, input.template), { fresh: true })
    return { created: true, name: file, category: input.category, path, template: input.template }
  },
})

export const deleteScript = defineOperation({
  name: 'scripts delete',
  summary: 'Delete a script of the project.',
  input: z.object({ name, category, confirm: z.boolean().default(false).describe('Really delete it.') }),
  run: async (input, { app }) => {
    const found = await findScript(app, input)
    const what = `the script ${found.relative}`
    const path = await requireOwnFile(app, { what, level: found.level, file: found.pinned.path })
    if (!input.confirm) throw needConfirmation(`this deletes ${what} (${path})`)
    await removeOwnFile(path)
    return { deleted: true, name: found.name, category: input.category, path }
  },
})

/** By name, with or without its ending, in a folder; `primitives/` may be left out. Nothing here is ever taken for a path. */
export async function findScript(
  { paths }: { readonly paths: Parameters<typeof listScripts>[0] },
  wanted: { readonly name: string; readonly category?: string | undefined },
) {
  const { scripts } = await listScripts(paths, { node: process.execPath })
  const folder = wanted.category?.replace(/^primitives(\/|$)/, '')
  const fits = (each: string) =>
    each === wanted.name || each.slice(0, each.length - extname(each).length) === wanted.name.replace(/\.py$/, '')
  const found = scripts.find(
    (script) => fits(script.name) && !script.shadowed && (folder === undefined || script.category === folder),
  )
  if (found) return found
  const place = wanted.category === undefined ? wanted.name : `${wanted.category}/${wanted.name}`
  throw new OrcError({
    code: 'script_missing',
    message: `there is no script ${place}`,
    hint: 'See them with: llm-orc scripts list',
  })
}
