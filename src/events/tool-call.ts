import type { JsonObject } from './values.ts'

/** What a tool may touch; nothing is meant where a list is missing. Globs as in ignore files, hosts as `host` or `host:port`. */
export type ToolPermissions = {
  readonly read?: readonly string[]
  readonly write?: readonly string[]
  readonly hosts?: readonly string[]
  readonly programs?: readonly string[]
  /** Names of variables it is given. */
  readonly environment?: readonly string[]
}

/** A tool as a definition pins it and a model is told of it: plain data, everything that makes it this tool and no other. */
export type PinnedTool = {
  /** The name the model calls it by; unique in a step. */
  readonly name: string
  readonly version: string
  readonly description: string
  readonly input_schema: JsonObject
  readonly output_schema?: JsonObject
  readonly safety: 'pure' | 'idempotent' | 'unsafe'
  readonly permissions: ToolPermissions
  /** `builtin`, `catalog`, `script`, `plugin` or `mcp:SERVER`. */
  readonly source: string
  /** SHA-256 over the definition and the implementation (for MCP: over what the server said of it). */
  readonly digest: string
}

/** The request of a `tool` effect. Arguments are parsed and valid; what could not be parsed is never asked. */
export type ToolRequest = {
  readonly tool: string
  readonly version: string
  readonly source: string
  readonly digest: string
  readonly arguments: JsonObject
  /** The model's id of the call. */
  readonly call: string
  readonly permissions: ToolPermissions
}

/**
 * What a step may ask of tools: patterns like `read_file`, `bash(git *)`, `mcp:files:*`. Each entry of `allow` is a set of alternatives
 * that has to be met: cutting rights adds entries, so a child can never have more than its parent. `deny` wins.
 */
export type Rights = {
  readonly allow: readonly (readonly string[])[]
  readonly deny: readonly string[]
}

/** What a child may do: what both its parent's rights and its own allow. */
export function cutRights(parent: Rights | undefined, own: Rights | undefined): Rights | undefined {
  if (!parent || !own) return parent ?? own
  return { allow: [...parent.allow, ...own.allow], deny: [...new Set([...parent.deny, ...own.deny])] }
}
