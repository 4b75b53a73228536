import { isAbsolute } from 'node:path'
import type { FoundTool, ToolShop } from '../effects/tool.ts'
import type { Problem } from '../events/errors.ts'
import type { PinnedTool, ToolRequest } from '../events/tool-call.ts'
import { findMismatches } from '../graph/json-schema.ts'
import { compileRegex } from '../graph/linear-regex.ts'
import { notStarted } from '../sandbox/sandbox.ts'
import { type CatalogEntry, describeChoice, findEntry, findPinned } from '../tools/catalog.ts'
import type { RunCommand } from '../tools/command.ts'
import { parseToolReference } from '../tools/version.ts'
import type { PolicyLevel } from '../trust/policy.ts'
import type { App } from './app.ts'
import { listGoverned } from './governed.ts'
import {
  isScriptReference,
  listBuiltins,
  type ReadTools,
  readFolderTools,
  readScriptTool,
  type ToolPorts,
} from './tool-sources.ts'

/** Tools that live in other programs. */
export interface ForeignTools {
  /** `mcp:SERVER:NAME` or `mcp:SERVER:*`. */
  resolve(reference: string): Promise<ResolvedTools>
  find(request: ToolRequest): Promise<FoundTool | undefined>
}

export interface ToolsOptions {
  readonly mcp?: ForeignTools
  /** What the person said may be done: by it hosts and folders are open that no tool may touch otherwise. */
  readonly levels?: readonly PolicyLevel[]
  /** Runs the programs of tools behind the wall that fits what they may touch. */
  readonly run?: RunCommand
  readonly resolve?: (host: string) => Promise<readonly string[]>
}

export interface ResolvedTools {
  readonly tools: readonly PinnedTool[]
  readonly problems: readonly Problem[]
}

type ToolApp = Pick<App, 'paths' | 'env'>

/** The tools that references name, each pinned as it is now. A name is used once: a model could not tell two of them apart. */
export async function resolveTools(
  app: ToolApp,
  references: readonly string[],
  options: ToolsOptions = {},
): Promise<ResolvedTools> {
  const ports = createToolPorts(app, options)
  const tools = new Map<string, PinnedTool>()
  const problems: Problem[] = []
  for (const reference of new Set(references)) {
    const resolved = await resolveOne(app, reference, { ports, mcp: options.mcp })
    problems.push(...resolved.problems)
    for (const tool of resolved.tools) {
      const other = tools.get(tool.name)
      if (other && other.digest !== tool.digest) {
        const message = `"${reference}" names a second tool called ${tool.name}, beside ${other.name}@${other.version} (${other.source})`
        problems.push({ code: 'tool_ambiguous', message, hint: 'Take one of them.' })
      } else tools.set(tool.name, tool)
    }
  }
  return { tools: [...tools.values()], problems }
}

/** Finds pinned tools again when they are called. What an old run pinned is found in its own version, as long as that is there. */
export function createToolShop(app: ToolApp, options: ToolsOptions = {}): ToolShop {
  const ports = createToolPorts(app, options)
  return {
    cwd: app.paths.project ?? app.paths.cwd,
    async find(request) {
      const { tool: name, version, source, digest } = request
      if (source.startsWith('mcp:')) return options.mcp?.find(request)
      const entries = await listCandidates(app, { name, source }, ports)
      const entry = findPinned(entries, { name, version, source, digest })
      return entry && { tool: entry.create(), digest: entry.pinned.digest, outside: entry.outside }
    },
  }
}

/** Everything there is without a server being asked, nearest first. */
export async function readCatalog(app: ToolApp, options: ToolsOptions = {}, name?: string): Promise<ReadTools> {
  const ports = createToolPorts(app, options)
  const folders = await readFolderTools(app, ports, name)
  const builtins = listBuiltins(ports).filter(({ pinned }) => name === undefined || pinned.name === name)
  return { ...folders, entries: [...builtins, ...folders.entries] }
}

async function resolveOne(
  app: ToolApp,
  reference: string,
  { ports, mcp }: { readonly ports: ToolPorts; readonly mcp: ForeignTools | undefined },
): Promise<ResolvedTools> {
  const missing = (hint: string, problems: readonly Problem[] = []): ResolvedTools => ({
    tools: [],
    problems: [...problems, { code: 'tool_missing', message: `there is no tool "${reference}"`, hint }],
  })
  if (reference.startsWith('mcp:'))
    return mcp ? mcp.resolve(reference) : missing('There are no MCP servers here. See: llm-orc mcp servers list')
  if (isScriptReference(reference)) {
    const script = await readScriptTool(app, ports, reference)
    return script
      ? { tools: [script.pinned], problems: [] }
      : missing('Name a script that asks nobody. See: llm-orc scripts list')
  }
  const wanted = parseToolReference(reference)
  if (!wanted) return missing('Write NAME, NAME@RANGE, script:PATH or mcp:SERVER:*, for example calculator@^1.2')
  const { entries, problems } = await readNamed(app, wanted.name, ports)
  const found = findEntry(entries, wanted)
  if (found) return { tools: [found.pinned], problems: problems.filter(({ severity }) => severity === 'warning') }
  const all = entries.length > 0 ? entries : (await readCatalog(app)).entries
  return missing(describeChoice(all, reference), problems)
}

async function listCandidates(
  app: ToolApp,
  { name, source }: { readonly name: string; readonly source: string },
  ports: ToolPorts,
): Promise<readonly CatalogEntry[]> {
  if (!isScriptReference(source)) return (await readNamed(app, name, ports)).entries
  const script = await readScriptTool(app, ports, source)
  return script ? [script] : []
}

async function readNamed(app: ToolApp, name: string, ports: ToolPorts): Promise<ReadTools> {
  const builtin = listBuiltins(ports).filter(({ pinned }) => pinned.name === name)
  return builtin.length > 0 ? { entries: builtin, files: [], problems: [] } : readFolderTools(app, ports, name)
}

function createToolPorts(app: ToolApp, options: ToolsOptions): ToolPorts {
  const { levels = [], run = refuseToRun, resolve } = options
  return {
    run,
    regex: compileRegex,
    check: findMismatches,
    variable: (name) => app.env.values.get(name),
    open: { read: listOpenFolders(levels, 'read_file'), write: listOpenFolders(levels, 'write_file') },
    closed: listGoverned(app.paths),
    private_hosts: listPrivateHosts(levels),
    ...(resolve ? { resolve } : {}),
  }
}

/** Who only looks at tools runs none. */
const refuseToRun: RunCommand = async () =>
  notStarted('process', {
    refusal: { code: 'sandbox_missing', message: 'no sandbox was given for the programs of tools' },
  })

/** Places outside of the project that a trusted rule allows whole: `/a/file` and `/a/folder/**`. Anything narrower stays closed. */
function listOpenFolders(levels: readonly PolicyLevel[], tool: string): readonly string[] {
  return listAllowing(levels, tool).flatMap(({ path = '' }) => {
    const folder = path.replace(/\/\*\*$/, '')
    return isAbsolute(folder) && !/[*?[\]{}()!]/.test(folder) ? [folder] : []
  })
}

/** Hosts that a trusted rule allows by their full name: saying so opens them though they are private. */
function listPrivateHosts(levels: readonly PolicyLevel[]): readonly string[] {
  return listAllowing(levels, 'http_fetch').flatMap(({ host, tool }) => {
    const named = host ?? URL.parse(tool.argument ?? '')?.host ?? ''
    return named === '' || /[*?]/.test(named) ? [] : [named.toLowerCase()]
  })
}

function listAllowing(levels: readonly PolicyLevel[], tool: string) {
  return levels.flatMap(({ rules, trusted }) =>
    rules.filter((rule) => trusted && rule.decision === 'allow' && rule.tool.name === tool),
  )
}
