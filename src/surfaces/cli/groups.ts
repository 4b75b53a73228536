import type { Group } from './tree.ts'

/** The first words of several commands, in the order help shows them. */
export const GROUPS: readonly Omit<Group, 'help'>[] = [
  { name: 'ensembles', aliases: [], summary: 'Look at ensembles and check them.' },
  { name: 'chain', aliases: ['chains'], summary: 'Chains: prompts that pass from model to model.' },
  { name: 'workflow', aliases: ['workflows'], summary: 'Workflows: steps with parameters, templates and gates.' },
  { name: 'validate', aliases: [], summary: 'Run ensembles against their own validation sections.' },
  { name: 'recovery', aliases: [], summary: 'What was done about failures.' },
  { name: 'approvals', aliases: [], summary: 'Say yes or no to what runs ask to be allowed.' },
  { name: 'policy', aliases: [], summary: 'Try out what the rules allow.' },
  { name: 'runs', aliases: [], summary: 'Look at runs, steer them, replay them.' },
  { name: 'batches', aliases: [], summary: 'Many runs of one definition.' },
  { name: 'routes', aliases: [], summary: 'Why a step went to its model, and where else it might have gone.' },
  {
    name: 'library',
    aliases: ['l'],
    summary: 'What ships with the program, or stands in a library of yours, to copy from.',
  },
  { name: 'roles', aliases: [], summary: 'Prompts with a name, which agents may take.' },
  { name: 'artifacts', aliases: ['ar'], summary: 'The readable folders that runs leave.' },
  { name: 'cache', aliases: [], summary: 'Answers that are given again instead of being paid for again.' },
  { name: 'scripts', aliases: ['sc'], summary: 'Scripts that agents can be.' },
  { name: 'tools', aliases: [], summary: 'Tools that agents may call.' },
  { name: 'mcp', aliases: [], summary: 'MCP: servers whose tools agents may call, and this program as a server.' },
  { name: 'sandbox', aliases: [], summary: 'Walls around what runs: which there are and what they hold.' },
  { name: 'mcp servers', aliases: [], summary: 'The servers of this user and project.' },
  { name: 'providers', aliases: [], summary: 'Who answers for the models.' },
  { name: 'models', aliases: [], summary: 'What models cost, hold and can do.' },
  { name: 'budgets', aliases: [], summary: 'Budgets that runs share.' },
  { name: 'keys', aliases: [], summary: 'Who may ask the server, and for what.' },
  { name: 'profiles', aliases: [], summary: 'Model profiles: names for provider, model and settings.' },
]
