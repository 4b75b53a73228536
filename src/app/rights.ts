import { isAbsolute, sep } from 'node:path'
import type { Paths } from '../config/paths.ts'
import { OrcError } from '../events/errors.ts'
import { mayDo, type Principal, type Right } from './principal.ts'

/**
 * The right each operation needs. What is missing here needs `admin`, so a forgotten line opens nothing; a test names it. What touches the
 * machine outside of a run's policy - commands, servers, sandboxes, keys - is for `admin`, too.
 */
const NEEDED: { readonly [operation: string]: Right } = {
  'approvals deny': 'approve',
  'approvals give': 'approve',
  'approvals list': 'read',
  'approvals show': 'read',
  'artifacts analyze': 'read',
  'artifacts cleanup': 'admin',
  'artifacts delete': 'write',
  'artifacts list': 'read',
  'artifacts show': 'read',
  batch: 'run',
  'batches cancel': 'run',
  'batches list': 'read',
  'batches resume': 'run',
  'batches show': 'read',
  'budgets list': 'admin',
  'cache clear': 'admin',
  'cache show': 'read',
  'chain delete': 'write',
  'chain list': 'read',
  'chain run': 'run',
  'chain save': 'write',
  'chain show': 'read',
  demo: 'admin',
  doctor: 'admin',
  'ensembles check': 'read',
  'ensembles create': 'write',
  'ensembles delete': 'write',
  'ensembles graph': 'read',
  'ensembles list': 'read',
  'ensembles metrics': 'read',
  'ensembles runnable': 'read',
  'ensembles show': 'read',
  'ensembles update': 'write',
  help: 'read',
  import: 'admin',
  init: 'admin',
  'keys create': 'admin',
  'keys list': 'admin',
  'keys revoke': 'admin',
  'library browse': 'read',
  'library copy': 'write',
  'library info': 'read',
  'library search': 'read',
  'library show': 'read',
  'mcp probe': 'admin',
  'mcp serve': 'admin',
  'mcp servers add': 'admin',
  'mcp servers list': 'admin',
  'mcp servers remove': 'admin',
  'mcp servers test': 'admin',
  'mcp servers trust': 'admin',
  'models ask': 'run',
  'models embed': 'run',
  'models list': 'read',
  'models show': 'read',
  overview: 'read',
  plan: 'run',
  'policy check': 'read',
  'policy explain': 'read',
  'profiles create': 'write',
  'profiles delete': 'write',
  'profiles list': 'read',
  'profiles update': 'write',
  'providers limits': 'read',
  'providers list': 'read',
  'providers test': 'run',
  quote: 'read',
  'recovery show': 'read',
  'roles list': 'read',
  'roles show': 'read',
  'routes explain': 'read',
  'routes what-if': 'read',
  run: 'run',
  'runs bisect': 'run',
  'runs cancel': 'run',
  'runs compare': 'read',
  'runs delete': 'write',
  'runs doctor': 'read',
  'runs export': 'admin',
  'runs fork': 'run',
  'runs import': 'admin',
  'runs list': 'read',
  'runs prune': 'write',
  'runs replay': 'read',
  'runs resolve': 'approve',
  'runs resume': 'run',
  'runs show': 'read',
  'runs steer': 'run',
  'runs tail': 'read',
  'runs upgrade': 'run',
  'sandbox bench': 'admin',
  'sandbox check': 'admin',
  'sandbox list': 'read',
  'scripts create': 'write',
  'scripts delete': 'write',
  'scripts list': 'read',
  'scripts show': 'read',
  'scripts test': 'admin',
  serve: 'admin',
  'tools list': 'read',
  'tools migrate': 'admin',
  'tools new': 'admin',
  'tools show': 'read',
  'tools test': 'admin',
  usage: 'read',
  'validate all': 'run',
  'validate category': 'run',
  'validate run': 'run',
  version: 'read',
  'workflow list': 'read',
  'workflow run': 'run',
}

/** Fields that say yes beforehand to what a person would be asked. */
const PERMITS: ReadonlySet<string> = new Set(['allow', 'accept_changed'])
/** Fields that name files of this machine. */
const FILES: ReadonlySet<string> = new Set(['docs', 'file', 'input_file', 'inputs_file', 'plan_file'])
/** Fields by which a provider's key would go elsewhere. */
const ADDRESSES: ReadonlySet<string> = new Set(['base_url', 'options'])
/** Fields that name things, and that take the path of a file from whoever sits at this machine. */
const NAMES: ReadonlySet<string> = new Set(['target', 'name', 'ensemble', 'source', 'destination', 'from_template'])
const IDS: ReadonlySet<string> = new Set(['run', 'other', 'batch'])
const PATH_LIKE = /^[/~]|\\|(^|\/)\.\.?(\/|$)|^[a-z]:|\0/i

export function rightFor(operation: string): Right {
  return (Object.hasOwn(NEEDED, operation) ? NEEDED[operation] : undefined) ?? 'admin'
}

export function isListed(operation: string): boolean {
  return Object.hasOwn(NEEDED, operation)
}

/** Throws OrcError `access_denied` for what the caller may not ask. The local user may ask everything. */
export function requireRight(
  { name: operation, input }: { readonly name: string; readonly input: object },
  principal: Principal | undefined,
  paths: Paths,
): void {
  if (!principal || principal.kind === 'local') return
  demand(principal, rightFor(operation), operation)
  const given = Object.entries(input).filter(([, value]) => isGiven(value))
  if (operation !== 'policy check' && given.some(([field]) => PERMITS.has(field)))
    demand(principal, 'approve', `${operation} with permits`)
  if (given.some(([field]) => ADDRESSES.has(field))) demand(principal, 'admin', `${operation} with an address`)
  for (const [field, value] of given) {
    const named =
      typeof value === 'string' &&
      ((NAMES.has(field) && PATH_LIKE.test(value) && !isOwnFile(value, paths)) || isNoId(field, value))
    if (FILES.has(field) || named)
      throw denied(`${field} may not name a file of the server`, 'Use a name that it lists.')
  }
}

/** Throws OrcError `access_denied`. */
export function demand(principal: Principal, right: Right, what: string): void {
  if (mayDo(principal, right)) return
  throw denied(`${what} needs the right ${right}, which ${principal.name} has not`, 'Use a key that has it.')
}

/** Files that the server lists itself: its own faces name what they have found by its path. */
function isOwnFile(path: string, { project_dir, config, system, library, library_override, legacy }: Paths): boolean {
  const folders = [project_dir, config, system, library, library_override, ...legacy]
  const isPlain = isAbsolute(path) && !path.split(/[\\/]/).includes('..')
  return isPlain && folders.some((folder) => folder !== undefined && path.startsWith(folder + sep))
}

/** `runs replay` takes the file of a bundle, too. */
function isNoId(field: string, value: string): boolean {
  return IDS.has(field) && !/^[\w-]+$/.test(value)
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0)
}

function denied(message: string, hint: string): OrcError {
  return new OrcError({ code: 'access_denied', message, hint })
}
