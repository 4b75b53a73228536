import * as z from 'zod'
import { cutProfile, editProfile } from '../../config/edit-profile.ts'
import { printYaml, writeWhole } from '../../config/edit-yaml.ts'
import { profileSchema } from '../../config/schema.ts'
import { inTurn } from '../../config/turns.ts'
import { OrcError } from '../../events/errors.ts'
import type { JsonObject } from '../../events/values.ts'
import { checkName } from '../../graph/name.ts'
import type { App } from '../app.ts'
import { defineOperation } from '../operation.ts'
import { backUp, needConfirmation, placeOwnFile, readOwnFile, removeOwnFile, requireOwnFile } from '../own-files.ts'

const name = z.string().min(1).describe('The name of the profile.')

export const createProfile = defineOperation({
  name: 'profiles create',
  summary: 'Write a new model profile.',
  input: z.object({
    name,
    provider: z.string().min(1).describe('Who answers for the model.'),
    model: z.string().min(1).describe('The model, as the provider calls it.'),
    system_prompt: z.string().optional().describe('For agents that have none.'),
    timeout_seconds: z.number().positive().optional().describe('How long a call may take.'),
  }),
  run: async (input, { app }) => {
    const unfit = checkName(input.name)
    if (unfit) throw new OrcError(unfit)
    const file = await placeOwnFile(app, 'profiles', { path: `${input.name}.yaml` })
    const known = app.profiles.profiles.get(input.name)
    if (known && known.level === (app.paths.project_dir === undefined ? 'user' : 'project')) {
      const message = `there is a model profile "${input.name}" in ${known.place.file ?? known.level}`
      throw new OrcError({ code: 'file_exists', message, hint: 'Change it with: llm-orc profiles update' })
    }
    await writeWhole(file, printYaml(input as JsonObject), { fresh: true })
    return { created: true, name: input.name, path: file }
  },
})

export const updateProfile = defineOperation({
  name: 'profiles update',
  summary: 'Change a model profile in its file; comments and order stay.',
  input: z.object({
    name,
    changes: z.record(z.string(), z.json()).describe('Keys of the profile; null takes one away.'),
    dry_run: z.boolean().default(false).describe('Only show what the file would be.'),
    backup: z.boolean().default(true).describe('Keep the file as it was beside it.'),
  }),
  run: async ({ name: wanted, changes, dry_run, backup }, { app }) => {
    const { profile, file } = await requireProfile(app, wanted)
    checkChanges({ ...profile } as unknown as JsonObject, changes as JsonObject)
    return inTurn(file, async () => {
      const text = editProfile(await readOwnFile(file), file, { name: wanted, changes: changes as JsonObject })
      const about = { name: wanted, path: file, changes_applied: Object.keys(changes) }
      if (dry_run) return { ...about, preview: text, updated: false, backup_created: false }
      const copy = backup ? await backUp(file) : undefined
      await writeWhole(file, text)
      return { ...about, updated: true, backup_created: backup, ...(copy === undefined ? {} : { backup: copy }) }
    })
  },
})

export const deleteProfile = defineOperation({
  name: 'profiles delete',
  summary: 'Remove a model profile from its file.',
  input: z.object({ name, confirm: z.boolean().default(false).describe('Really remove it.') }),
  run: async ({ name: wanted, confirm }, { app }) => {
    const { file } = await requireProfile(app, wanted)
    return inTurn(file, async () => {
      const rest = cutProfile(await readOwnFile(file), file, wanted)
      if (!confirm) throw needConfirmation(`this removes the model profile "${wanted}" from ${file}`)
      const copy = rest === undefined ? undefined : await backUp(file)
      if (rest === undefined) await removeOwnFile(file)
      else await writeWhole(file, rest)
      return { deleted: true, name: wanted, path: file, ...(copy === undefined ? {} : { backup: copy }) }
    })
  },
})

async function requireProfile(app: App, name: string) {
  const profile = app.profiles.profiles.get(name)
  if (!profile) {
    const hint = `There are: ${[...app.profiles.profiles.keys()].slice(0, 12).join(', ') || 'none'}`
    throw new OrcError({ code: 'profile_missing', message: `there is no model profile "${name}"`, hint })
  }
  const what = `the model profile "${name}"`
  return { profile, file: await requireOwnFile(app, { what, level: profile.level, file: profile.place.file }) }
}

/** The profile has to be one afterwards, too. One that chooses between models is checked when it is read. */
function checkChanges(profile: JsonObject, changes: JsonObject): void {
  if (Object.keys(changes).length === 0) throw new OrcError({ code: 'bad_input', message: 'nothing is to be changed' })
  if (changes['name'] !== undefined) throw new OrcError({ code: 'bad_input', message: 'a profile keeps its name' })
  if ('choice' in profile) return
  const after = Object.entries({ ...profile, ...changes }).filter(([, value]) => value !== null)
  const checked = profileSchema.safeParse(Object.fromEntries(after))
  if (checked.success) return
  throw new OrcError(
    checked.error.issues.map(({ path, message }) => ({
      code: 'bad_input' as const,
      message: `${path.map(String).join('.') || 'the profile'}: ${message}`,
    })),
  )
}
