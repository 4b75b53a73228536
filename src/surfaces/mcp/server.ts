import { randomBytes } from 'node:crypto'
import {
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  createRequestStateCodec,
  ProtocolError,
  ProtocolErrorCode,
  type RequestStateCodec,
  ResourceNotFoundError,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { findUnfit } from '../../app/unfit.ts'
import { OrcError } from '../../events/errors.ts'
import type { JsonObject } from '../../events/values.ts'
import { rewordHint, type Wording } from '../hint.ts'
import { failTool } from './answer.ts'
import type { Asking, CompletionWish, Offer } from './offer.ts'

/** Rounds of questions within one request. */
const MOST_ROUNDS = 64
/** ms that a person may think about one question where the connection is held open for it. */
const ROUND_MS = 60 * 60 * 1000
/** s that answers may take where it is not. */
const STATE_SECONDS = 24 * 60 * 60
/** Completions that are given at once, as the protocol has it. */
const MOST_VALUES = 100

export interface ServerMaking {
  readonly offer: Offer
  readonly version: string
  readonly codec: RequestStateCodec
  redact(text: string): string
  /** Told of what is nobody's fault but the program's. */
  log(line: string): void
}

/** Seals for as long as this process lives. */
export function createCodec(): RequestStateCodec {
  return createRequestStateCodec({ key: randomBytes(32), ttlSeconds: STATE_SECONDS })
}

/** A server for one connection or one request, of either revision of the protocol. */
export function createMcpServer(making: ServerMaking): Server & { readonly subscribed: ReadonlySet<string> } {
  const { offer, version, codec } = making
  const server = new Server(
    { name: 'llm-orchestrator', title: 'LLM Orchestrator', version },
    {
      capabilities: {
        tools: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        prompts: { listChanged: true },
        completions: {},
        logging: {},
      },
      instructions: offer.instructions,
      requestState: { verify: codec.verify },
      inputRequired: { maxRounds: MOST_ROUNDS, roundTimeoutMs: ROUND_MS },
    },
  )
  const subscribed = new Set<string>()
  const asking = (mcp: ServerContext): Asking => ({
    mcp,
    // In the newer revision each request says it; in the older one the connection did.
    client: readCapabilities(mcp) ?? server.getClientCapabilities(),
    seal: (state) => codec.mint(state, mcp),
  })
  server.setRequestHandler('tools/list', async () => ({ tools: [...(await offer.listTools())] }))
  server.setRequestHandler('tools/call', async ({ params }, mcp) => {
    const tool = await say(making, offer.findTool(params.name))
    if (!tool) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${params.name.slice(0, 200)}`)
    const given = (params.arguments ?? {}) as JsonObject
    const [fault] = findUnfit(tool.inputSchema as JsonObject, given)
    if (fault !== undefined)
      return failTool(`The arguments of ${tool.name} do not fit: ${fault.replace(/^the output/, 'what was given')}`)
    try {
      return await tool.call(given, asking(mcp))
    } catch (error) {
      if (error instanceof OrcError)
        return failTool(making.redact(describeFailure(error, making.offer.wording)), error.code)
      throw hide(making, error)
    }
  })
  server.setRequestHandler('resources/list', async () => ({ resources: [...(await offer.listResources())] }))
  server.setRequestHandler('resources/templates/list', async () => ({
    resourceTemplates: [...(await offer.listTemplates())],
  }))
  server.setRequestHandler('resources/read', async ({ params }) => {
    const found = await say(making, offer.readResource(params.uri))
    if (!found) throw new ResourceNotFoundError(params.uri.slice(0, 1000))
    return found
  })
  server.setRequestHandler('resources/subscribe', ({ params }) => {
    subscribed.add(params.uri)
    return {}
  })
  server.setRequestHandler('resources/unsubscribe', ({ params }) => {
    subscribed.delete(params.uri)
    return {}
  })
  server.setRequestHandler('prompts/list', async () => ({ prompts: [...(await offer.listPrompts())] }))
  server.setRequestHandler('prompts/get', async ({ params }, mcp) => {
    const found = await say(making, offer.getPrompt(params.name, params.arguments ?? {}, asking(mcp)))
    if (!found) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown prompt: ${params.name.slice(0, 200)}`)
    return found
  })
  server.setRequestHandler('completion/complete', async ({ params }) => {
    const { ref, argument, context } = params
    const of: CompletionWish['of'] = ref.type === 'ref/prompt' ? { prompt: ref.name } : { template: ref.uri }
    const wish = { of, argument: argument.name, typed: argument.value, others: context?.arguments ?? {} }
    const values = await say(making, offer.complete(wish))
    const shown = values.slice(0, MOST_VALUES)
    return { completion: { values: [...shown], total: values.length, hasMore: values.length > shown.length } }
  })
  return Object.assign(server, { subscribed })
}

function readCapabilities({ mcpReq }: ServerContext): ClientCapabilities | undefined {
  const envelope = mcpReq.envelope as { readonly [key: string]: unknown } | undefined
  return envelope?.[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined
}

/** Expected failures in the words of the protocol, where there is no result to say them in. */
async function say<T>(making: ServerMaking, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof OrcError)) throw hide(making, error)
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      making.redact(describeFailure(error, making.offer.wording)),
      {
        code: error.code,
      },
    )
  }
}

/** What nobody expected is told here and not to the client. */
function hide({ log, redact }: ServerMaking, error: unknown): unknown {
  if (error instanceof ProtocolError) return error
  log(redact(error instanceof Error ? (error.stack ?? error.message) : String(error)))
  return new ProtocolError(ProtocolErrorCode.InternalError, 'This is a fault of the program; please report it.')
}

function describeFailure({ problems }: OrcError, wording: Wording | undefined): string {
  const lines = problems.map(({ message, file, line, column, hint }) => {
    const place =
      file === undefined || line === undefined ? '' : `${file}:${line}${column === undefined ? '' : `:${column}`}: `
    const said = hint === undefined || wording === undefined ? hint : rewordHint(hint, wording)
    return `${place}${message}${said === undefined ? '' : `\n  ${said}`}`
  })
  return lines.join('\n')
}
