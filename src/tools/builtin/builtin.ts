import type { PinnedTool } from '../../events/tool-call.ts'
import type { Json, JsonObject } from '../../events/values.ts'
import type { RunCommand } from '../command.ts'
import { pinTool } from '../digest.ts'
import type { Tool, ToolMeans, ToolOutcome } from '../tool.ts'
import { refuseUnfit } from '../unfit-arguments.ts'

/** What the tools that ship with the program are given of the world. */
export interface BuiltinPorts {
  readonly run: RunCommand
  /** Compiles a pattern that takes time linear in the text. */
  regex(
    pattern: string,
  ): { readonly ok: true; test(text: string): boolean } | { readonly ok: false; readonly message: string }
  /** Says what keeps a value from following a schema. */
  check(schema: JsonObject, value: Json): readonly string[]
  /** Folders beside the working folder that may be read, and written. Absolute. */
  readonly open: { readonly read: readonly string[]; readonly write: readonly string[] }
  /** What governs this program, and stays closed where `open` does not name it; what may be read may not always be written. Absolute. */
  readonly closed: { readonly read: readonly string[]; readonly write: readonly string[] }
  /** Hosts that may be asked although they are not of the open internet: as in an address, `host` or `host:port`. */
  readonly private_hosts: readonly string[]
  /** Addresses of a host name; default: the system's resolver. */
  resolve?(host: string): Promise<readonly string[]>
}

/** A tool that ships with the program. A change in what it does is a new version. */
export interface Builtin extends Omit<PinnedTool, 'digest' | 'source'> {
  readonly output_schema: JsonObject
  /** What it answers was written by strangers. */
  readonly outside?: true
  /** Arguments follow the schema. */
  run(args: JsonObject, means: ToolMeans, ports: BuiltinPorts): Promise<ToolOutcome>
}

const BUILTIN_SOURCE = 'builtin'

export function pinBuiltin(builtin: Builtin): PinnedTool {
  const { run: _run, outside: _outside, ...definition } = builtin
  return pinTool({ ...definition, source: BUILTIN_SOURCE }, [])
}

export function createBuiltinTool(builtin: Builtin, ports: BuiltinPorts): Tool {
  const { name, version, description, input_schema: input, output_schema: output, safety, permissions } = builtin
  return {
    name,
    version,
    description,
    safety,
    permissions,
    schemas: { input, output },
    run: async (args, means) => {
      const unfit = refuseUnfit(name, ports.check(input, args))
      if (unfit) return unfit
      if (means.signal.aborted) return failBuiltin('aborted', `${name} was stopped before it began`)
      return builtin.run(args, means, ports)
    },
  }
}

/** A failure before anything was touched. */
export function failBuiltin(code: string, message: string): Extract<ToolOutcome, { readonly ok: false }> {
  return { ok: false, code, message, touched: 'no' }
}

/** The schema of an object whose keys are all known. */
export function objectSchema(properties: JsonObject, required: readonly string[]): JsonObject {
  return { type: 'object', properties, required: [...required], additionalProperties: false }
}
