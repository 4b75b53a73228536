import type { Json } from '../../events/values.ts'
import { type Argument, findForeignPython, findReaching, writeCode } from './code-script.ts'
import type { AgentDraft } from './draft.ts'
import { type JinjaName, toLiquid } from './jinja.ts'
import { placeModel, placeParameters } from './models.ts'
import type { Piece } from './piece.ts'
import type { FlowGraph, FlowPlace, FlowValue } from './promptflow-graph.ts'
import { renderStep } from './render.ts'
import { splitRoles } from './roles.ts'

const CALL_OPTIONS = ['top_p', 'presence_penalty', 'frequency_penalty', 'seed', 'stop', 'response_format']
const MODEL_KEYS = new Set(['deployment_name', 'model', 'temperature', 'max_tokens', ...CALL_OPTIONS])

/** A node on its way to a step. */
interface Work {
  readonly flow: FlowGraph
  readonly node: Piece
  readonly name: string
  readonly inputs: ReadonlyMap<string, FlowValue>
  readonly waits: readonly string[]
  readonly when: string | undefined
}

/** The step of one node; undefined when it was refused. */
export async function compileFlowNode(flow: FlowGraph, id: string): Promise<AgentDraft | undefined> {
  const { notes } = flow.given
  const node = flow.nodes.get(id)
  if (!node) return undefined
  const type = node.text('type')?.toLowerCase()
  if (node.has('skip'))
    notes.refuse([...node.path, 'skip'], `the node "${id}" has a skip rule of an older kind`, 'Write it as activate.')
  const inputs = flow.readInputs(node, type)
  const when = flow.readActivate(node)
  const waits = waitsOf([...inputs.values(), ...when.values])
  const work = { flow, node, name: flow.names.nameOf(id), inputs, waits, when: when.cel }
  if (type === 'llm') return compileModel(work)
  if (type === 'prompt') return compilePrompt(work)
  if (type === 'python') return compilePython(work)
  const message = `the node "${id}" is of the kind ${type ?? 'nothing'}, which has no counterpart`
  notes.refuse([...node.path, 'type'], message)
  return undefined
}

async function compileModel(work: Work): Promise<AgentDraft | undefined> {
  const { flow, node, inputs } = work
  const { notes } = flow.given
  const template = await readTemplate(work)
  if (template === undefined) return undefined
  const constant = (key: string) => {
    const value = inputs.get(key)
    return value && 'constant' in value ? value.constant : undefined
  }
  const model = constant('deployment_name') ?? constant('model')
  const provider = node.text('provider')
  node.text('api')
  const number = (key: string) => readNumber(constant(key))
  const options = Object.fromEntries(
    CALL_OPTIONS.flatMap((key) => {
      const value = constant(key)
      return value === undefined || value === '' || value === null ? [] : [[key, readNumber(value) ?? value]]
    }),
  )
  const placed =
    typeof model === 'string' && model !== ''
      ? placeModel(model, provider === 'OpenAI' ? 'openai' : undefined)
      : undefined
  const path = [...node.path, 'inputs', inputs.has('deployment_name') ? 'deployment_name' : 'model']
  if (!placed) notes.assume(node.path, 'names no model that is known; the default model answers')
  else if (provider === 'AzureOpenAI')
    notes.assume(path, `the deployment is taken for the model ${placed.model} of ${placed.provider}`)
  else if (placed.doubt) notes.assume(path, placed.doubt)
  const { system, prompt, joined } = splitRoles(template)
  if (joined) notes.assume(node.path, 'the turns of its prompt are one prompt here, each under its name')
  return {
    name: work.name,
    model_profile: placed ? flow.profiles.use({ provider: placed.provider, model: placed.model }) : 'default',
    ...placeParameters({ temperature: number('temperature'), max_tokens: number('max_tokens'), ...options }),
    template: { ...(system === undefined ? {} : { system }), prompt },
    ...keysOf(work),
  }
}

async function compilePrompt(work: Work): Promise<AgentDraft | undefined> {
  const template = await readTemplate(work)
  if (template === undefined) return undefined
  return renderStep({ name: work.name, template, depends_on: work.waits, when: work.when })
}

async function compilePython(work: Work): Promise<AgentDraft | undefined> {
  const { flow, node, inputs } = work
  const { notes, name, document } = flow.given
  const code = await flow.readSource(node)
  if (code === undefined) return undefined
  const path = [...node.path, 'source']
  const { entry, why } = inspectPython(code)
  if (why !== undefined) {
    notes.refuse(
      path,
      `the Python of "${work.name}" cannot be taken over: ${why}`,
      'Write it as a script that reads JSON, and name it in an agent.',
    )
    return undefined
  }
  const plain = code.replace(/^\s*(?:from\s+promptflow[\w.]*\s+import\b.*|import\s+promptflow.*)$/gm, '')
  const { reference, file } = writeCode({
    name: `${name}/${work.name}`,
    language: 'python',
    code: `def tool(function=None, **_):\n    return function if function else (lambda inner: inner)\n\n${plain}`,
    entry,
    arguments: Object.fromEntries([...inputs].map(([key, value]): [string, Argument] => [key, toArgument(value)])),
    origin: document.path,
  })
  flow.scripts.push(file)
  notes.assume(path, `its Python became the script ${reference}; it runs with your rights, so read it first`)
  return { name: work.name, script: reference, ...keysOf(work) }
}

/** The one function marked `@tool`, and why the code cannot be taken over all the same. */
function inspectPython(code: string): { readonly entry: string; readonly why?: string } {
  const entries = [...code.matchAll(/^@tool\b[^\n]*\n(?:@[^\n]*\n)*(async\s+)?def\s+([A-Za-z_]\w*)/gm)]
  const [only, ...others] = entries
  const entry = only?.[2] ?? ''
  if (entry === '' || others.length > 0) return { entry, why: 'it has no single function marked @tool' }
  if (only?.[1] !== undefined) return { entry, why: 'its function is asynchronous' }
  const foreign = findForeignPython(code)
  if (foreign.length > 0) return { entry, why: `it needs ${foreign.join(', ')}` }
  const reaching = findReaching(code)
  return reaching === undefined ? { entry } : { entry, why: `it reaches beyond its inputs with ${reaching}` }
}

async function readTemplate(work: Work): Promise<string | undefined> {
  const { flow, node, inputs } = work
  const source = await flow.readSource(node)
  if (source === undefined) return undefined
  const isModel = node.get('type').value?.toString().toLowerCase() === 'llm'
  const names = new Map<string, JinjaName>()
  for (const [key, value] of inputs) {
    if ('constant' in value) {
      if (!isModel || !MODEL_KEYS.has(key)) names.set(key, { text: toText(value.constant) })
    } else names.set(key, { path: value.path, maybe: value.node !== undefined && flow.maySkip(value.node) })
  }
  const liquid = toLiquid(source, names)
  if (liquid.ok) return liquid.text
  flow.given.notes.refuse(
    [...node.path, 'source'],
    `the template of "${work.name}" cannot be taken over: line ${liquid.line}: ${liquid.why}`,
    'Rewrite that line with what Liquid has, or put the value in by an earlier node.',
  )
  return undefined
}

/** A last step for the outputs, unless the one output is what the last node says anyway. */
export function compileOutputs(flow: FlowGraph, agents: readonly AgentDraft[]): AgentDraft | undefined {
  const { notes, top } = flow.given
  const fields = new Map<string, FlowPlace>()
  for (const [name, output] of top.map('outputs').entries()) {
    output.text('type')
    output.text('description')
    const text = output.text('reference')
    const value = text === undefined ? undefined : flow.readReference(output.get('reference'), text)
    if (value && !('constant' in value)) fields.set(name, value)
    else if (text === undefined) notes.lose(output.path, 'refers to nothing')
  }
  const values = [...fields.values()]
  const [only] = values
  const waited = new Set(
    agents.flatMap((agent) => (Array.isArray(agent['depends_on']) ? agent['depends_on'].map(String) : [])),
  )
  const isPlain = only?.step !== undefined && only.path === `steps.${only.step}.output` && !waited.has(only.step)
  const ends = agents.filter((agent) => !waited.has(agent.name))
  if (fields.size === 0 || (fields.size === 1 && isPlain && ends.length === 1)) return undefined
  return renderStep({
    name: flow.names.nameOf(' outputs', 'outputs'),
    fields: Object.fromEntries([...fields].map(([name, value]) => [name, value.keys])),
    depends_on: waitsOf(values),
  })
}

function waitsOf(values: readonly FlowValue[]): string[] {
  return [...new Set(values.flatMap((value) => ('step' in value && value.step !== undefined ? [value.step] : [])))]
}

function keysOf({ waits, when }: Work): { readonly depends_on?: Json; readonly when?: string } {
  return { ...(waits.length > 0 ? { depends_on: [...waits] } : {}), ...(when === undefined ? {} : { when }) }
}

function toArgument(value: FlowValue): Argument {
  return 'constant' in value ? { value: value.constant } : { from: value.keys }
}

function toText(value: Json): string {
  return typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value)
}

function readNumber(value: Json | undefined): number | undefined {
  if (typeof value === 'number') return value
  return typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : undefined
}
