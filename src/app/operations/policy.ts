import * as z from 'zod'
import { OrcError } from '../../events/errors.ts'
import type { PinnedTool } from '../../events/tool-call.ts'
import type { JsonObject } from '../../events/values.ts'
import { type Call, describeCall } from '../../trust/call.ts'
import type { App } from '../app.ts'
import { defineOperation } from '../operation.ts'
import { loadPolicy } from '../policy.ts'

const NO_ARGUMENTS = '{}'

const input = z.object({
  tool: z
    .string()
    .min(1)
    .describe('The name of a tool, for example bash or mcp:files:write_file; also script or model.'),
  arguments: z
    .string()
    .default(NO_ARGUMENTS)
    .describe('Its arguments as JSON; for bash also the command itself, for script and model which one.'),
  safety: z
    .enum(['pure', 'idempotent', 'unsafe'])
    .optional()
    .describe('What the tool is; the usual rule depends on it. Without it: what the tool says, else unsafe.'),
  outside: z.boolean().default(false).describe('As if the step had read something from outside.'),
  allow: z.array(z.string()).default([]).describe('As `run --allow`: NAME or NAME(ARGUMENTS); may be repeated.'),
  deny: z.array(z.string()).default([]).describe('As `run --deny`; may be repeated.'),
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
    const call = await readWords(app, given)
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
  const { expires_ms, because: _, label: __, ...decided } = explain(await readWords(app, given))
  return { tool: given.tool, ...decided, ...(expires_ms === undefined ? {} : { expires_seconds: expires_ms / 1000 }) }
}

/** The call as policy would see it. Scripts and models stand in the definition, so they have no arguments but their name. */
async function readWords(app: App, given: z.infer<typeof input>): Promise<Call> {
  const { tool, outside, arguments: text } = given
  if (tool === 'script' || tool === 'model') {
    const argument = text === NO_ARGUMENTS ? '' : text
    return { name: tool, argument, paths: [], hosts: [], safety: 'pure', labels: [] }
  }
  const pinned = await findPinned(app, tool)
  const safety = given.safety ?? pinned?.safety ?? 'unsafe'
  const labels = outside ? ['outside'] : []
  const permissions = given.safety === undefined ? pinned?.permissions : undefined
  return describeCall(nameTool(tool), readArguments(given), { version: pinned?.version, safety, labels, permissions })
}

/** Without the versions that are asked for. */
function nameTool(reference: string): string {
  return reference.includes(':') ? reference : reference.replace(/@.*$/s, '')
}

/** The tool that an agent would get by this name; those of servers are not asked for. */
async function findPinned(app: App, name: string): Promise<PinnedTool | undefined> {
  if (name.startsWith('mcp:')) return undefined
  const { resolveTools } = await import('../tools.ts')
  return (await resolveTools(app, [name])).tools[0]
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
