import { findNamedEnsemble } from '../../app/named-ensemble.ts'
import { OrcError } from '../../events/errors.ts'
import { fields, SEED, text } from './fields.ts'
import type { McpMeans } from './means.ts'
import type { OfferedTool } from './offer.ts'
import { tellProblems } from './problem-lines.ts'
import { runForClient } from './run.ts'
import { makeTool, type ToolRow } from './tool-row.ts'
import { ENSEMBLE_TOOLS } from './tools-ensembles.ts'
import { FILE_TOOLS } from './tools-files.ts'

interface State {
  readonly provider: string
  readonly available: boolean
  readonly reason: string
  readonly models?: readonly string[]
}

const OTHER_TOOLS: readonly ToolRow[] = [
  {
    name: 'get_provider_status',
    operation: 'providers list',
    description: 'Say which providers can be used now, why others cannot, and which models they have.',
    inputSchema: fields({}),
    does: 'reads',
    run: async (_, { means, perform }) => {
      const { providers } = await perform<{ readonly providers: readonly State[] }>('providers list')
      const told = providers.map(({ provider, available, reason, models }) => [
        provider,
        { available, reason, ...(models ? { models, model_count: models.length } : {}) },
      ])
      // The providers are those of the settings, so it is said here what is wrong with these.
      return { providers: Object.fromEntries(told), ...tellProblems(means.app.warnings) }
    },
  },
  {
    name: 'get_help',
    operation: 'overview',
    description: 'Explain what there is: folders, the keys of the files, these tools, and usual ways to work.',
    inputSchema: fields({}),
    does: 'reads',
    run: async (_, { perform }) => ({
      ...(await perform<object>('overview')),
      tools: Object.fromEntries([INVOKE, ...ROWS].map(({ name, description }) => [name, description])),
      workflows: {
        'run an ensemble': ['list_ensembles', 'check_ensemble_runnable', 'invoke', 'analyze_execution'],
        'make an ensemble': [
          'library_search',
          'create_ensemble',
          'validate_ensemble',
          'check_ensemble_runnable',
          'invoke',
        ],
        'change an ensemble': [
          'update_ensemble (a preview)',
          'update_ensemble with dry_run: false',
          'validate_ensemble',
        ],
      },
    }),
  },
]

/** Those that do what one operation does. */
export const ROWS: readonly ToolRow[] = [...ENSEMBLE_TOOLS, ...FILE_TOOLS, ...OTHER_TOOLS]

const INVOKE = {
  name: 'invoke',
  description:
    'Run an ensemble on an input and answer with what each agent said. Tells how it goes while it runs; what it asks is asked of you.',
  inputSchema: fields({
    ensemble_name: text('The name of the ensemble.'),
    'input_data?': text('What it is to work on.'),
    'input?': text('The same, in the other spelling.'),
    'seed?': SEED,
    'output_format?': text('text: the answer alone; json: everything (the usual).', { enum: ['json', 'text'] }),
  }),
  annotations: { readOnlyHint: false, openWorldHint: true },
} as const

/** The tools under the names of LLM Orchestra. */
export function makeTools(means: McpMeans): readonly OfferedTool[] {
  const invoke: OfferedTool = {
    ...INVOKE,
    call: async (given, ask) => {
      const found = await findNamedEnsemble(means.app, String(given['ensemble_name']))
      if (given['input'] !== undefined && given['input_data'] !== undefined)
        throw new OrcError({ code: 'bad_input', message: 'input and input_data are one thing; give one of them' })
      const input = (given['input_data'] ?? given['input']) as string | undefined
      const plain = given['output_format'] === 'text'
      return runForClient(means, { target: found.name, input, seed: given['seed'], plain }, ask)
    },
  }
  return [invoke, ...ROWS.map((row) => makeTool(means, row))]
}
