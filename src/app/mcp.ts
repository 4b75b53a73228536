import { type McpServerEntry, readMcpServers } from '../config/mcp-servers.ts'
import type { FoundTool } from '../effects/tool.ts'
import { type ErrorCode, OrcError, type Problem } from '../events/errors.ts'
import type { PinnedTool, ToolRequest } from '../events/tool-call.ts'
import { cleanLine } from '../events/views/clean.ts'
import { findMismatches } from '../graph/json-schema.ts'
import { type McpTool, pinTool } from '../tools/mcp/definition.ts'
import type { AskPerson } from '../tools/mcp/elicitation.ts'
import type { Listing } from '../tools/mcp/guard.ts'
import type { ShowLogin } from '../tools/mcp/login.ts'
import { WireFailure } from '../tools/mcp/wire.ts'
import type { McpConnection, McpHost, McpTarget } from '../tools/mcp-client.ts'
import type { Tool, ToolOutcome } from '../tools/tool.ts'
import { matchesWildcard } from '../trust/tool-pattern.ts'
import type { App } from './app.ts'
import { rememberDefinition } from './mcp-definitions.ts'
import type { McpServersInUse, ResolvedMcp } from './mcp-in-use.ts'
import { makeTarget } from './mcp-target.ts'
import { digestServer, isTrusted } from './mcp-trust.ts'
import { readVersion } from './package-root.ts'

type McpApp = Pick<App, 'paths' | 'env' | 'config'>

/** Whoever is there to be asked, while a server is spoken with. */
export interface McpPeople {
  readonly askPerson?: AskPerson
  readonly showLogin?: ShowLogin
  /** Something a person should know of, in one line. */
  note?(text: string): void
}

/** A server that ended is started again this often within a minute. */
const RESTARTS = 3
const MINUTE_MS = 60_000
const BACKOFF_MS = 200

interface Held {
  open: Promise<McpConnection> | undefined
  /** When it was started, newest last; ms. */
  starts: number[]
}

export function createMcpServers(app: McpApp, people: McpPeople = {}): McpServersInUse {
  const held = new Map<string, Held>()
  const ending = new AbortController()
  const host = createHost(people)

  const connect = async (name: string, signal: AbortSignal): Promise<McpConnection> => {
    const hold = held.get(name) ?? { open: undefined, starts: [] }
    held.set(name, hold)
    const before = hold.open
    const old = await before?.catch(() => undefined)
    if (old?.isOpen) return old
    // Several may have found it closed; the first of them opens it again.
    if (hold.open === before) {
      hold.open = reopen(hold, name, old)
      hold.open.catch(() => {
        hold.open = undefined
      })
    }
    signal.throwIfAborted()
    return hold.open as Promise<McpConnection>
  }

  const reopen = async (hold: Held, name: string, old: McpConnection | undefined): Promise<McpConnection> => {
    await old?.close()
    const target = await findTarget(app, name)
    const now = performance.now()
    hold.starts = hold.starts.filter((at) => now - at < MINUTE_MS)
    const again = hold.starts.length
    if (again > RESTARTS)
      throw new OrcError({
        code: 'mcp_unreachable',
        message: `the server ${name} ended ${again} times within a minute; it is not started again now`,
        hint: `Try it by itself: llm-orc mcp servers test ${name}`,
      })
    if (again > 0) await new Promise((resolve) => setTimeout(resolve, BACKOFF_MS * 2 ** (again - 1)))
    hold.starts.push(performance.now())
    return open(target, host, ending.signal)
  }

  return {
    connect,
    resolve: (reference) => resolveReference(app, reference, (name) => connect(name, ending.signal)),
    find: (request) => findTool(app, request, (name) => connect(name, ending.signal)),
    close: async () => {
      ending.abort()
      await Promise.all([...held.values()].map(async (hold) => (await hold.open?.catch(() => undefined))?.close()))
    },
  }
}

/** One connection, with failures as OrcError. */
export async function open(target: McpTarget, host: McpHost, signal: AbortSignal): Promise<McpConnection> {
  const { connectMcp } = await import('../tools/mcp-client.ts')
  try {
    return await connectMcp(target, host, signal)
  } catch (error) {
    throw toOrcError(error, target.name)
  }
}

export function createHost({ askPerson, showLogin, note }: McpPeople): McpHost {
  const say = note ?? ((text: string) => void process.stderr.write(`${text}\n`))
  return {
    version: readVersion(),
    mismatches: findMismatches,
    askPerson,
    showLogin:
      showLogin ??
      ((url, server) => {
        if (!process.stderr.isTTY) return false
        say(`${cleanLine(server)} wants you to log in: ${cleanLine(url)}`)
        return true
      }),
    note: (text) => say(cleanLine(text)),
  }
}

/** The server of this name, its trust checked and its variables filled in. */
async function findTarget(app: McpApp, name: string): Promise<McpTarget> {
  const entry = await findServer(app, name)
  if (entry.words.enabled === false)
    throw new OrcError({ code: 'mcp_server_missing', message: `the server ${name} is switched off`, ...entry.place })
  if (!(await isTrusted(app.paths, entry))) throw new OrcError(describeUntrusted(entry))
  return makeTarget(app, entry)
}

export async function findServer(app: McpApp, name: string): Promise<McpServerEntry> {
  const { servers } = await readMcpServers(app.config)
  const entry = servers.find((each) => each.name === name)
  if (entry) return entry
  const known = servers.map((each) => each.name).join(', ')
  throw new OrcError({
    code: 'mcp_server_missing',
    message: `there is no MCP server "${name}"`,
    hint: known === '' ? 'Add one with: llm-orc mcp servers add' : `There are: ${known}`,
  })
}

export function describeUntrusted(entry: McpServerEntry): Problem {
  const { name, words, place } = entry
  const from = Object.keys(entry.given ?? {}).map((each) => `${each} of .env`)
  const what = words.url ?? [words.command, ...(words.args ?? [])].join(' ')
  const pairs = Object.entries(words.env ?? words.headers ?? {}).map(([key, text]) => `${key}=${text}`)
  const given = [...pairs, ...from]
  const line = [what, ...(given.length > 0 ? ['with', ...given] : [])].join(' ')
  const digest = digestServer(entry).slice(0, 16)
  return {
    code: 'mcp_server_untrusted',
    message: `the server ${name} of this project is not trusted: ${cleanLine(line)}`,
    hint: `If that is what you want: llm-orc mcp servers trust ${name} --digest ${digest}`,
    ...place,
  }
}

async function resolveReference(
  app: McpApp,
  reference: string,
  connect: (name: string) => Promise<McpConnection>,
): Promise<ResolvedMcp> {
  const [, server = '', pattern = '*'] = /^mcp:([^:]+)(?::(.+))?$/s.exec(reference) ?? []
  const fail = (problem: Problem): ResolvedMcp => ({ tools: [], problems: [problem] })
  if (server === '')
    return fail({
      code: 'tool_missing',
      message: `"${reference}" names no server`,
      hint: 'Write mcp:SERVER:TOOL or mcp:SERVER:*',
    })
  try {
    const entry = await findServer(app, server)
    const listing = await listTools(await connect(server), server)
    const pinned = pinAll(entry, listing)
    const tools = pinned.filter(
      ({ tool, said }) => matchesWildcard(pattern, tool.name) || matchesWildcard(pattern, said.name),
    )
    if (tools.length === 0)
      return fail({
        code: 'tool_missing',
        message: `the server ${server} has no tool "${cleanLine(pattern)}"`,
        hint: `It has: ${pinned.map(({ tool }) => tool.name).join(', ') || 'none that can be used'}`,
      })
    return { tools: tools.map(({ tool }) => tool), problems: describeListing(server, listing, tools) }
  } catch (error) {
    if (error instanceof OrcError && error.problems[0]) return { tools: [], problems: error.problems }
    throw error
  }
}

/** The tools of a server as agents get them. */
export function pinAll({ name, words }: McpServerEntry, { tools }: Listing) {
  return [...tools.values()].map((said) => ({ said, tool: pinTool(name, said, words) }))
}

/** What a person should know of a list: tools left out, and texts that hide something. */
export function describeListing(
  server: string,
  { refused }: Listing,
  tools: readonly { readonly said: McpTool }[],
): readonly Problem[] {
  const left = refused.map(
    ({ name, reason }): Problem => ({
      code: 'mcp_tool_refused',
      message: `the tool ${cleanLine(name)} of ${server} is left out: ${reason}`,
      severity: 'warning',
    }),
  )
  const hiding = tools
    .filter(({ said }) => said.hides)
    .map(
      ({ said }): Problem => ({
        code: 'mcp_tool_refused',
        message: `the description of the tool ${said.name} of ${server} held text that people do not see; it was taken out`,
        severity: 'warning',
      }),
    )
  return [...left, ...hiding]
}

export async function listTools(connection: McpConnection, server: string): Promise<Listing> {
  try {
    return await connection.listTools(AbortSignal.timeout(MINUTE_MS))
  } catch (error) {
    throw toOrcError(error, server)
  }
}

/** The tool as its server describes it now, for a call that was allowed. A server that cannot be asked is a tool that fails, untouched. */
async function findTool(
  app: McpApp,
  request: ToolRequest,
  connect: (name: string) => Promise<McpConnection>,
): Promise<FoundTool | undefined> {
  const server = request.source.slice('mcp:'.length)
  try {
    const entry = await findServer(app, server)
    const connection = await connect(server)
    const pinned = pinAll(entry, await listTools(connection, server))
    const found = pinned.find(({ tool }) => tool.name === request.tool)
    if (found?.tool.digest === request.digest)
      rememberDefinition(app.paths, entry, { tool: found.tool, all: pinned.map(({ tool }) => tool) })
    return found && { tool: makeTool(connection, found), digest: found.tool.digest, outside: true }
  } catch (error) {
    if (!(error instanceof OrcError)) throw error
    const { code, message } = error.problems[0] as Problem
    const failure: ToolOutcome = { ok: false, code, message, touched: 'no', retry: code === 'mcp_unreachable' }
    const tool = describe(request)
    return { tool: { ...tool, run: async () => failure }, digest: request.digest, outside: true }
  }
}

function makeTool(
  connection: McpConnection,
  { said, tool }: { readonly said: McpTool; readonly tool: PinnedTool },
): Tool {
  const { name, version, description, safety, permissions } = tool
  return {
    name,
    version,
    description,
    schemas: { input: tool.input_schema, ...(tool.output_schema ? { output: tool.output_schema } : {}) },
    safety,
    permissions,
    run: (args, { signal, idempotency_key, progress }) =>
      connection.callTool(said, args, {
        signal,
        progress,
        // Others need not know that two calls of theirs belong together.
        ...(safety === 'idempotent' ? { idempotency_key } : {}),
      }),
  }
}

function describe({ tool: name, version, permissions }: ToolRequest): Omit<Tool, 'run'> {
  return { name, version, description: '', schemas: { input: {} }, safety: 'unsafe', permissions }
}

function toOrcError(error: unknown, server: string): unknown {
  if (!(error instanceof WireFailure)) return error
  const hint = HINTS[error.code]?.(server)
  return new OrcError({ code: error.code satisfies ErrorCode, message: error.message, ...(hint ? { hint } : {}) })
}

const HINTS: { readonly [code: string]: (server: string) => string } = {
  mcp_unreachable: (server) => `Try it by itself: llm-orc mcp servers test ${server}`,
  mcp_login_needed: (server) => `Run it where somebody can log in, or give ${server} a token in its headers.`,
  mcp_login_refused: () => 'Name the origin under oauth.origins if you know that it is theirs.',
}
