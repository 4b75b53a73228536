/** Runs shipped scripts as real processes, and shipped ensembles step by step without an engine. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildPrompt } from '../../src/context/prompt.ts'
import type { Json } from '../../src/events/values.ts'
import type { Ensemble } from '../../src/graph/ensemble.ts'
import { parseEnsemble } from '../../src/graph/ensemble-parse.ts'
import type { Provider } from '../../src/providers/provider.ts'

const library = join(import.meta.dirname, '..', '..', 'library')

export interface ScriptEnd {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface ScriptGiven {
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** Runs one script as the engine would: the folder's Node, its own environment, one document on standard input. */
export function runScript(
  name: string,
  { stdin = '', env = {}, cwd = import.meta.dirname }: ScriptGiven,
): Promise<ScriptEnd> {
  const child = spawn(process.execPath, [join(library, 'scripts', name)], {
    cwd,
    env: { PATH: process.env.PATH, ...env },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })))
}

/** The one JSON document that a script prints. */
export async function callScript(name: string, call: Json, cwd?: string): Promise<Record<string, Json>> {
  const { code, stdout } = await runScript(name, { stdin: JSON.stringify(call), ...(cwd === undefined ? {} : { cwd }) })
  if (code !== 0) throw new Error(`${name} ended with exit code ${code}`)
  return JSON.parse(stdout) as Record<string, Json>
}

export function readDocument(name: string): string {
  return readFileSync(join(library, 'documents', name), 'utf8')
}

export function readLibraryEnsemble(name: string): Ensemble {
  const { ensemble, problems } = parseEnsemble(readFileSync(join(library, 'ensembles', `${name}.yaml`), 'utf8'), name, {
    strict: true,
  })
  if (ensemble === undefined || problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'))
  return ensemble
}

/** The output of every agent, in the order of the file, which is an order of the graph too. */
export async function runLibraryEnsemble(
  ensemble: Ensemble,
  input: string,
  provider: Provider,
): Promise<Record<string, Json>> {
  const outputs: Record<string, Json> = {}
  for (const agent of ensemble.agents) {
    if (agent.script !== undefined) {
      outputs[agent.name] = await callScript(agent.script, { input, parameters: agent.parameters ?? {}, context: {} })
      continue
    }
    const blocks = agent.depends_on.map(({ step }) => ({
      label: step,
      status: 'succeeded' as const,
      output: outputs[step] ?? null,
    }))
    const prompt = buildPrompt({ title: agent.name, input, blocks })
    outputs[agent.name] = await ask(provider, agent.system_prompt ?? '', prompt)
  }
  return outputs
}

/** The text of an answer; a failure is thrown with its message. */
async function ask(provider: Provider, system: string, user: string): Promise<string> {
  const [model = { id: '' }] = await provider.models()
  const messages = [
    { role: 'system' as const, content: [{ type: 'text' as const, text: system }] },
    { role: 'user' as const, content: [{ type: 'text' as const, text: user }] },
  ]
  let text = ''
  for await (const part of provider.stream(
    { provider: provider.id, model: model.id, messages },
    new AbortController().signal,
  )) {
    if (part.type === 'text') text += part.text
    if (part.type === 'failed') throw new Error(part.failure.message)
  }
  return text
}
