import { join } from 'node:path'
import type { Place, Problem } from '../events/errors.ts'
import type { Json } from '../events/values.ts'
import { isMap } from '../graph/report.ts'
import { parseYaml } from '../graph/yaml.ts'
import type { Config } from './config.ts'
import { blankComments } from './json-comments.ts'
import { type McpServerWords, mcpServerSchema } from './mcp-schema.ts'
import type { Level } from './paths.ts'
import { isForeign } from './project-limits.ts'
import { readTextFile } from './text-file.ts'

/** A server as somebody wrote it down; its `${...}` are not filled in. */
export interface McpServerEntry {
  readonly name: string
  readonly words: McpServerWords
  readonly level: Level
  readonly file: string
  readonly place: Place
  /** False where others may have written it: a project is trusted server by server. */
  readonly own: boolean
  /** The folder that relative places start from. */
  readonly folder: string
  /** Values that the file says it has to be asked for: `${input:ID}`. */
  readonly inputs: readonly string[]
  /** What a `.env` of a project gives to the variables that decide what is started or where something is sent. */
  readonly given?: { readonly [name: string]: string }
}

export interface McpServers {
  readonly servers: readonly McpServerEntry[]
  readonly problems: readonly Problem[]
}

/** Files of other programs, and the key their servers stand under. */
const FOREIGN = [
  { path: ['.mcp.json'], key: 'mcpServers' },
  { path: ['.cursor', 'mcp.json'], key: 'mcpServers' },
  { path: ['.vscode', 'mcp.json'], key: 'servers' },
] as const

/** Names that people write in references and commands. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/

/** All servers: `mcp_servers:` of the settings, the nearest first, then what other programs keep in the project. The first of a name counts. */
export async function readMcpServers({
  layers,
  paths,
  foreign = new Map(),
}: Pick<Config, 'layers' | 'paths' | 'foreign'>): Promise<McpServers> {
  const folder = paths.project ?? paths.cwd
  const servers = new Map<string, McpServerEntry>()
  const problems: Problem[] = []
  const add = (entry: McpServerEntry) => {
    const fault = findFault(entry)
    if (fault) problems.push({ code: 'config_invalid', severity: 'warning', ...fault, ...entry.place })
    else if (!servers.has(entry.name)) servers.set(entry.name, addGiven(entry, foreign))
  }
  for (const layer of layers) {
    const { level, file, data, place } = layer
    const { mcp_servers: listed } = data as { readonly mcp_servers?: { readonly [name: string]: McpServerWords } }
    for (const [name, words] of Object.entries(listed ?? {}))
      add({
        name,
        words,
        level,
        file: file ?? level,
        place: place(['mcp_servers', name]),
        own: !isForeign(layer, paths),
        folder,
        inputs: [],
      })
  }
  for (const { path, key } of FOREIGN) {
    const read = await readForeign(join(folder, ...path), key)
    problems.push(...read.problems)
    for (const { name, words, place, inputs } of read.servers)
      add({ name, words, level: 'project', file: join(folder, ...path), place, own: false, folder, inputs })
  }
  return { servers: [...servers.values()], problems }
}

/** Whoever gives a part of what is started has a hand in it: then nobody's own word is enough. */
function addGiven(entry: McpServerEntry, foreign: ReadonlyMap<string, string>): McpServerEntry {
  const { command = '', args = [], cwd = '', url = '' } = entry.words
  const used = [command, ...args, cwd, url].flatMap((text) => {
    const means: FillMeans = {
      variable: (name) => {
        if (foreign.has(name)) names.add(name)
        return ''
      },
      folder: '',
      home: '',
    }
    const names = new Set<string>()
    fillVariables(text, means)
    return [...names]
  })
  if (used.length === 0) return entry
  return { ...entry, own: false, given: Object.fromEntries(used.sort().map((name) => [name, foreign.get(name) ?? ''])) }
}

function findFault({ name, words }: McpServerEntry): { readonly message: string; readonly hint?: string } | undefined {
  if (!NAME.test(name))
    return { message: `"${name}" cannot be the name of a server`, hint: 'Use letters, digits, "_", "-" and ".".' }
  if (words.type === 'sse')
    return {
      message: `the server ${name} is of the type sse, which is no longer spoken`,
      hint: 'Ask for its http address.',
    }
  if ((words.command === undefined) === (words.url === undefined))
    return { message: `the server ${name} needs either a command or a url` }
  if (words.url !== undefined && !/^(https?:\/\/|\$\{)/.test(words.url))
    return { message: `the url of the server ${name} is no web address` }
  return undefined
}

interface ForeignRead {
  readonly servers: readonly Pick<McpServerEntry, 'name' | 'words' | 'place' | 'inputs'>[]
  readonly problems: readonly Problem[]
}

/** Takes what it knows and leaves the rest: keys such as `autoApprove` say nothing here. */
async function readForeign(file: string, key: string): Promise<ForeignRead> {
  const warn = (problem: Problem): ForeignRead => ({ servers: [], problems: [{ ...problem, severity: 'warning' }] })
  const read = await readTextFile(file)
  if (!read.found) return read.problem ? warn(read.problem) : { servers: [], problems: [] }
  const { data, problems, place } = parseYaml(blankComments(read.text), file)
  const [first] = problems
  if (first) return warn(first)
  const listed = isMap(data) ? data[key] : undefined
  if (!isMap(listed)) return { servers: [], problems: [] }
  const servers: ForeignRead['servers'][number][] = []
  const faults: Problem[] = []
  for (const [name, given] of Object.entries(listed)) {
    const known = isMap(given) ? Object.fromEntries(Object.entries(given).filter(([word]) => word in TAKEN)) : given
    const checked = mcpServerSchema.safeParse(known)
    if (checked.success)
      servers.push({ name, words: checked.data, place: place([key, name]), inputs: listInputs(data) })
    else {
      const { path, message } = checked.error.issues[0] ?? { path: [], message: 'not understood' }
      const where = [name, ...path].join('.')
      faults.push({
        code: 'config_invalid',
        message: `${where}: ${message}`,
        severity: 'warning',
        ...place([key, name]),
      })
    }
  }
  return { servers, problems: faults }
}

const TAKEN = { type: 1, command: 1, args: 1, env: 1, cwd: 1, url: 1, headers: 1 }

function listInputs(data: unknown): readonly string[] {
  const inputs = isMap(data) && Array.isArray(data['inputs']) ? (data['inputs'] as readonly Json[]) : []
  return inputs.flatMap((input) => (isMap(input) && typeof input['id'] === 'string' ? [input['id']] : []))
}

/** What a text with `${...}` is filled from. */
export interface FillMeans {
  variable(name: string): string | undefined
  readonly folder: string
  readonly home: string | undefined
}

/** The variable that answers `${input:ID}`, which other programs ask a person for. */
function nameInput(id: string): string {
  return `MCP_INPUT_${id.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`
}

/** `${VAR}`, `${VAR:-default}`, `${env:VAR}`, `${input:ID}`, `${workspaceFolder}` and `${userHome}`; what is missing is named. */
export function fillVariables(
  text: string,
  means: FillMeans,
): { readonly text: string; readonly missing: readonly string[] } {
  const missing: string[] = []
  const filled = text.replaceAll(/\$\{([^{}]*)\}/g, (whole, inside: string) => {
    if (inside === 'workspaceFolder') return means.folder
    if (inside === 'userHome' && means.home !== undefined) return means.home
    const input = /^input:(.+)$/.exec(inside)?.[1]
    const found = /^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inside)
    const name = input === undefined ? found?.[1] : nameInput(input)
    if (name === undefined) return whole
    const value = means.variable(name) || found?.[2]
    if (value === undefined) missing.push(name)
    return value ?? ''
  })
  return { text: filled, missing }
}
