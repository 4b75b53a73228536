import * as z from 'zod'
import { profileSchema } from '../../config/schema.ts'
import type { JsonObject } from '../../events/values.ts'
import { ensembleJsonSchema } from '../../graph/ensemble-schema.ts'
import { defineOperation } from '../operation.ts'

export const overviewOperation = defineOperation({
  name: 'overview',
  summary: 'Explain what there is: folders, the keys of the files, and usual ways to work.',
  input: z.object({}),
  run: async (_, { app }) => ({
    overview:
      'An ensemble is a YAML file of agents: models, scripts and other ensembles, with who waits for whom. Running it is one run, with a record that can be replayed, a report, and an artifact folder.',
    directory_structure: {
      project: app.paths.project_dir ?? 'none: make one with llm-orc init',
      user: app.paths.config,
      library: app.paths.library_override ?? app.paths.library,
      'ensembles/': 'one YAML file each; folders below are fine',
      'profiles/': 'model profiles: a name for provider, model and settings',
      'scripts/CATEGORY/': 'scripts that agents can be: JSON on standard input, one JSON object on standard output',
      'roles/': 'prompts with a name',
      'artifacts/ENSEMBLE/TIME/': 'execution.json and execution.md of each run',
      'config.yaml': 'settings; the nearest file wins, key by key',
    },
    schemas: {
      ensemble: listKeys(ensembleJsonSchema()),
      agent: listKeys(findAgent(ensembleJsonSchema())),
      profile: listKeys(z.toJSONSchema(profileSchema, { io: 'input' }) as JsonObject),
    },
    workflows: {
      'run an ensemble': ['ensembles list', 'ensembles runnable NAME', 'run NAME INPUT', 'artifacts analyze NAME'],
      'make an ensemble': [
        'library search WORD',
        'ensembles create NAME --from-template OTHER',
        'ensembles check NAME',
        'ensembles runnable NAME',
      ],
      'change an ensemble': ['ensembles update NAME --changes JSON', 'the same with --no-dry-run'],
      'see what happened': ['runs list', 'runs show RUN', 'ensembles metrics NAME'],
    },
  }),
})

function listKeys(schema: JsonObject | undefined): readonly string[] {
  return Object.keys((schema?.['properties'] ?? {}) as JsonObject)
}

function findAgent(schema: JsonObject): JsonObject | undefined {
  const agents = (schema['properties'] as JsonObject | undefined)?.['agents'] as JsonObject | undefined
  const items = agents?.['items'] as JsonObject | undefined
  const reference = items?.['$ref']
  if (typeof reference !== 'string') return items
  return reference
    .split('/')
    .slice(1)
    .reduce<JsonObject | undefined>((at, key) => at?.[key] as JsonObject | undefined, schema)
}
