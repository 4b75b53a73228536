/**
 * Where an operation stands on the HTTP face. Its words are its address: `NOUN VERB` is below `/v1/NOUNS`, in this order of rules.
 *
 * 1. `list` reads the collection: `GET /v1/runs`.
 * 2. `show` reads one item, `delete` and `remove` take it away: `GET /v1/runs/{run}`, `DELETE /v1/runs/{run}`.
 * 3. Any other verb stands behind the item where the operation needs one, else behind the collection: `POST /v1/runs/{run}/cancel`,
 *    `GET /v1/runs/compare`.
 * 4. `GET` when it only reads; what it is given is in the query. Else `POST`, with a JSON object.
 */
export interface OperationRoute {
  readonly method: 'get' | 'post' | 'delete'
  /** `/v1/runs/{run}/cancel` */
  readonly path: string
  /** Fields of the input that are part of the path, in order. */
  readonly keys: readonly string[]
  /** Begins or moves a run: answers as soon as the run is under way, unless asked to wait. */
  readonly detaches: boolean
}

export interface RoutedOperation {
  readonly name: string
  readonly fields: readonly string[]
  readonly required: readonly string[]
}

/** Operations about the terminal and the files of whoever sits there; a caller has neither. */
const NOT_HERE: ReadonlySet<string> = new Set([
  'demo',
  'import',
  'init',
  'mcp serve',
  'runs export',
  'runs import',
  'runs tail',
  'serve',
])

/** Fields that name files of the server's machine, or that this face says in another way. */
export const FIELDS_NOT_HERE: ReadonlySet<string> = new Set([
  'detach',
  'docs',
  'input_file',
  'inputs_file',
  'plan_file',
  'save',
])

/** What is needed to name one item; for all other nouns its `name`. */
const KEYS: { readonly [noun: string]: readonly string[] } = {
  approvals: ['run', 'ask'],
  artifacts: ['ensemble', 'execution'],
  batches: ['batch'],
  keys: ['key'],
  policy: [],
  library: [],
  providers: ['provider'],
  runs: ['run'],
}

const PLURALS: { readonly [noun: string]: string } = {
  batch: 'batches',
  chain: 'chains',
  // `/v1/models` is the OpenAI-compatible face.
  models: 'registry',
  sandbox: 'sandboxes',
  workflow: 'workflows',
}

const READS: ReadonlySet<string> = new Set([
  'analyze',
  'browse',
  'check',
  'compare',
  'explain',
  'graph',
  'info',
  'limits',
  'list',
  'metrics',
  'overview',
  'quote',
  'replay',
  'runnable',
  'search',
  'show',
  'usage',
  'version',
  'what-if',
])

/** Their last word reads elsewhere. */
const ACTS: ReadonlySet<string> = new Set(['sandbox check'])

const TAKES_AWAY: ReadonlySet<string> = new Set(['delete', 'remove'])

const MOVES_RUNS: ReadonlySet<string> = new Set([
  'batch',
  'batches resume',
  'approvals deny',
  'approvals give',
  'runs cancel',
  'runs fork',
  'runs resolve',
  'runs resume',
  'runs steer',
  'runs upgrade',
])

/** Those whose words say something else than where they belong. */
const PATHS: { readonly [name: string]: string } = { batch: '/v1/batches', run: '/v1/runs' }

/** Undefined for what this face does not offer. */
export function routeOperation({ name, fields, required }: RoutedOperation): OperationRoute | undefined {
  if (NOT_HERE.has(name)) return undefined
  const words = name.split(' ')
  const verb = words.at(-1) as string
  const detaches = MOVES_RUNS.has(name) || fields.includes('detach')
  const own = PATHS[name]
  if (own !== undefined) return { method: 'post', path: own, keys: [], detaches }
  const nouns = words.slice(0, -1)
  const noun = nouns.at(-1) ?? ''
  const keys = (KEYS[noun] ?? ['name']).filter((key) => required.includes(key))
  const above = nouns.map((word, index) => (index === nouns.length - 1 ? (PLURALS[word] ?? word) : word))
  const collection = ['/v1', ...above].join('/')
  const item = [collection, ...keys.map((key) => `{${key}}`)].join('/')
  if (verb === 'list' && nouns.length > 0) return { method: 'get', path: collection, keys: [], detaches }
  if (verb === 'show' && keys.length > 0) return { method: 'get', path: item, keys, detaches }
  if (TAKES_AWAY.has(verb) && keys.length > 0) return { method: 'delete', path: item, keys, detaches }
  return { method: READS.has(verb) && !ACTS.has(name) ? 'get' : 'post', path: `${item}/${verb}`, keys, detaches }
}
