import type { Json } from '../../events/values.ts'
import { isMap } from '../../graph/report.ts'
import { type Argument, findForeignPython, findReaching, writeCode } from './code-script.ts'
import type { DifyGraph, DifyNode } from './dify-graph.ts'
import { fillText, findWhole } from './dify-text.ts'
import { type AgentDraft, escapeLiquid } from './draft.ts'
import type { ImportedFile } from './imported.ts'
import { type JinjaName, toLiquid } from './jinja.ts'
import { type ProfileDrafts, placeModel, placeParameters } from './models.ts'
import type { Notes } from './notes.ts'
import type { Piece } from './piece.ts'
import { renderStep } from './render.ts'

export interface DifyWork {
  readonly name: string
  readonly profiles: ProfileDrafts
  readonly scripts: ImportedFile[]
  readonly origin: string
  readonly notes: Notes
}

const CALL_OPTIONS = ['top_p', 'presence_penalty', 'frequency_penalty', 'seed', 'stop', 'response_format']

/** The step of one node; none for nodes that only show the way, and for ends that say what the step before them says. */
export function compileNode(node: DifyNode, graph: DifyGraph, work: DifyWork): AgentDraft[] {
  const compile = Object.hasOwn(KINDS, node.type) ? KINDS[node.type] : undefined
  if (node.type !== 'start' && graph.waysTo(node.id).length === 0) {
    work.notes.lose(node.piece.path, 'nothing leads to this node')
    return []
  }
  if (compile) {
    const agent = compile(node, graph, work)
    return agent ? [agent] : []
  }
  if (node.type === 'start' || node.type === 'if-else') return []
  work.notes.refuse(
    [...node.piece.path, 'type'],
    `the node "${node.step}" is of the kind ${node.type}, which has no counterpart`,
    WAYS_OUT[node.type],
  )
  return []
}

const WAYS_OUT: { readonly [type: string]: string } = {
  'http-request': 'Write a script that asks, and name it in an agent.',
  'knowledge-retrieval': 'Give the documents as input, or write a script that searches them.',
  tool: 'Write a script that does the same, and name it in an agent.',
  iteration: 'Write the steps inside it as an ensemble, and run it with for_each.',
  loop: 'Write the steps inside it as an ensemble, and run it with loop.',
  'question-classifier': 'Write an agent that answers with one word, and conditions on that word.',
}

type Compile = (node: DifyNode, graph: DifyGraph, work: DifyWork) => AgentDraft | undefined

const compileModel: Compile = (node, graph, work) => {
  const { piece } = node
  const texts: { role: string; text: string; used: readonly string[] }[] = []
  const template = piece.get('prompt_template')
  const turns = Array.isArray(template.value) ? template.items() : [template]
  for (const turn of turns) {
    turn.text('id')
    const isJinja = turn.text('edition_type') === 'jinja2'
    const role = turn.text('role') ?? 'user'
    if (isJinja) turn.text('text')
    const given = isJinja ? turn.text('jinja2_text') : turn.text('text')
    if (!isJinja && turn.has('jinja2_text')) turn.notes.take([...turn.path, 'jinja2_text'])
    if (given === undefined) continue
    const variables = isJinja ? piece.map('prompt_config').list('jinja2_variables') : []
    const filled = isJinja ? fillJinja(graph, turn, { key: 'jinja2_text', variables }) : fill(graph, turn, 'text')
    if (filled) texts.push({ role, ...filled })
  }
  const memory = piece.map('memory')
  const asked = memory.text('query_prompt_template')
  if (asked !== undefined) {
    const filled = fill(graph, memory, 'query_prompt_template')
    if (filled) texts.push({ role: 'user', ...filled })
  }
  const [system, ...more] = texts.filter(({ role }) => role === 'system')
  const rest = texts.filter(({ role }) => role !== 'system')
  if (more.length > 0) piece.notes.assume([...piece.path, 'prompt_template'], 'its system prompts are one here')
  if (rest.length > 1)
    piece.notes.assume(
      [...piece.path, 'prompt_template'],
      'the turns of its prompt are one prompt here, each under its name',
    )
  const prompt =
    rest.length === 1 ? (rest[0]?.text ?? '') : rest.map(({ role, text }) => `${role}:\n${text}`).join('\n\n')
  const told = [system, ...more].flatMap((each) => (each ? [each.text] : [])).join('\n\n')
  if (texts.length === 0) piece.notes.refuse(piece.path, `the model "${node.step}" has no prompt`)
  const output = piece.map('structured_output')
  const schema = output.has('schema') ? output.whole('schema') : undefined
  const used = texts.flatMap((each) => each.used)
  return {
    name: node.step,
    ...placeCall(piece.map('model'), work),
    // a model is asked something in any case
    template: rest.length === 0 ? { prompt: told } : { ...(told === '' ? {} : { system: told }), prompt },
    ...(isMap(schema) ? { output_schema: schema as { readonly [key: string]: Json } } : {}),
    ...keysOf(node, graph, used),
  }
}

/** Profile and settings of a call, from `{provider, name, completion_params}`. */
export function placeCall(
  model: Piece,
  work: DifyWork,
): { readonly model_profile: string; readonly [key: string]: Json } {
  const name = model.text('name')
  const provider = model.text('provider')
  model.text('mode')
  const placed = name === undefined ? undefined : placeModel(name, provider)
  if (!placed) model.notes.assume(model.path, 'names no model that is known; the default model answers')
  else if (placed.doubt) model.notes.assume([...model.path, 'provider'], placed.doubt)
  const params = model.map('completion_params')
  const options = Object.fromEntries(
    CALL_OPTIONS.flatMap((key) => (params.has(key) ? [[key, params.whole(key) ?? null]] : [])),
  )
  const profile = placed
    ? work.profiles.use({ provider: placed.provider, model: placed.model, base_url: placed.base_url })
    : 'default'
  return {
    model_profile: profile,
    ...(placeParameters({
      temperature: params.number('temperature'),
      max_tokens: params.number('max_tokens'),
      ...options,
    }) as { readonly [key: string]: Json }),
  }
}

const compileTemplate: Compile = (node, graph) => {
  const { piece } = node
  const text = piece.text('template')
  const filled =
    text === undefined ? undefined : fillJinja(graph, piece, { key: 'template', variables: piece.list('variables') })
  if (text === undefined) piece.notes.refuse(piece.path, `the template "${node.step}" is empty`)
  return filled && renderStep({ name: node.step, template: filled.text, ...waitsOf(node, graph, filled.used) })
}

const compileAggregator: Compile = (node, graph) => {
  const { piece } = node
  piece.whole('output_type')
  if (piece.map('advanced_settings').get('group_enabled').value === true) {
    piece.notes.refuse(
      [...piece.path, 'advanced_settings'],
      `the node "${node.step}" gathers several groups, which has no counterpart`,
    )
    return undefined
  }
  const found = piece.list('variables').flatMap((selector) => graph.select(selector) ?? [])
  const tests = found.map(({ path }, index) => `{% ${index === 0 ? 'if' : 'elsif'} ${path} %}{{ ${path} }}`)
  const template = tests.length === 0 ? '' : `${tests.join('')}{% endif %}`
  return renderStep({
    name: node.step,
    template,
    ...waitsOf(
      node,
      graph,
      found.flatMap(({ steps }) => steps),
    ),
  })
}

const compileAnswer: Compile = (node, graph) => {
  const { piece } = node
  piece.whole('variables')
  const text = piece.text('answer')
  if (text === undefined) {
    piece.notes.refuse(piece.path, `the answer "${node.step}" is empty`)
    return undefined
  }
  const whole = findWhole(text)
  const filled = fill(graph, piece, 'answer')
  if (whole !== undefined && repeats(node, graph, whole.split('.'))) return undefined
  return filled && renderStep({ name: node.step, template: filled.text, ...waitsOf(node, graph, filled.used) })
}

const compileEnd: Compile = (node, graph) => {
  const outputs = node.piece.list('outputs').map((output) => {
    output.whole('value_type')
    const selector = output.get('value_selector')
    return { name: output.text('variable') ?? 'output', selector, selected: graph.select(selector) }
  })
  const [only] = outputs
  if (!only) return undefined
  const keys = Array.isArray(only.selector.value) ? only.selector.value.map(String) : []
  if (outputs.length === 1 && repeats(node, graph, keys)) return undefined
  const fields = Object.fromEntries(outputs.flatMap(({ name, selected }) => (selected ? [[name, selected.keys]] : [])))
  const used = outputs.flatMap(({ selected }) => selected?.steps ?? [])
  return renderStep({ name: node.step, fields, ...waitsOf(node, graph, used) })
}

const compileCode: Compile = (node, graph, work) => {
  const { piece } = node
  const code = piece.text('code')
  const language = piece.text('code_language')
  piece.whole('outputs')
  const refuse = (why: string) => {
    piece.notes.refuse(
      [...piece.path, 'code'],
      `the code of "${node.step}" cannot be taken over: ${why}`,
      'Write it as a script that reads JSON, and name it in an agent.',
    )
    return undefined
  }
  if (code === undefined) return refuse('there is none')
  if (language !== 'python3' && language !== 'javascript') return refuse(`it is written in ${language ?? 'nothing'}`)
  const foreign =
    language === 'python3'
      ? findForeignPython(code)
      : [...code.matchAll(/\b(?:require|import)\b/g)].map(([word]) => word)
  if (foreign.length > 0) return refuse(`it needs ${foreign.join(', ')}`)
  const reaching =
    language === 'python3' ? findReaching(code) : /\b(process|globalThis|eval|Function|fetch)\b/.exec(code)?.[1]
  if (reaching !== undefined) return refuse(`it reaches beyond its inputs with ${reaching}`)
  if (!(language === 'python3' ? /^def\s+main\s*\(/m : /\bfunction\s+main\s*\(|\bmain\s*=/).test(code))
    return refuse('it has no function main')
  const used: string[] = []
  const given: { [name: string]: Argument } = {}
  for (const variable of piece.list('variables')) {
    const name = variable.text('variable')
    variable.whole('value_type')
    const selector = variable.get('value_selector')
    const keys = Array.isArray(selector.value) ? selector.value.map(String) : []
    variable.notes.take(selector.path)
    const found = graph.find(keys, selector.path)
    if (name === undefined || !found) continue
    if ('constant' in found) given[name] = { value: found.constant }
    else {
      used.push(...found.steps)
      given[name] = { from: found.keys }
    }
  }
  const { reference, file } = writeCode({
    name: `${work.name}/${node.step}`,
    language: language === 'python3' ? 'python' : 'javascript',
    code,
    entry: 'main',
    arguments: given,
    origin: work.origin,
  })
  work.scripts.push(file)
  piece.notes.assume(
    [...piece.path, 'code'],
    `became the script ${reference}; it runs with your rights, so read it first`,
  )
  return { name: node.step, script: reference, ...keysOf(node, graph, used) }
}

const KINDS: { readonly [type: string]: Compile } = {
  llm: compileModel,
  'template-transform': compileTemplate,
  'variable-aggregator': compileAggregator,
  'variable-assigner': compileAggregator,
  answer: compileAnswer,
  end: compileEnd,
  code: compileCode,
}

interface Filled {
  readonly text: string
  readonly used: readonly string[]
}

function fill(graph: DifyGraph, piece: Piece, key: string): Filled | undefined {
  const text = piece.text(key) ?? ''
  const used: string[] = []
  const path = [...piece.path, key]
  const filled = fillText(text, (reference) => {
    if (reference === 'context') {
      const context = graph.nodeOf(piece)?.piece.map('context')
      const selected = context && graph.select(context.get('variable_selector'))
      context?.whole('enabled')
      used.push(...(selected?.steps ?? []))
      return selected && show(selected.path, selected, graph)
    }
    const found = graph.find(reference.split('.'), path)
    if (!found) return undefined
    if ('constant' in found)
      return escapeLiquid(typeof found.constant === 'string' ? found.constant : JSON.stringify(found.constant))
    used.push(...found.steps)
    return show(found.path, found, graph)
  })
  return filled === undefined ? undefined : { text: filled, used }
}

/** What may be missing is empty text. */
function show(
  path: string,
  { steps, optional }: { readonly steps: readonly string[]; readonly optional?: boolean },
  graph: DifyGraph,
): string {
  return optional || steps.some((step) => graph.maySkip(step)) ? `{{ ${path} | default: "" }}` : `{{ ${path} }}`
}

function fillJinja(
  graph: DifyGraph,
  piece: Piece,
  { key, variables }: { readonly key: string; readonly variables: readonly Piece[] },
): Filled | undefined {
  const text = piece.text(key) ?? ''
  const used: string[] = []
  const names = new Map<string, JinjaName>()
  for (const variable of variables) {
    const name = variable.text('variable')
    variable.whole('value_type')
    const selector = variable.get('value_selector')
    variable.notes.take(selector.path)
    const keys = Array.isArray(selector.value) ? selector.value.map(String) : []
    const found = graph.find(keys, selector.path)
    if (name === undefined || !found) continue
    if ('constant' in found) names.set(name, { text: String(found.constant) })
    else {
      used.push(...found.steps)
      names.set(name, {
        path: found.path,
        maybe: found.optional === true || found.steps.some((step) => graph.maySkip(step)),
      })
    }
  }
  const liquid = toLiquid(text, names)
  if (liquid.ok) return { text: liquid.text, used }
  piece.notes.refuse(
    piece.path,
    `a template cannot be taken over: line ${liquid.line}: ${liquid.why}`,
    'Rewrite that line with what Liquid has.',
  )
  return undefined
}

/** An end that says no more than the one step before it, which nothing else waits for. */
function repeats(node: DifyNode, graph: DifyGraph, [id = '', variable = '', ...rest]: readonly string[]): boolean {
  const [edge, ...others] = graph.edgesTo(node.id)
  const source = graph.nodes.get(id)
  const isOne =
    source?.type === 'llm' ? variable === 'text' : source?.type === 'template-transform' && variable === 'output'
  return (
    isOne &&
    rest.length === 0 &&
    others.length === 0 &&
    edge?.source === id &&
    graph.edgesFrom(id).length === 1 &&
    graph.edgesFrom(node.id).length === 0
  )
}

function waitsOf(
  node: DifyNode,
  graph: DifyGraph,
  used: readonly string[],
): { readonly depends_on: readonly string[]; readonly when?: string } {
  const condition = graph.conditionOf(node.id)
  const steps = [...new Set([...graph.stepsBefore(node.id), ...used, ...(condition?.steps ?? [])])].filter(
    (step) => step !== node.step,
  )
  return { depends_on: steps, ...(condition ? { when: condition.cel } : {}) }
}

/** A step that always runs is waited for to succeed, as there; one that may be skipped is only waited for. */
function keysOf(
  node: DifyNode,
  graph: DifyGraph,
  used: readonly string[],
): { readonly depends_on?: Json; readonly when?: string } {
  const { depends_on, when } = waitsOf(node, graph, used)
  const edges = depends_on.map((step) => (graph.maySkip(step) ? step : { step, on: 'success' }))
  return { ...(edges.length > 0 ? { depends_on: edges } : {}), ...(when === undefined ? {} : { when }) }
}
