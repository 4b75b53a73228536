import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type McpServerEntry, readMcpServers } from '../config/mcp-servers.ts'
import type { Paths } from '../config/paths.ts'
import { OrcError } from '../events/errors.ts'
import type { PinnedTool, ToolRequest } from '../events/tool-call.ts'
import type { Doubt } from '../trust/policy.ts'
import type { App } from './app.ts'

/** The tools that a server had when one of them was first allowed. */
interface Known {
  readonly name: string
  readonly file: string
  /** With the digest that was last allowed, where one was. Tools that came later stand here once they were allowed. */
  readonly tools: readonly { readonly name: string; readonly digest?: string }[]
}

type Server = Pick<McpServerEntry, 'name' | 'file'>

/**
 * Doubts calls of tools that are described in another way than when they were first allowed, or that were not there then, as a renamed
 * one. What is remembered is read at each call, at once: other runs and processes add to it.
 */
export async function doubtDefinitions({ config, paths }: Pick<App, 'config' | 'paths'>): Promise<Doubt> {
  const { servers } = await readMcpServers(config)
  return ({ kind, request }) => {
    if (kind !== 'tool') return undefined
    const { tool, source, digest } = request as unknown as ToolRequest
    const server = servers.find(({ name }) => source === `mcp:${name}`)
    const known = server && readKnown(paths).find((each) => isSame(each, server))
    if (!known) return undefined
    const found = known.tools.find(({ name }) => name === tool)
    if (!found) return 'its server had no tool of this name when its tools were first allowed'
    if (found.digest === undefined || found.digest === digest) return undefined
    return 'its definition has changed since it was first allowed'
  }
}

/**
 * Keeps the digest of a tool whose call was allowed, by a rule or by a person; of a server that is new also the names of all its tools.
 * At once, so that of two calls neither undoes what the other keeps. Throws OrcError.
 */
export function rememberDefinition(
  paths: Paths,
  server: Server,
  { tool: { name, digest }, all }: { readonly tool: PinnedTool; readonly all: readonly PinnedTool[] },
): void {
  const known = readKnown(paths)
  const tools: Known['tools'] =
    known.find((each) => isSame(each, server))?.tools ?? all.map((each) => ({ name: each.name }))
  if (tools.some((each) => each.name === name && each.digest === digest)) return
  const others = known.filter((each) => !isSame(each, server))
  const now = [...tools.filter((each) => each.name !== name), { name, digest }]
  writeKnown(paths, [...others, { name: server.name, file: server.file, tools: now }])
}

function isSame(one: Server, other: Server): boolean {
  return one.name === other.name && one.file === other.file
}

function fileOf(paths: Paths): string {
  return join(paths.state, 'mcp-tools.json')
}

/** What is there but cannot be read is no reason to allow everything again. Throws OrcError. */
function readKnown(paths: Paths): readonly Known[] {
  const file = fileOf(paths)
  try {
    const { servers } = JSON.parse(readFileSync(file, 'utf8')) as { readonly servers: readonly Known[] }
    if (servers.every(({ tools }) => Array.isArray(tools))) return servers
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return []
  }
  throw new OrcError({
    code: 'file_unreadable',
    message: `${file}, which holds what MCP tools were like when they were allowed, cannot be read`,
    hint: 'Check its owner and its rights; without the file every tool counts as new.',
    file,
  })
}

function writeKnown(paths: Paths, servers: readonly Known[]): void {
  const file = fileOf(paths)
  const draft = `${file}.${randomUUID()}.tmp`
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(draft, `${JSON.stringify({ servers }, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true })
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    if (!(error instanceof Error) || !('syscall' in error)) throw error
    throw new OrcError({
      code: 'file_unreadable',
      message: `${file} cannot be written (${String((error as { code?: string }).code)})`,
      hint: 'Check its owner and its rights.',
      file,
    })
  }
}
