import * as z from 'zod'
import { editEnsemble } from '../../config/edit-ensemble.ts'
import { printYaml, writeWhole } from '../../config/edit-yaml.ts'
import { inTurn } from '../../config/turns.ts'
import { errorsFirst, isError, OrcError } from '../../events/errors.ts'
import type { Json, JsonObject } from '../../events/values.ts'
import { parseEnsemble } from '../../graph/ensemble-parse.ts'
import { checkName } from '../../graph/name.ts'
import { isMap } from '../../graph/report.ts'
import { parseYaml } from '../../graph/yaml.ts'
import type { App } from '../app.ts'
import { findNamedEnsemble } from '../named-ensemble.ts'
import { defineOperation } from '../operation.ts'
import { backUp, needConfirmation, placeOwnFile, readOwnFile, removeOwnFile, requireOwnFile } from '../own-files.ts'

const name = z.string().min(1).describe('The name of the ensemble.')
const json = z.record(z.string(), z.json())

export const createEnsemble = defineOperation({
  name: 'ensembles create',
  summary: 'Write a new ensemble, from agents or from another ensemble.',
  input: z.object({
    name,
    description: z.string().optional().describe('What it does, in one line.'),
    agents: z.array(json).default([]).describe('Its agents, as a JSON list.'),
    from_template: z.string().optional().describe('An ensemble whose parts it begins with.'),
  }),
  run: async ({ name: wanted, description, agents, from_template }, { app }) => {
    const unfit = checkName(wanted)
    if (unfit) throw new OrcError(unfit)
    const file = await placeOwnFile(app, 'ensembles', { path: `${wanted}.yaml` })
    const given = agents as unknown as readonly Json[]
    if (given.length === 0 && from_template === undefined)
      throw new OrcError({
        code: 'bad_input',
        message: 'an ensemble has agents: give some, or a template to take them from',
      })
    const template = from_template === undefined ? undefined : await readTemplate(app, from_template)
    const copied = Array.isArray(template?.['agents']) ? (template['agents'] as readonly Json[]) : []
    const told = description ?? template?.['description']
    const text = printYaml({
      ...template,
      name: wanted,
      ...(told === undefined ? {} : { description: told }),
      agents: [...copied, ...given],
    })
    refuseBroken(text, file)
    await writeWhole(file, text, { fresh: true })
    return { created: true, path: file, agents_copied: copied.length }
  },
})

export const updateEnsemble = defineOperation({
  name: 'ensembles update',
  summary: 'Change an ensemble in its file; comments and order stay.',
  input: z.object({
    name,
    changes: json.describe(
      'Keys of the ensemble, null to take one away; agents by add_agents (a list), remove_agents (names), modify_agents (by name).',
    ),
    dry_run: z.boolean().default(true).describe('Only show what the file would be.'),
    backup: z.boolean().default(true).describe('Keep the file as it was beside it.'),
  }),
  run: async ({ name: wanted, changes, dry_run, backup }, { app }) => {
    const found = await findNamedEnsemble(app, wanted)
    const file = await requireOwnFile(app, { what: `the ensemble "${found.name}"`, ...found })
    return inTurn(file, async () => {
      const { text, applied } = editEnsemble(await readOwnFile(file), file, changes as JsonObject)
      const warnings = refuseBroken(text, file)
      const about = { name: found.name, path: file, changes_applied: applied, warnings }
      if (dry_run) return { ...about, preview: text, modified: false, backup_created: false }
      const copy = backup ? await backUp(file) : undefined
      await writeWhole(file, text)
      return { ...about, modified: true, backup_created: backup, ...(copy === undefined ? {} : { backup: copy }) }
    })
  },
})

export const deleteEnsemble = defineOperation({
  name: 'ensembles delete',
  summary: 'Delete the file of an ensemble; its runs and artifacts stay.',
  input: z.object({ name, confirm: z.boolean().default(false).describe('Really delete it.') }),
  run: async ({ name: wanted, confirm }, { app }) => {
    const found = await findNamedEnsemble(app, wanted)
    const file = await requireOwnFile(app, { what: `the ensemble "${found.name}"`, ...found })
    if (!confirm) throw needConfirmation(`this deletes the ensemble "${found.name}" (${file})`)
    await removeOwnFile(file)
    return { deleted: true, name: found.name, path: file }
  },
})

async function readTemplate(app: App, template: string): Promise<JsonObject> {
  const { text, file } = await findNamedEnsemble(app, template)
  const { data, problems } = parseYaml(text, file)
  if (isMap(data)) return data as JsonObject
  throw new OrcError(
    problems.length > 0 ? problems : { code: 'ensemble_invalid', message: `${file} is no ensemble`, file },
  )
}

/** Nothing is written that could not be read; what could only be better is handed back. */
function refuseBroken(text: string, file: string) {
  const { problems } = parseEnsemble(text, file)
  if (problems.some(isError)) throw new OrcError(errorsFirst(problems))
  return problems
}
