import type { Json } from '../../events/values.ts'
import { type Document, type ReadBeside, resolveBeside } from './document.ts'
import type { ImportedFile } from './imported.ts'
import { ProfileDrafts } from './models.ts'
import { StepNames } from './names.ts'
import { MAX_PARTS, type Notes } from './notes.ts'
import type { Piece } from './piece.ts'

const REFERENCE = /^\$\{\s*([A-Za-z_][\w-]*)((?:\.[A-Za-z_][\w-]*|\[\d+\])*)\s*\}$/

interface Given {
  readonly document: Document
  readonly notes: Notes
  readonly top: Piece
  /** Of the ensemble. */
  readonly name: string
  readonly read: ReadBeside
}

/** What a value of a node's inputs is: a place in the flow, or a constant. */
export type FlowValue = FlowPlace | { readonly constant: Json }

export interface FlowPlace {
  /** The node and its step; none for a place in the input. */
  readonly node?: string
  readonly step?: string
  readonly keys: readonly (string | number)[]
  /** The same for templates and conditions. */
  readonly path: string
}

/** The nodes of a promptflow graph, with their default variants, and what their references stand for. */
export class FlowGraph {
  readonly given: Given
  readonly nodes = new Map<string, Piece>()
  readonly profiles: ProfileDrafts
  readonly scripts: ImportedFile[] = []
  readonly names = new StepNames()
  /** The values of all inputs, when each has one; JSON. */
  readonly defaultTask: string | undefined
  readonly #inputs: ReadonlySet<string>
  readonly #lost = new Set<string>()
  readonly #skips = new Map<string, boolean>()

  constructor(given: Given) {
    const { notes, top, document } = given
    this.given = given
    this.profiles = new ProfileDrafts(document.path)
    const inputs = top.map('inputs').entries()
    this.#inputs = new Set(inputs.map(([name]) => name))
    const defaults: { [name: string]: Json } = {}
    for (const [name, input] of inputs) {
      for (const key of ['type', 'description']) input.text(key)
      const value = input.has('default') ? input.whole('default') : undefined
      if (value !== undefined) defaults[name] = value
    }
    if (inputs.length > 0) {
      notes.assume(['inputs'], `the input of a run is a JSON object with ${[...this.#inputs].join(', ')}`)
      if (inputs.every(([name]) => defaults[name] !== undefined)) this.defaultTask = JSON.stringify(defaults)
    }
    const nodes = top.list('nodes')
    if (nodes.length > MAX_PARTS) notes.refuse(['nodes'], `this graph has more than ${MAX_PARTS} nodes`)
    else for (const node of nodes) this.#addNode(node)
  }

  #addNode(node: Piece): void {
    const { notes } = this.given
    const name = node.text('name')
    if (name === undefined) return notes.refuse(node.path, 'a node has no name')
    if (this.nodes.has(name)) return notes.refuse([...node.path, 'name'], `two nodes are called "${name}"`)
    if (node.get('aggregation').value === true) {
      this.#lost.add(name)
      return notes.lose(node.path, 'runs over the results of many runs, for which there is no counterpart')
    }
    this.nodes.set(name, node.get('use_variants').value === true ? this.#pickVariant(name, node) : node)
    this.names.nameOf(name)
  }

  #pickVariant(name: string, node: Piece): Piece {
    const { top, notes } = this.given
    const variants = top.map('node_variants').map(name)
    const chosen = variants.text('default_variant_id')
    const found = chosen === undefined ? undefined : variants.map('variants').map(chosen).map('node')
    if (!found || found.value === undefined) {
      notes.refuse(node.path, `the node "${name}" has variants, and the default one is missing`)
      return node
    }
    notes.assume([...node.path, 'use_variants'], `the variant ${chosen} was taken; the others are not`)
    return found
  }

  /** The values of `inputs`, by name; for a model those of the template and those of the call. */
  readInputs(node: Piece, type: string | undefined): ReadonlyMap<string, FlowValue> {
    const values = new Map<string, FlowValue>()
    for (const [key, piece] of node.map('inputs').entries()) {
      const found = typeof piece.value === 'string' ? this.readReference(piece, piece.value) : undefined
      if (found) values.set(key, found)
      else {
        piece.notes.take(piece.path)
        values.set(key, { constant: piece.value ?? null })
        const isSet = piece.value !== '' && piece.value !== null && piece.value !== undefined
        if (type === 'llm' && isSet && ['functions', 'function_call', 'tools', 'tool_choice'].includes(key))
          piece.notes.lose(piece.path, 'tools are not taken over; name them under "tools" of the agent')
      }
    }
    return values
  }

  readReference(piece: Piece, text: string): FlowValue | undefined {
    const { notes } = this.given
    const found = REFERENCE.exec(text.trim())
    if (!found?.[1]) {
      if (text.includes('${'))
        notes.assume(piece.path, 'what stands in ${...} is not a whole reference and stays as it is')
      return undefined
    }
    const keys = [...(found[2] ?? '').matchAll(/\.([^.[]+)|\[(\d+)\]/g)].map(([, key, index]) => key ?? Number(index))
    if (found[1] === 'inputs') {
      const [key] = keys
      if (typeof key === 'string' && this.#inputs.has(key))
        return { keys: ['input', ...keys], path: toPath(['input', ...keys]) }
      notes.refuse(piece.path, `${text} names an input that this graph does not have`)
      return { constant: null }
    }
    if (!this.nodes.has(found[1])) {
      const why = this.#lost.has(found[1]) ? 'could not be taken over' : 'does not exist'
      notes.refuse(piece.path, `${text} names a node that ${why}`)
      return { constant: null }
    }
    const step = this.names.nameOf(found[1])
    const path = ['steps', step, 'output', ...(keys[0] === 'output' ? keys.slice(1) : keys)]
    return { node: found[1], step, keys: path, path: toPath(path) }
  }

  readActivate(node: Piece): { readonly cel?: string; readonly values: readonly FlowValue[] } {
    if (!node.has('activate')) return { values: [] }
    const activate = node.map('activate')
    const text = activate.text('when')
    const wanted = activate.get('is').value
    const value = text === undefined ? undefined : this.readReference(activate.get('when'), text)
    if (!value || 'constant' in value || wanted === undefined || (typeof wanted === 'object' && wanted !== null)) {
      this.given.notes.refuse(activate.path, 'this condition is not a reference compared with one value')
      return { values: [] }
    }
    return { cel: `${value.path} == ${JSON.stringify(wanted)}`, values: [value] }
  }

  /** Is there a condition on the node, or on all nodes that it waits for? */
  maySkip(name: string): boolean {
    const known = this.#skips.get(name)
    const node = this.nodes.get(name)
    if (known !== undefined || !node) return known ?? false
    // nodes in a circle are refused by the check of the ensemble
    this.#skips.set(name, false)
    const values = Object.values(node.map('inputs').value ?? {})
    const waits = values.flatMap((text) => (typeof text === 'string' ? [REFERENCE.exec(text.trim())?.[1] ?? ''] : []))
    const others = waits.filter((other) => this.nodes.has(other))
    const skips = node.has('activate') || (others.length > 0 && others.every((other) => this.maySkip(other)))
    this.#skips.set(name, skips)
    return skips
  }

  async readSource(node: Piece): Promise<string | undefined> {
    const { document, notes, read } = this.given
    const source = node.map('source')
    const kind = source.text('type')
    const path = source.text('path')
    if (kind !== undefined && kind !== 'code') {
      notes.refuse(
        source.path,
        `the source of "${node.text('name') ?? ''}" is a ${kind}, and only code in a file can be taken over`,
      )
      return undefined
    }
    const file = path === undefined ? undefined : resolveBeside(document, path)
    const text = file === undefined ? undefined : await read(file)
    if (text === undefined)
      notes.refuse(
        source.path,
        `the file ${path ?? 'of a node'} is missing`,
        'It has to stand in the folder of the graph or below.',
      )
    return text
  }
}

function toPath(keys: readonly (string | number)[]): string {
  return keys
    .map((key, index) =>
      typeof key === 'number' ? `[${key}]` : index === 0 ? key : /^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `["${key}"]`,
    )
    .join('')
}
