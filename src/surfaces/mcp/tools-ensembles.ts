import { findNamedEnsemble } from '../../app/named-ensemble.ts'
import { OrcError, type Problem } from '../../events/errors.ts'
import { listEnsembles, tellEnsemble } from './ensemble-tools.ts'
import { fields, flag, list, object, text } from './fields.ts'
import type { Given, ToolRow } from './tool-row.ts'

const ensemble_name = text('The name of the ensemble.')

export const ENSEMBLE_TOOLS: readonly ToolRow[] = [
  {
    name: 'list_ensembles',
    operation: 'ensembles list',
    description: 'List the ensembles that can be run: name, where from, number of agents, description.',
    inputSchema: fields({}),
    does: 'reads',
    run: async (_, { means }) => ({
      ensembles: (await listEnsembles(means)).map(tellEnsemble),
    }),
    show: (result) => (result as { readonly ensembles: unknown }).ensembles,
  },
  {
    name: 'validate_ensemble',
    operation: 'ensembles check',
    description: 'Check an ensemble without running it: every error with its line, and the number of agents.',
    inputSchema: fields({ ensemble_name }),
    does: 'reads',
    run: async ({ ensemble_name: name }, { means, perform }) => {
      const found = await findNamedEnsemble(means.app, String(name))
      const { valid, problems } = await perform<{ readonly valid: boolean; readonly problems: readonly Problem[] }>(
        'ensembles check',
        { name: found.name },
      )
      const listed = (await listEnsembles(means)).find(({ file }) => file === found.file)
      const tell = (wanted: boolean) =>
        problems
          .filter(({ severity }) => (severity === 'warning') === wanted)
          .map(({ message, line, column }) => (line === undefined ? message : `${line}:${column ?? 1}: ${message}`))
      return { valid, details: { errors: tell(false), warnings: tell(true), agent_count: listed?.agents ?? 0 } }
    },
  },
  {
    name: 'update_ensemble',
    operation: 'ensembles update',
    description:
      'Change an ensemble in its file; comments stay. `changes` has keys of the ensemble (null takes one away), add_agents, remove_agents and modify_agents. Shows a preview unless dry_run is false.',
    inputSchema: fields({
      ensemble_name,
      changes: object('What is to be changed.'),
      'dry_run?': flag('Only show what the file would be.', true),
      'backup?': flag('Keep the file as it was beside it.', true),
    }),
    does: 'removes',
    run: ({ ensemble_name: name, ...rest }, { perform }) => perform('ensembles update', { name, ...rest }),
  },
  {
    name: 'create_ensemble',
    operation: 'ensembles create',
    description: 'Write a new ensemble, from agents, or from another ensemble as a template.',
    inputSchema: fields({
      name: text('The name it gets.'),
      'description?': text('What it does, in one line.'),
      'agents?': list('Its agents, as in the YAML file.'),
      'from_template?': text('An ensemble whose parts it begins with.'),
    }),
    does: 'writes',
    run: (given, { perform }) => perform('ensembles create', given),
  },
  {
    name: 'delete_ensemble',
    operation: 'ensembles delete',
    description: 'Delete the file of an ensemble. Refused unless confirm is true.',
    inputSchema: fields({ ensemble_name, 'confirm?': flag('Really delete it.', false) }),
    does: 'removes',
    run: ({ ensemble_name: name, confirm }, { perform }) => perform('ensembles delete', { name, confirm }),
  },
  {
    name: 'check_ensemble_runnable',
    operation: 'ensembles runnable',
    description:
      'Say of each agent of an ensemble whether its profile, provider and model are there, and which profiles could be used instead.',
    inputSchema: fields({ ensemble_name }),
    does: 'reads',
    run: async ({ ensemble_name: name }, { means, perform }) => {
      const found = await findNamedEnsemble(means.app, String(name))
      const result = await perform<object>('ensembles runnable', { name: found.name })
      return { ...result, ensemble: found.name }
    },
  },
  {
    name: 'analyze_execution',
    operation: 'artifacts analyze',
    description: 'Say how one execution went: agents that succeeded and failed, cost, duration.',
    inputSchema: fields({ artifact_id: text('ENSEMBLE/ID, as the artifacts resource lists it.') }),
    does: 'reads',
    run: (given, { perform }) => perform('artifacts analyze', splitArtifact(given)),
  },
  {
    name: 'delete_artifact',
    operation: 'artifacts delete',
    description: 'Delete the folder of one execution; the record of the run stays. Refused unless confirm is true.',
    inputSchema: fields({
      artifact_id: text('ENSEMBLE/ID, as the artifacts resource lists it.'),
      'confirm?': flag('Really delete it.', false),
    }),
    does: 'removes',
    run: async (given, { perform }) => {
      await perform('artifacts delete', { ...splitArtifact(given), confirm: given['confirm'] })
      return { deleted: true, artifact_id: given['artifact_id'] }
    },
  },
  {
    name: 'cleanup_artifacts',
    operation: 'artifacts cleanup',
    description: 'Delete execution folders that are older than so many days. Only says which, unless dry_run is false.',
    inputSchema: fields({
      'ensemble_name?': text('Only of this ensemble.'),
      'older_than_days?': { type: 'number', minimum: 0, default: 30, description: 'How old they have to be.' },
      'dry_run?': flag('Only say which.', true),
    }),
    does: 'removes',
    run: async ({ ensemble_name: ensemble, older_than_days, dry_run = true }, { perform }) => {
      const { removed } = await perform<{ readonly removed: readonly { ensemble: string; id: string }[] }>(
        'artifacts cleanup',
        { ensemble, older_than_days, dry_run },
      )
      const ids = removed.map((place) => `${place.ensemble}/${place.id}`)
      return { dry_run, ...(dry_run === true ? { would_delete: ids } : { deleted: ids }), count: ids.length }
    },
  },
]

/** `review/20261121-…` names an execution of `review`; an ensemble's name may have slashes itself. */
function splitArtifact({ artifact_id: id }: Given): Given {
  const whole = String(id)
  const at = whole.lastIndexOf('/')
  if (at <= 0 || at === whole.length - 1)
    throw new OrcError({
      code: 'bad_input',
      message: `artifact_id is ENSEMBLE/ID, which ${JSON.stringify(whole.slice(0, 200))} is not`,
    })
  return { ensemble: whole.slice(0, at), execution: whole.slice(at + 1) }
}
