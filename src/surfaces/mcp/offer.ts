import type {
  CallToolResult,
  ClientCapabilities,
  GetPromptResult,
  InputRequiredResult,
  Prompt,
  ReadResourceResult,
  Resource,
  ResourceTemplateType,
  ServerContext,
  Tool,
} from '@modelcontextprotocol/server'
import type { JsonObject } from '../../events/values.ts'
import type { Wording } from '../hint.ts'

/** What a server offers, looked up anew for each request: files may have changed. Failures are thrown as OrcError. */
export interface Offer {
  readonly instructions: string
  /** How its hints speak; absent: as they are, where the tools they would name are not offered. */
  readonly wording?: Wording
  listTools(): Promise<readonly Tool[]>
  /** Undefined when there is no such tool. */
  findTool(name: string): Promise<OfferedTool | undefined>
  listResources(): Promise<readonly Resource[]>
  listTemplates(): Promise<readonly ResourceTemplateType[]>
  /** Undefined when there is no such resource. */
  readResource(uri: string): Promise<ReadResourceResult | undefined>
  listPrompts(): Promise<readonly Prompt[]>
  /** Undefined when there is no such prompt. */
  getPrompt(
    name: string,
    given: Readonly<Record<string, string>>,
    ask: Asking,
  ): Promise<Answer<GetPromptResult> | undefined>
  complete(wish: CompletionWish): Promise<readonly string[]>
}

export interface OfferedTool extends Tool {
  /** The arguments follow the schema. */
  call(given: JsonObject, ask: Asking): Promise<Answer<CallToolResult>>
}

/** What lists say of it. */
export function describeTool(tool: OfferedTool): Tool {
  const { call: _, ...rest } = tool
  return rest
}

export type Answer<T> = T | InputRequiredResult

/** One request, and who made it. */
export interface Asking {
  readonly mcp: ServerContext
  /** What the client can be asked. */
  readonly client: ClientCapabilities | undefined
  /** Seals what is needed when the client comes back with answers; they can read it, and not change it. */
  seal(state: unknown): Promise<string>
}

/** What is being typed, for which argument of what. */
export interface CompletionWish {
  readonly of: { readonly prompt: string } | { readonly template: string }
  readonly argument: string
  readonly typed: string
  readonly others: Readonly<Record<string, string>>
}
