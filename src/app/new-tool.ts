import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OrcError } from '../events/errors.ts'
import { BUILTINS } from '../tools/builtins.ts'
import { isToolName, isVersion } from '../tools/version.ts'
import type { App } from './app.ts'

export type ToolLanguage = 'typescript' | 'javascript' | 'python' | 'shell'

export interface MadeTool {
  readonly name: string
  readonly version: string
  readonly folder: string
  readonly files: readonly string[]
}

/** Makes the folder of a tool that works: it counts the characters of a text, until somebody writes something better. */
export async function makeTool(
  app: Pick<App, 'paths'>,
  { name, version, language }: { readonly name: string; readonly version: string; readonly language: ToolLanguage },
): Promise<MadeTool> {
  if (!isToolName(name))
    refuse(
      `"${name}" cannot be the name of a tool`,
      'Letters, digits, `-` and `_`, beginning with a letter, at most 64.',
    )
  if (BUILTINS.some((builtin) => builtin.name === name))
    refuse(`the name ${name} belongs to a tool that is built in`, 'Choose another one.')
  if (!isVersion(version)) refuse(`"${version}" is no semantic version`, 'Write it like 1.0.0.')
  const above = app.paths.project_dir
  if (above === undefined) refuse('there is no project here to make a tool in', 'Make one with: llm-orc init')
  const folder = join(above, 'tools', name, version)
  const program = PROGRAMS[language]
  const files = [
    { file: 'tool.json', text: `${JSON.stringify(describeTool(name, version, program.file), null, 2)}\n` },
    { file: program.file, text: program.text },
  ]
  await mkdir(join(above, 'tools', name), { recursive: true })
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
    throw new OrcError({
      code: 'file_exists',
      message: `the tool ${name} ${version} is there already`,
      hint: 'Give another version: --version 1.1.0',
      file: folder,
    })
  })
  for (const { file, text } of files) await writeFile(join(folder, file), text, { flag: 'wx' })
  return { name, version, folder, files: files.map(({ file }) => file) }
}

function refuse(message: string, hint: string): never {
  throw new OrcError({ code: 'bad_input', message, hint })
}

function describeTool(name: string, version: string, implementation: string) {
  return {
    name,
    version,
    aliases: [],
    description: 'Counts the characters of a text.',
    input_schema: {
      type: 'object',
      properties: { text: { type: 'string' } },
      required: ['text'],
      additionalProperties: false,
    },
    output_schema: { type: 'object', properties: { characters: { type: 'integer' } }, required: ['characters'] },
    safety: 'pure',
    permissions: {},
    implementation,
    migrations: {},
  }
}

const PROGRAMS: { readonly [L in ToolLanguage]: { readonly file: string; readonly text: string } } = {
  typescript: {
    file: 'tool.ts',
    text: `/** Gets the arguments, returns the data; what it throws is the failure. What it prints goes to standard error. */
export function run({ text }: { text: string }) {
  return { characters: [...text].length }
}
`,
  },
  javascript: {
    file: 'tool.mjs',
    text: `/** Gets the arguments, returns the data; what it throws is the failure. What it prints goes to standard error. */
export function run({ text }) {
  return { characters: [...text].length }
}
`,
  },
  python: {
    file: 'tool.py',
    text: `"""Reads the arguments as JSON, prints {success, data} or {success, error} as JSON."""
import json
import sys

arguments = json.load(sys.stdin)
json.dump({"success": True, "data": {"characters": len(arguments["text"])}}, sys.stdout)
`,
  },
  shell: {
    file: 'tool.sh',
    text: `# Reads the arguments as JSON, prints {success, data} or {success, error} as JSON.
set -eu
node -e '
  const { text } = JSON.parse(require("node:fs").readFileSync(0, "utf8"))
  console.log(JSON.stringify({ success: true, data: { characters: [...text].length } }))
'
`,
  },
}
