import * as z from 'zod'
import { OrcError } from '../../events/errors.ts'
import type { JsonObject } from '../../events/values.ts'
import { describeCall } from '../../trust/call.ts'
import type { App } from '../app.ts'
import { defineOperation } from '../operation.ts'
import { loadPolicy } from '../policy.ts'

const input = z.object({
  tool: z.string().min(1).describe('The name of a tool, for example bash or mcp:files:write_file.'),
  arguments: z.string().default('{}').describe('Its arguments as JSON; for bash also the command itself.'),
  safety: z
    .enum(['pure', 'idempotent', 'unsafe'])
    .default('unsafe')
    .describe('What the tool is; the usual rule depends on it.'),
  outside: z.boolean().default(false).describe('As if the step had read something from outside.'),
  allow: z.array(z.string()).default([]).describe('As `run --allow`: NAME or NAME(ARGUMENTS).'),
  deny: z.array(z.string()).default([]).describe('As `run --deny`.'),
})

export const checkPolicy = defineOperation({
  name: 'policy check',
  summary: 'Say whether a call would be allowed, asked about or denied.',
  input,
  run: async (given, { app }) => decide(app, given),
})

export const explainPolicy = defineOperation({
  name: 'policy explain',
  summary: 'Say which rules speak of a call, and which of them decides.',
  input,
  run: async (given, { app }) => {
    const decided = await decide(app, given)
    const { levels } = await loadPolicy(app, given)
    const call = describeCall(given.tool, readArguments(given), {
      safety: given.safety,
      labels: given.outside ? ['outside'] : [],
    })
    return {
      ...decided,
      call: { name: call.name, argument: call.argument, paths: call.paths, hosts: call.hosts },
      levels: levels.map(({ name, trusted, rules }) => ({
        level: name,
        may_allow: trusted,
        rules: rules.map(({ tool, decision, place }) => `${decision} ${tool.text} (${place})`),
      })),
    }
  },
})

async function decide(app: App, given: z.infer<typeof input>) {
  const { explain } = await loadPolicy(app, given)
  const labels = given.outside ? ['outside'] : []
  const { expires_ms, ...decided } = explain(
    describeCall(given.tool, readArguments(given), { safety: given.safety, labels }),
  )
  return { tool: given.tool, ...decided, ...(expires_ms === undefined ? {} : { expires_seconds: expires_ms / 1000 }) }
}

function readArguments({ tool, arguments: text }: z.infer<typeof input>): JsonObject {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as JsonObject
  } catch {
    if (tool === 'bash') return { command: text }
  }
  throw new OrcError({
    code: 'bad_input',
    message: 'the arguments are not a JSON object',
    hint: `For example: '{"path": "a.txt"}'`,
  })
}
