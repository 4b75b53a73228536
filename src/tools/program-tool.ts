import type { PinnedTool } from '../events/tool-call.ts'
import type { Json, JsonObject } from '../events/values.ts'
import type { RunCommand } from './command.ts'
import { type Program, runProgram } from './program.ts'
import type { Tool } from './tool.ts'
import { nameFaults, refuseUnfit } from './unfit-arguments.ts'

export interface ProgramPorts {
  readonly run: RunCommand
  /** Says what keeps a value from following a schema. */
  check(schema: JsonObject, value: Json): readonly string[]
  /** The value of a variable of ours, which only tools get that declare it. */
  variable(name: string): string | undefined
}

export interface ProgramSource {
  readonly program: Program
  readonly folder: string
  /** How the arguments are written to standard input; as they are, if it does not say. */
  readonly wrap?: (args: JsonObject) => Json
}

const TIMEOUT_MS = 120_000

/** A tool whose implementation is a program of somebody else. */
export function createProgramTool(pinned: PinnedTool, source: ProgramSource, ports: ProgramPorts): Tool {
  const { name, version, description, input_schema: input, output_schema: output, safety, permissions } = pinned
  return {
    name,
    version,
    description,
    safety,
    permissions,
    schemas: { input, ...(output === undefined ? {} : { output }) },
    async run(args, { signal, cwd, idempotency_key, progress }) {
      const unfit = refuseUnfit(name, ports.check(input, args))
      if (unfit) return unfit
      const outcome = await runProgram(
        {
          name,
          program: source.program,
          entry: 'run',
          permissions,
          folder: source.folder,
          cwd,
          signal,
          progress,
          given: source.wrap ? source.wrap(args) : args,
          env: { ...pickVariables(permissions.environment, ports), LLM_ORC_IDEMPOTENCY_KEY: idempotency_key },
          timeout_ms: TIMEOUT_MS,
        },
        ports.run,
      )
      // What only reads may be tried again, however it ended.
      if (!outcome.ok) return safety === 'pure' ? { ...outcome, touched: 'no' } : outcome
      const faults = output === undefined ? [] : ports.check(output, outcome.output)
      if (faults.length === 0) return outcome
      const message = `${name} gave what its output_schema does not allow`
      const detail = nameFaults(faults)
      const { output: given, ok: _, ...more } = outcome
      return { ok: false, code: 'tool_failed', message, detail, output: given, touched: 'yes', ...more }
    },
  }
}

function pickVariables(names: readonly string[] = [], { variable }: ProgramPorts): { readonly [name: string]: string } {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = variable(name)
      return value === undefined ? [] : [[name, value] as const]
    }),
  )
}
