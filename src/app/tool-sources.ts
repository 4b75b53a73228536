import { dirname } from 'node:path'
import { measureScript } from '../config/script-file.ts'
import { resolveScript } from '../config/scripts.ts'
import { readToolFile, type ToolFile, type ToolWords } from '../config/tool-file.ts'
import { findToolFolders } from '../config/tool-files.ts'
import type { Problem } from '../events/errors.ts'
import type { PinnedTool } from '../events/tool-call.ts'
import type { PinnedScript } from '../graph/script.ts'
import { type BuiltinPorts, createBuiltinTool, pinBuiltin } from '../tools/builtin/builtin.ts'
import { BUILTINS } from '../tools/builtins.ts'
import type { CatalogEntry } from '../tools/catalog.ts'
import { pinTool } from '../tools/digest.ts'
import { createProgramTool, type ProgramPorts } from '../tools/program-tool.ts'
import { isAlias, isToolName, isVersion } from '../tools/version.ts'
import type { App } from './app.ts'

export type ToolPorts = BuiltinPorts & ProgramPorts

const TOOL_WORDS: ToolWords = { node: process.execPath, isName: isToolName, isVersion, isAlias }
/** Words that name sources of tools in patterns and references. */
const RESERVED: ReadonlySet<string> = new Set([...BUILTINS.map(({ name }) => name), 'mcp', 'script', 'model'])
/** Scripts have no versions: their digest alone says whether they are the same. */
const SCRIPT_VERSION = '0.0.0'
const SCRIPT_REFERENCE = 'script:'

export interface ReadTools {
  readonly entries: readonly CatalogEntry[]
  readonly files: readonly ToolFile[]
  readonly problems: readonly Problem[]
}

export function listBuiltins(ports: BuiltinPorts): readonly CatalogEntry[] {
  return BUILTINS.map((builtin) => ({
    pinned: pinBuiltin(builtin),
    version: builtin.version,
    aliases: [],
    distance: 0,
    place: 'built in',
    outside: builtin.outside === true,
    create: () => createBuiltinTool(builtin, ports),
  }))
}

/** The tools of all folders, or those of one name. What cannot be read is named and left out. */
export async function readFolderTools(app: Pick<App, 'paths'>, ports: ToolPorts, name?: string): Promise<ReadTools> {
  const entries: CatalogEntry[] = []
  const files: ToolFile[] = []
  const problems: Problem[] = []
  for (const place of await findToolFolders(app.paths, name)) {
    const read = await readToolFile(place, TOOL_WORDS)
    problems.push(...read.problems)
    if (!read.tool) continue
    if (RESERVED.has(read.tool.name)) {
      const { file } = read.tool
      problems.push({
        code: 'tool_invalid',
        message: `the name ${read.tool.name} belongs to a tool that is built in`,
        hint: 'Choose another name.',
        file,
      })
      continue
    }
    files.push(read.tool)
    entries.push(describeFolderTool(read.tool, 1 + place.distance, ports))
  }
  return { entries, files, problems }
}

function describeFolderTool(file: ToolFile, distance: number, ports: ToolPorts): CatalogEntry {
  const { name, version, description, input_schema, output_schema, safety, permissions, implementation, folder } = file
  const source = implementation.kind === 'module' ? 'plugin' : 'catalog'
  const schemas = { input_schema, ...(output_schema === undefined ? {} : { output_schema }) }
  const definition = { name, version, description, ...schemas, safety, permissions, source }
  const pinned = pinTool(definition, file.parts as unknown as { path: string; sha256: string }[])
  const { aliases } = file
  const create = () => createProgramTool(pinned, { program: implementation, folder }, ports)
  return { pinned, version, aliases, distance, place: folder, outside: (permissions.hosts ?? []).length > 0, create }
}

type ScriptFile = Extract<PinnedScript, { type: 'file' }>

/** A script as a tool: `script:PATH`. Undefined when there is no such script. */
export async function readScriptTool(
  app: Pick<App, 'paths'>,
  ports: ToolPorts,
  reference: string,
): Promise<CatalogEntry | undefined> {
  const path = reference.slice(SCRIPT_REFERENCE.length)
  const script = await resolveScript(path, app.paths, { node: process.execPath })
  if (script.type !== 'file' || script.interactive) return undefined
  const measured = await measureScript(script.path, { reference: path, node: process.execPath })
  return describeScript(script, measured?.description, ports)
}

export function isScriptReference(reference: string): boolean {
  return reference.startsWith(SCRIPT_REFERENCE)
}

function describeScript(script: ScriptFile, text: string | undefined, ports: ToolPorts): CatalogEntry {
  const description = [text ?? `Runs ${script.reference}.`, script.header?.['input']].filter(Boolean).join('\n\n')
  const pinned: PinnedTool = pinTool(
    {
      name: nameScript(script.reference),
      version: SCRIPT_VERSION,
      description: description.slice(0, 1000).toWellFormed(),
      input_schema: { type: 'object', description: 'The parameters of the script.' },
      safety: script.safety ?? 'unsafe',
      // A script that says it changes nothing is held to it by the wall.
      permissions: { read: ['**'], ...(script.safety === 'pure' ? {} : { write: ['**'] }), programs: ['*'] },
      source: `${SCRIPT_REFERENCE}${script.reference}`,
    },
    [{ path: script.reference, sha256: script.sha256 }],
  )
  const program = { kind: 'script' as const, path: script.path, words: script.program }
  const wrap = (parameters: object) => ({ input: '', parameters: { ...parameters }, context: {} })
  return {
    pinned,
    version: SCRIPT_VERSION,
    aliases: [],
    distance: 0,
    place: script.path,
    outside: false,
    create: () => createProgramTool(pinned, { program, folder: dirname(script.path), wrap }, ports),
  }
}

/** `text/measure-text.mjs` is called `measure-text`; it never takes the name of a tool that is built in. */
function nameScript(reference: string): string {
  const base = (reference.split('/').at(-1) ?? '').replace(/\.[a-z]+$/, '').replace(/[^a-zA-Z0-9_-]/g, '_')
  return (/^[a-zA-Z]/.test(base) && !RESERVED.has(base) ? base : `script_${base}`).slice(0, 64)
}
