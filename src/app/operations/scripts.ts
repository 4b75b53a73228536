import { readFile, realpath } from 'node:fs/promises'
import { sep } from 'node:path'
import * as z from 'zod'
import { listScripts } from '../../config/script-list.ts'
import { resolveScript } from '../../config/scripts.ts'
import { OrcError } from '../../events/errors.ts'
import type { ScriptAnswer } from '../../events/script-call.ts'
import type { JsonObject } from '../../events/values.ts'
import type { PinnedScript } from '../../graph/script.ts'
import type { App } from '../app.ts'
import { defineOperation } from '../operation.ts'
import { loadContents } from '../run-report.ts'
import { requireRun, runTarget } from '../runs.ts'

const name = z
  .string()
  .min(1)
  .describe('A script as ensembles name it, for example `primitives/file-ops/read_file.py`.')

export const listScriptsOperation = defineOperation({
  name: 'scripts list',
  summary: 'List the scripts of the project and the library.',
  input: z.object({ category: z.string().optional().describe('Only scripts of this folder.') }),
  run: async (input, { app }) => {
    const listed = await listScripts(app.paths, { node: process.execPath })
    return {
      ...listed,
      scripts: listed.scripts.filter((script) => input.category === undefined || script.category === input.category),
    }
  },
})

async function requireScript(app: App, reference: string): Promise<PinnedScript & { type: 'file' }> {
  const script = await resolveScript(reference, app.paths, { node: process.execPath })
  if (script.type === 'file') return script
  const hint =
    script.type === 'missing'
      ? `Searched: ${script.searched.join(', ')}`
      : 'Name a file; see them with: llm-orc scripts list'
  throw new OrcError({ code: 'script_missing', message: `there is no script ${reference}`, hint })
}

/** A project may hold links to anywhere: what they lead to is told only to whoever sits at this machine. */
async function requireInPlace({ paths }: App, file: string): Promise<void> {
  const { project, config, system, library, library_override, legacy } = paths
  const real = await realpath(file)
  for (const folder of [project, config, system, library, library_override, ...legacy]) {
    const root = folder === undefined ? undefined : await realpath(folder).catch(() => undefined)
    if (root !== undefined && real.startsWith(root + sep)) return
  }
  throw new OrcError({
    code: 'access_denied',
    message: 'this script is a link to elsewhere',
    hint: 'Put the file itself there.',
  })
}

export const showScript = defineOperation({
  name: 'scripts show',
  summary: 'Show a script: where it was found, what its header says, and its source.',
  input: z.object({ name }),
  run: async (input, { app, principal }) => {
    const script = await requireScript(app, input.name)
    if (principal && principal.kind !== 'local') await requireInPlace(app, script.path)
    const { reference, path, sha256, program, header, interactive, safety } = script
    const source = await readFile(path, 'utf8')
    return {
      reference,
      path,
      sha256,
      program,
      header: header ?? {},
      interactive: interactive ?? false,
      safety: safety ?? 'unsafe',
      source,
    }
  },
})

export const testScript = defineOperation({
  name: 'scripts test',
  summary: 'Run one script as an ensemble would, with an input and parameters.',
  input: z.object({
    name,
    input: z.string().default('').describe('The input it gets.'),
    parameters: z.record(z.string(), z.json()).default({}).describe('Parameters, as a JSON object.'),
  }),
  run: async (input, { app, signal, watcher }) => {
    const script = await requireScript(app, input.name)
    const spec = {
      agent: 'script',
      script,
      parameters: input.parameters,
      environment: {},
      safety: 'unsafe',
      pass: 'json',
    } as unknown as JsonObject
    const target = {
      kind: 'prompt' as const,
      name: 'scripts-test',
      graph: { name: 'scripts-test', steps: [{ id: 'script', kind: 'script', spec }] },
      files: [],
      warnings: [],
      notes: [],
    }
    const { run, status, report } = await runTarget(
      app,
      { target, input: input.input },
      { signal, ...(watcher ? { watcher } : {}) },
    )
    const [agent] = report.agents
    return {
      run,
      status,
      output: agent?.output ?? null,
      ...(await readPrinted(app, run)),
      ...(agent?.code === undefined ? {} : { code: agent.code, message: agent.message }),
    }
  },
})

/** What it printed, and its exit code; nothing when it was not started. */
async function readPrinted(app: App, run: string): Promise<Partial<Pick<ScriptAnswer, 'stdout' | 'stderr' | 'exit'>>> {
  const done = (await requireRun(app, run)).find((event) => event.type === 'effect-done')
  if (done?.type !== 'effect-done') return {}
  const { answer } = done.data
  const { blobs } = await app.openJournal()
  const content = (await loadContents([answer], run, blobs))(answer) as Partial<ScriptAnswer> | undefined
  const { stdout, stderr, exit } = content ?? {}
  return stdout === undefined || stderr === undefined || exit === undefined ? {} : { stdout, stderr, exit }
}
