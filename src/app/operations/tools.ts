import * as z from 'zod'
import { isError, OrcError } from '../../events/errors.ts'
import type { PinnedTool } from '../../events/tool-call.ts'
import type { JsonObject } from '../../events/values.ts'
import { hasErrors } from '../../graph/report.ts'
import type { App } from '../app.ts'
import { defineOperation } from '../operation.ts'
import { runTarget } from '../runs.ts'

const reference = z.string().min(1).describe('A tool as ensembles name it, for example `calculator@^1`.')
const args = z.record(z.string(), z.json()).default({}).describe('Arguments, as a JSON object.')

export const listToolsOperation = defineOperation({
  name: 'tools list',
  summary: 'List the tools that agents may use: built in, of the project, of the user and of the library.',
  input: z.object({ name: z.string().optional().describe('Only the versions of this tool.') }),
  run: async (input, { app }) => {
    const { readCatalog } = await import('../tools.ts')
    const { entries, problems } = await readCatalog(app, {}, input.name)
    const tools = entries.map(({ pinned, aliases, place, version }) => {
      const { name, description, safety, source, digest } = pinned
      return { name, version, aliases, safety, source, place, digest, description }
    })
    return { tools, problems }
  },
})

export const showTool = defineOperation({
  name: 'tools show',
  summary: 'Show a tool: what a model is told of it, what it may touch, its other versions and their migrations.',
  input: z.object({ name: reference }),
  run: async (input, { app }) => {
    const tool = await requireTool(app, input.name)
    const { readCatalog } = await import('../tools.ts')
    const { entries, files } = await readCatalog(app, {}, tool.name)
    const same = entries.find(({ pinned }) => pinned.digest === tool.digest)
    return {
      ...tool,
      aliases: same?.aliases ?? [],
      place: same?.place ?? tool.source,
      versions: [...new Set(entries.map(({ version }) => version))],
      migrations: files.flatMap(({ migrations }) => migrations.map(({ from, to }) => `${from} -> ${to}`)),
    }
  },
})

export const testTool = defineOperation({
  name: 'tools test',
  summary: 'Call one tool once, as an agent would: policy decides, and a run keeps what came of it.',
  input: z.object({ name: reference, arguments: args }),
  run: async (input, { app, signal, watcher }) => {
    const tool = await requireTool(app, input.name)
    const spec = { tool, arguments: input.arguments } as unknown as JsonObject
    const target = {
      kind: 'prompt' as const,
      name: 'tools-test',
      graph: { name: 'tools-test', steps: [{ id: tool.name, kind: 'tool', spec }] },
      files: [],
      warnings: [],
      notes: [],
    }
    const steering = { signal, ...(watcher ? { watcher } : {}) }
    const { run, status, report, asks, questions } = await runTarget(app, { target, input: '' }, steering)
    const [agent] = report.agents
    return {
      run,
      status,
      tool: `${tool.name}@${tool.version}`,
      output: agent?.output ?? null,
      ...(agent?.code === undefined ? {} : { code: agent.code, message: agent.message }),
      ...(asks ? { asks } : {}),
      ...(questions ? { questions } : {}),
    }
  },
})

export const newTool = defineOperation({
  name: 'tools new',
  summary: 'Make a new tool in the project: a folder with `tool.json` and a script or module to fill in.',
  input: z.object({
    name: z.string().min(1).describe('Letters, digits, `-` and `_`.'),
    version: z.string().default('1.0.0').describe('A semantic version.'),
    language: z
      .enum(['typescript', 'javascript', 'python', 'shell'])
      .default('typescript')
      .describe('What it is written in.'),
  }),
  run: async ({ name, version, language }, { app }) => {
    const { makeTool } = await import('../new-tool.ts')
    return makeTool(app, { name, version, language })
  },
})

export const migrateTool = defineOperation({
  name: 'tools migrate',
  summary: 'Turn arguments for one version of a tool into arguments for another, by the migrations of the tool.',
  input: z.object({
    name: z.string().min(1).describe('The tool and the version the arguments are for: `NAME@VERSION`.'),
    to: z.string().min(1).describe('The version they are wanted for.'),
    arguments: args,
    rollback: z.boolean().default(false).describe('Go back: to an older version, by undoing its migrations.'),
  }),
  run: async (input, { app, signal }) => {
    const { migrateNamed } = await import('../tool-migration.ts')
    return migrateNamed(app, input, signal)
  },
})

async function requireTool(app: App, name: string): Promise<PinnedTool> {
  const { resolveTools } = await import('../tools.ts')
  const mcp = name.startsWith('mcp:') ? { mcp: await app.openMcp() } : {}
  const { tools, problems } = await resolveTools(app, [name], mcp)
  if (tools.length > 1)
    throw new OrcError({
      code: 'bad_input',
      message: `"${name}" means ${tools.length} tools`,
      hint: 'Name one of them.',
    })
  if (tools[0] && !hasErrors(problems)) return tools[0]
  throw new OrcError(problems.filter(isError))
}
