import { own } from './face-options.ts'
import type { Option } from './tree.ts'

/** What the operations table cannot say about a command: the words, letters and old spellings of this face. */
export interface Spelling {
  /** Input fields given by position, in order. */
  readonly positional?: readonly string[]
  /** Positional fields that can be given as an option too. */
  readonly also?: readonly string[]
  /** Other names of fields; without one, `max_concurrent` is `--max-concurrent`. */
  readonly flags?: { readonly [field: string]: Flag }
  /** Whole other spellings of the command. */
  readonly aliases?: readonly string[]
  /** The field that standard input may fill. */
  readonly stdin?: string
  /** Options of the face for this command only. */
  readonly own?: readonly Option[]
  readonly examples?: readonly string[]
}

export interface Flag {
  readonly long?: string
  readonly short?: string
  readonly old?: readonly string[]
  readonly placeholder?: string
  /** Instead of the field's own, where the flag turns it round. */
  readonly description?: string
}

const yes: Flag = { short: '-y', old: ['--yes'] }

const permits = { allow: { placeholder: 'PATTERN' }, deny: { placeholder: 'PATTERN' } } as const

const starts = { ...permits, cache: { description: 'Take no answer from the cache, and keep none.' } } as const

/** What may be run. */
const targets = {
  prompt: { short: '-p' },
  model: { short: '-m' },
  input_file: { short: '-f' },
  step: { placeholder: 'STEP' },
  param: { placeholder: 'NAME=VALUE' },
  plan: { placeholder: 'REQUEST' },
  plan_file: { placeholder: 'FILE' },
  planner_model: { placeholder: 'MODEL' },
} as const

const streaming: readonly Option[] = [
  {
    ...own,
    field: 'output_format',
    long: '--output-format',
    type: 'text',
    placeholder: 'json|text',
    choices: ['json', 'text'],
    description: 'The older way to choose: json prints events as lines while it runs, the result last.',
  },
  {
    ...own,
    field: 'streaming',
    long: '--no-streaming',
    type: 'boolean',
    placeholder: '',
    description: 'With --output-format json: the result alone, as one document of the older form.',
  },
  {
    ...own,
    hidden: true,
    field: 'streaming',
    long: '--streaming',
    old: ['--stream'],
    type: 'boolean',
    placeholder: '',
    description: '',
  },
  { ...own, hidden: true, field: 'detailed', long: '--detailed', type: 'boolean', placeholder: '', description: '' },
]

const format: readonly Option[] = [
  {
    ...own,
    hidden: true,
    field: 'output_format',
    long: '--format',
    type: 'text',
    placeholder: 'FORMAT',
    description: '',
  },
]

const verbose: readonly Option[] = [
  { ...own, hidden: true, field: 'detailed', long: '--verbose', type: 'boolean', placeholder: '', description: '' },
]

/** By the operation's name. An operation that is not here gets options only. */
export const SPELLINGS: { readonly [operation: string]: Spelling } = {
  demo: { own: streaming, examples: ['llm-orc demo'] },
  init: {
    positional: ['directory'],
    flags: { scripts: { description: 'Leave out the folder for scripts.' } },
    examples: ['llm-orc init', 'llm-orc init my-project --no-scripts'],
  },
  import: {
    positional: ['source'],
    flags: { to: { placeholder: 'DIR' } },
    examples: ['llm-orc import ./agents --dry-run', 'llm-orc import crew/config', 'llm-orc import litellm_config.yaml'],
  },
  run: {
    positional: ['target', 'input'],
    also: ['input'],
    flags: {
      ...targets,
      input: { old: ['--input-data'] },
      max_concurrent: { old: ['--max-concurrency'] },
      ...starts,
    },
    aliases: ['invoke', 'i'],
    stdin: 'input',
    own: streaming,
    examples: [
      'llm-orc run document-brief --input-file notes.md',
      'git diff | llm-orc run code-review',
      'llm-orc run -p "Why is the sky blue?"',
      'llm-orc run -p "Name a colour." --model ollama/gemma3 --model embedded',
      'llm-orc run -p "Rain" --step "Plan>/Poet)-ollama" --step "Critique>/Tester)-ollama"',
      'llm-orc run --plan "Compare tea and coffee for a long night" --planner-model ollama/gemma3',
      'llm-orc run document-brief "Some text." --output json | jq .status',
    ],
  },
  quote: {
    positional: ['target', 'input'],
    also: ['input'],
    flags: {
      ...targets,
      max_cost: { placeholder: 'DOLLARS' },
    },
    stdin: 'input',
    examples: ['llm-orc quote document-brief --input-file notes.md', 'llm-orc quote code-review --max-cost 0.50'],
  },
  'routes explain': {
    positional: ['run', 'step'],
    examples: ['llm-orc routes explain latest', 'llm-orc routes explain latest answer'],
  },
  'routes what-if': {
    positional: ['run'],
    flags: { weights: { placeholder: 'PART=NUMBER,...' } },
    examples: ['llm-orc routes what-if latest --weights cost=1,latency=0', 'llm-orc routes what-if --all --method ai3'],
  },
  usage: {
    flags: { since: { placeholder: 'TIME' }, until: { placeholder: 'TIME' }, ensemble: { placeholder: 'NAME' } },
    examples: [
      'llm-orc usage',
      'llm-orc usage --by model --since 30d',
      'llm-orc usage --by agent --ensemble code-review',
    ],
  },
  plan: {
    positional: ['request', 'input'],
    also: ['input'],
    flags: {
      model: { short: '-m' },
      input_file: { short: '-f' },
      save: { placeholder: 'FILE' },
      planner_model: { placeholder: 'MODEL' },
    },
    stdin: 'input',
    examples: [
      'llm-orc plan "Compare tea and coffee for a long night"',
      'llm-orc plan "Summarise these notes" --input-file notes.md --save plan.json',
    ],
  },
  'ensembles list': { aliases: ['list-ensembles', 'le'], own: format },
  'ensembles show': { positional: ['name'], examples: ['llm-orc ensembles show document-brief'] },
  'ensembles graph': { positional: ['name'], examples: ['llm-orc ensembles graph code-review --format mermaid'] },
  'ensembles check': {
    positional: ['name'],
    aliases: ['ensembles validate'],
    examples: ['llm-orc ensembles check .llm-orc/ensembles/mine.yaml'],
  },
  'ensembles runnable': { positional: ['name'], examples: ['llm-orc ensembles runnable code-review'] },
  'ensembles metrics': { positional: ['name'] },
  'ensembles create': {
    positional: ['name', 'description'],
    also: ['description'],
    examples: ['llm-orc ensembles create my-review "Reviews a change." --from-template code-review'],
  },
  'ensembles update': {
    positional: ['name'],
    flags: {
      dry_run: { description: 'Really write it, instead of showing what the file would be.' },
      backup: { description: 'Keep no copy of the file as it was.' },
    },
    examples: [`llm-orc ensembles update my-review --changes '{"description": "Reviews."}' --no-dry-run`],
  },
  'ensembles delete': { positional: ['name'], flags: { confirm: yes } },
  'artifacts analyze': { positional: ['ensemble', 'execution'], also: ['execution'] },
  'recovery show': { positional: ['run'], examples: ['llm-orc recovery show', 'llm-orc recovery show latest'] },
  'approvals list': { own: format },
  'approvals show': { positional: ['run', 'ask'] },
  'approvals give': { positional: ['run', 'ask'], examples: ['llm-orc approvals give latest deploy'] },
  'approvals deny': {
    positional: ['run', 'ask'],
    examples: ['llm-orc approvals deny latest deploy --reason "not on a Friday"'],
  },
  'policy check': {
    positional: ['tool', 'arguments'],
    flags: permits,
    examples: ['llm-orc policy check bash "git push"'],
  },
  'policy explain': { positional: ['tool', 'arguments'], flags: permits },
  'chain list': { aliases: ['list-chains'], own: format },
  'chain show': { positional: ['name'] },
  'chain run': {
    positional: ['name', 'input'],
    also: ['input'],
    flags: { prompt: { short: '-p' }, input_file: { short: '-f' }, ...starts },
    stdin: 'input',
    own: streaming,
    examples: ['llm-orc chain run review -p "A function that reverses a list"'],
  },
  'chain save': {
    positional: ['name'],
    flags: { step: { placeholder: 'STEP' } },
    examples: ['llm-orc chain save review --step "Plan>/Developer)-gemini" --step "Critique>/Tester)-grok"'],
  },
  'chain delete': { positional: ['name'], flags: { confirm: yes }, aliases: ['chain remove'] },
  'workflow list': { aliases: ['list-workflows'], own: format },
  'workflow run': {
    positional: ['name', 'input'],
    also: ['input'],
    flags: { prompt: { short: '-p' }, input_file: { short: '-f' }, param: { placeholder: 'NAME=VALUE' }, ...starts },
    stdin: 'input',
    own: streaming,
    examples: ['llm-orc workflow run sequential_elaboration --param user_prompt="What is tea?"'],
  },
  'validate run': { positional: ['name'], own: verbose },
  'validate category': { positional: ['category'], own: verbose },
  'validate all': { own: verbose },
  'runs list': { own: format, examples: ['llm-orc runs list --all --output json'] },
  'runs show': {
    positional: ['run'],
    flags: { at: { placeholder: 'SEQ' } },
    examples: ['llm-orc runs show latest', 'llm-orc runs show latest --timeline', 'llm-orc runs show latest --at 12'],
  },
  'runs tail': { positional: ['run'], examples: ['llm-orc runs tail latest --output json | head -3'] },
  'runs replay': { positional: ['run'], aliases: ['runs verify'], examples: ['llm-orc runs replay latest'] },
  'runs cancel': { positional: ['run'] },
  'runs resume': { positional: ['run'], flags: permits, own: streaming },
  'runs resolve': {
    positional: ['run', 'step', 'outcome', 'answer'],
    also: ['outcome', 'answer'],
    examples: ['llm-orc runs resolve latest deploy done --answer "deployed by hand"'],
  },
  'runs steer': {
    positional: ['run', 'text'],
    examples: [
      'llm-orc runs steer latest "Leave the tests alone."',
      'llm-orc runs steer latest "Only the API." --step review',
    ],
  },
  'runs doctor': { positional: ['run'], examples: ['llm-orc runs doctor', 'llm-orc runs doctor latest --repair'] },
  'runs delete': { positional: ['run'], flags: { confirm: yes } },
  'runs export': {
    positional: ['run', 'file'],
    flags: { redact: { placeholder: 'WHAT' } },
    examples: ['llm-orc runs export latest run.bundle', 'llm-orc runs export latest run.bundle --redact step:pay'],
  },
  'runs import': { positional: ['file'], examples: ['llm-orc runs import run.bundle'] },
  'runs fork': {
    positional: ['run'],
    flags: {
      at: { placeholder: 'SEQ' },
      model: { placeholder: 'STEP=MODEL' },
      prompt: { placeholder: 'STEP=TEXT' },
      answer: { placeholder: 'STEP=TEXT' },
      ...permits,
    },
    examples: ['llm-orc runs fork latest --at 12 --model reviewer=openai/gpt-5.6'],
  },
  'runs compare': { positional: ['a', 'b'], examples: ['llm-orc runs compare 20261121-05 latest'] },
  'runs bisect': {
    positional: ['a', 'b'],
    flags: { definition: { placeholder: 'NAME' } },
    examples: ['llm-orc runs bisect 20261121-05 latest', 'llm-orc runs bisect latest --definition now'],
  },
  'runs upgrade': {
    positional: ['run'],
    flags: { definition: { placeholder: 'NAME' } },
    examples: ['llm-orc runs upgrade latest --check', 'llm-orc runs upgrade latest'],
  },
  'runs prune': {
    flags: { older_than: { placeholder: 'DAYS', old: ['--older-than-days'] } },
    examples: ['llm-orc runs prune --older-than 30 --dry-run'],
  },
  'artifacts list': { positional: ['ensemble'], own: format },
  'artifacts show': { positional: ['ensemble', 'execution'], also: ['execution'], own: format },
  'artifacts delete': { positional: ['ensemble', 'execution'], flags: { confirm: yes } },
  'artifacts cleanup': {
    positional: ['ensemble'],
    flags: { older_than_days: { long: '--older-than', old: ['--older-than-days'], placeholder: 'DAYS' } },
  },
  'scripts list': { positional: ['category'], own: format },
  'scripts show': { positional: ['name'] },
  'scripts test': {
    positional: ['name', 'input'],
    also: ['input'],
    own: format,
    examples: ['llm-orc scripts test primitives/file-ops/read_file.py --parameters \'{"path": "notes.md"}\''],
  },
  'tools list': { positional: ['name'], own: format },
  'tools show': { positional: ['name'], examples: ['llm-orc tools show calculator@^1'] },
  'tools test': {
    positional: ['name'],
    own: format,
    examples: ['llm-orc tools test calculator@^1 --arguments \'{"operation": "add", "a": 1, "b": 2}\''],
  },
  'tools new': { positional: ['name'], examples: ['llm-orc tools new count-characters --language python'] },
  'tools migrate': {
    positional: ['name', 'to'],
    examples: [
      'llm-orc tools migrate calculator@1.0.0 2.0.0 --arguments \'{"operation": "add", "a": 1, "b": 2}\'',
      'llm-orc tools migrate calculator@2.0.0 1.1.0 --rollback --arguments \'{"numbers": [1, 2]}\'',
    ],
  },
  'providers list': {},
  'providers limits': {},
  'providers test': { positional: ['provider', 'model'], also: ['model'], aliases: ['test-provider'] },
  'models list': { examples: ['llm-orc models list', 'llm-orc models list --provider anthropic'] },
  'models show': { positional: ['model'], examples: ['llm-orc models show anthropic/claude-sonnet-4-5'] },
  'profiles create': {
    positional: ['name', 'provider', 'model'],
    also: ['provider', 'model'],
    examples: ['llm-orc profiles create fast ollama gemma3'],
  },
  'profiles update': {
    positional: ['name'],
    flags: { backup: { description: 'Keep no copy of the file as it was.' } },
    examples: [`llm-orc profiles update fast --changes '{"temperature": 0}'`],
  },
  'profiles delete': { positional: ['name'], flags: { confirm: yes } },
  'scripts create': { positional: ['category', 'name'], examples: ['llm-orc scripts create text count_lines'] },
  'scripts delete': { positional: ['category', 'name'], flags: { confirm: yes } },
  'library browse': { positional: ['category'], aliases: ['library list'], examples: ['llm-orc library browse'] },
  'library show': { positional: ['name'] },
  'library search': { positional: ['query'], examples: ['llm-orc library search review'] },
  'library copy': {
    positional: ['source', 'destination'],
    also: ['destination'],
    examples: ['llm-orc library copy code-review', 'llm-orc library copy ensembles/code-review.yaml reviews/mine.yaml'],
  },
  'library info': { aliases: ['library categories'] },
  'roles list': {},
  'roles show': { positional: ['name'] },
  overview: { examples: ['llm-orc overview'] },
  'profiles list': { aliases: ['list-profiles', 'lp'] },
  batch: {
    positional: ['target'],
    flags: {
      inputs: { long: '--input' },
      inputs_file: { short: '-f', placeholder: 'FILE' },
      model: { short: '-m' },
      ...permits,
    },
    examples: ['llm-orc batch document-brief --inputs-file questions.txt --concurrency 8'],
  },
  'batches show': { positional: ['batch'] },
  'batches resume': { positional: ['batch'] },
  'batches cancel': { positional: ['batch'] },
  serve: { positional: ['name'], examples: ['llm-orc serve', 'llm-orc serve --port 8080'] },
  'mcp serve': { examples: ['llm-orc mcp serve', 'llm-orc mcp serve --transport http --port 8080'] },
  version: {},
  'cache show': { examples: ['llm-orc cache show'] },
  'cache clear': {
    flags: { confirm: yes, older_than: { placeholder: 'DAYS' } },
    examples: ['llm-orc cache clear --confirm', 'llm-orc cache clear --older-than 30 --confirm'],
  },
  'mcp servers add': {
    positional: ['name', 'what'],
    flags: { env: { placeholder: 'NAME=VALUE' }, header: { placeholder: 'NAME=VALUE' } },
    examples: [
      'llm-orc mcp servers add files "npx -y @modelcontextprotocol/server-filesystem ."',
      "llm-orc mcp servers add shop https://example.com/mcp --header 'Authorization=Bearer ${TOKEN}'",
    ],
  },
  'keys create': {
    positional: ['name'],
    examples: ['llm-orc keys create ci --scopes read --scopes run --expires 30d'],
  },
  'keys revoke': { positional: ['key'], examples: ['llm-orc keys revoke ci --confirm'] },
  'mcp servers remove': { positional: ['name'] },
  'mcp servers test': { positional: ['name'] },
  'mcp servers trust': { positional: ['name'], flags: { digest: { placeholder: 'DIGEST' } } },
  'mcp probe': {
    positional: ['what'],
    flags: { env: { placeholder: 'NAME=VALUE' }, header: { placeholder: 'NAME=VALUE' } },
    examples: ['llm-orc mcp probe http://127.0.0.1:3000/mcp'],
  },
}
