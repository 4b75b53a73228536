// Writes the files that are made from code: the command tree, the reference of the command line, the schema of
// ensemble files, the OpenAPI document, the pictures of the shipped patterns. With `--check` nothing is written: every file that is not what
// it would be is named, and the exit code is 1.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import type { Operation } from '../src/app/operation.ts'
import { loadOperations } from '../src/app/operations.ts'
import { ENGINE_VERSION } from '../src/engine/engine.ts'
import { FORMAT } from '../src/events/event.ts'
import { ensembleJsonSchema } from '../src/graph/ensemble-schema.ts'
import { buildTree, type FieldSchema } from '../src/surfaces/cli/build-tree.ts'
import { writeReference } from '../src/surfaces/cli/reference.ts'
import type { CommandTree } from '../src/surfaces/cli/tree.ts'
import type { Schema } from '../src/surfaces/http/api-document.ts'
import { describeApi } from '../src/surfaces/http/openapi-document.ts'
import { type Finding, reportFindings } from './finding.ts'
import { drawPatterns, PATTERNS_PAGE } from './pattern-pictures.ts'

const root = join(import.meta.dirname, '..')

/** Path from the project's root to content. */
export async function generateFiles(): Promise<ReadonlyMap<string, string>> {
  const operations = [...(await loadOperations()).values()]
  const tree = readTree(operations)
  return new Map([
    ['src/surfaces/cli/commands.generated.json', `${JSON.stringify(tree, null, 1)}\n`],
    ['docs/cli.md', writeReference(tree)],
    ['src/surfaces/http/openapi.generated.json', `${JSON.stringify(readApi(operations), null, 1)}\n`],
    ['docs/ensemble.schema.json', formatJson(ensembleJsonSchema())],
    [PATTERNS_PAGE, drawPatterns(readText(join(root, PATTERNS_PAGE)) ?? '')],
  ])
}

/** As the formatter of the house writes it, so that both agree on the file. */
function formatJson(content: unknown): string {
  const biome = join(root, 'node_modules', '.bin', 'biome')
  const input = JSON.stringify(content)
  const shell = process.platform === 'win32'
  const done = spawnSync(biome, ['format', '--stdin-file-path=content.json'], {
    cwd: root,
    input,
    encoding: 'utf8',
    shell,
  })
  if (done.status !== 0) throw new Error(`biome could not format: ${done.stderr}`)
  return done.stdout
}

function readVersion(): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version
}

function readApi(operations: readonly Operation[]) {
  const shapes = operations.map(({ name, summary, input, output }) => ({
    name,
    summary,
    input: readSchema(input, 'input'),
    ...(output === undefined ? {} : { output: readSchema(output, 'output') }),
  }))
  return describeApi(shapes, readVersion())
}

function readSchema(schema: z.ZodType, io: 'input' | 'output'): Schema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest as Schema
}

function readTree(operations: readonly Operation[]): CommandTree {
  const version = readVersion()
  const shapes = operations.map(({ name, summary, input }) => ({
    name,
    summary,
    input: z.toJSONSchema(input, { io: 'input' }) as FieldSchema,
  }))
  return buildTree(shapes, { version, engine: ENGINE_VERSION, format: FORMAT })
}

/** The files whose content on disk is not what the code says. */
export function findStale(files: ReadonlyMap<string, string>, folder: string = root): Finding[] {
  return [...files]
    .filter(([file, content]) => readText(join(folder, file)) !== content)
    .map(([file]) => ({ file, line: 1, message: 'is stale; run: npm run generate' }))
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

if (import.meta.main) {
  const files = await generateFiles()
  const stale = findStale(files)
  if (process.argv.includes('--check')) reportFindings(stale, `${files.size} generated files are current`)
  else {
    for (const { file } of stale) writeFileSync(join(root, file), files.get(file) ?? '')
    console.log(stale.length > 0 ? `written: ${stale.map(({ file }) => file).join(', ')}` : 'everything was current')
  }
}
