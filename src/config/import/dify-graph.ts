import type { Json } from '../../events/values.ts'
import { type Branching, conditionOf, readBranching, type Selected } from './dify-conditions.ts'
import { ALWAYS, addChoice, type Choices, joinWays, TooManyPaths } from './dify-paths.ts'
import { StepNames } from './names.ts'
import { MAX_PARTS, type Notes } from './notes.ts'
import type { Piece } from './piece.ts'

export interface DifyNode {
  readonly id: string
  readonly type: string
  /** Its `data`. */
  readonly piece: Piece
  readonly step: string
}

interface DifyEdge {
  readonly source: string
  readonly target: string
  readonly handle: string
  readonly piece: Piece
}

/** Nodes that are not steps of their own: they only say where it goes on, or what there is. */
const SIGNPOSTS = new Set(['start', 'if-else'])

/** The nodes and edges of a Dify workflow, and what can be asked of them. */
export class DifyGraph {
  readonly nodes: ReadonlyMap<string, DifyNode>
  readonly notes: Notes
  readonly start: DifyNode | undefined
  /** Names of the start node's variables; `true` for those that may be left out. */
  readonly variables = new Map<string, boolean>()
  /** Does any node read what the user typed into the chat? */
  asksQuery = false
  readonly #from: ReadonlyMap<string, readonly DifyEdge[]>
  readonly #to: ReadonlyMap<string, readonly DifyEdge[]>
  readonly #byStep = new Map<string, DifyNode>()
  readonly #constants: ReadonlyMap<string, Json>
  readonly #branchings = new Map<string, Branching>()
  readonly #ways = new Map<string, Choices>()

  constructor(notes: Notes, workflow: Piece, constants: ReadonlyMap<string, Json>) {
    this.notes = notes
    this.#constants = constants
    const graph = workflow.map('graph')
    const names = new StepNames()
    const nodes = new Map<string, DifyNode>()
    const items = graph.list('nodes')
    if (items.length > MAX_PARTS) notes.refuse([...graph.path, 'nodes'], `this graph has more than ${MAX_PARTS} nodes`)
    for (const item of items.slice(0, MAX_PARTS)) {
      const id = item.text('id')
      const piece = item.map('data')
      const type = piece.text('type')
      for (const key of [
        'position',
        'positionAbsolute',
        'width',
        'height',
        'selected',
        'sourcePosition',
        'targetPosition',
        'type',
        'zIndex',
        'extent',
        'dragging',
        'style',
      ])
        item.whole(key)
      for (const key of ['title', 'desc', 'selected', 'height', 'width']) piece.whole(key)
      if (item.get('type').value === 'custom-note' || (type === '' && id !== undefined)) {
        notes.lose(item.path, 'is a note on the canvas')
        continue
      }
      if (id === undefined || type === undefined) notes.refuse(item.path, 'a node of this graph has no id or no type')
      else if (nodes.has(id)) notes.refuse(item.path, `two nodes have the id ${id}`)
      else nodes.set(id, { id, type, piece, step: names.nameOf(id, plainTitle(piece.text('title')) ?? type) })
    }
    this.nodes = nodes
    this.start = [...nodes.values()].find(({ type }) => type === 'start')
    if (!this.start) notes.refuse(graph.path, 'this graph has no start node')
    const edges = graph.list('edges').flatMap((piece) => {
      const [source, target] = [piece.text('source'), piece.text('target')]
      const handle = piece.text('sourceHandle') ?? 'source'
      for (const key of ['id', 'type', 'targetHandle', 'zIndex', 'selected', 'data']) piece.whole(key)
      if (source === undefined || target === undefined || !nodes.has(source) || !nodes.has(target)) {
        notes.refuse(
          piece.path,
          `an edge leads from ${source ?? 'nothing'} to ${target ?? 'nothing'}, and one of them is no node`,
        )
        return []
      }
      return [{ source, target, handle, piece }]
    })
    this.#from = Map.groupBy(edges, ({ source }) => source)
    this.#to = Map.groupBy(edges, ({ target }) => target)
    for (const node of nodes.values()) this.#byStep.set(node.step, node)
    for (const variable of this.start?.piece.list('variables') ?? []) {
      const name = variable.text('variable')
      if (name !== undefined) this.variables.set(name, variable.get('required').value !== true)
      for (const key of ['label', 'type', 'max_length', 'options', 'default', 'hint', 'placeholder'])
        variable.whole(key)
    }
  }

  /** Does the run's input have keys, or is it one text? */
  get hasFields(): boolean {
    return this.variables.size > 0
  }

  /** The node whose `data` holds this piece. */
  nodeOf({ path }: Piece): DifyNode | undefined {
    return [...this.nodes.values()].find(({ piece }) => piece.path.every((key, index) => path[index] === key))
  }

  /** What the tests of if-else nodes say; before it, every node of a graph must be known. */
  readBranchings(): void {
    for (const { id, type, piece } of this.nodes.values())
      if (type === 'if-else') {
        const branching = readBranching(piece, (selector) => this.select(selector))
        if (branching) this.#branchings.set(id, branching)
      }
  }

  edgesFrom(id: string): readonly DifyEdge[] {
    return this.#from.get(id) ?? []
  }

  edgesTo(id: string): readonly DifyEdge[] {
    return this.#to.get(id) ?? []
  }

  /** The steps that have to end before this node, through the signposts between. */
  stepsBefore(id: string): string[] {
    const seen = new Set<string>()
    const found = new Set<string>()
    const left = [id]
    for (let at = left.pop(); at !== undefined; at = left.pop())
      for (const { source } of this.edgesTo(at)) {
        if (seen.has(source)) continue
        seen.add(source)
        const node = this.nodes.get(source)
        if (node && SIGNPOSTS.has(node.type)) left.push(source)
        else if (node) found.add(node.step)
      }
    return [...found]
  }

  /** The condition under which a node is reached, and the steps that it looks at; undefined when it always is. */
  conditionOf(id: string): { readonly cel: string; readonly steps: readonly string[] } | undefined {
    const ways = this.waysTo(id)
    if (ways.some((set) => set.size === 0)) return undefined
    const steps = new Set<string>()
    const sets = ways.map((set) =>
      [...set].map(([branch, handle]) => {
        const branching = this.#branchings.get(branch)
        for (const step of branching?.steps ?? []) steps.add(step)
        return (branching && conditionOf(branching, handle)) ?? 'false'
      }),
    )
    const cel = sets.map((tests) => (sets.length === 1 ? tests.join(' && ') : `(${tests.join(' && ')})`)).join(' || ')
    return { cel: cel === '' ? 'false' : cel, steps: [...steps] }
  }

  maySkip(step: string): boolean {
    const node = this.#byStep.get(step)
    return node !== undefined && !this.waysTo(node.id).some((set) => set.size === 0)
  }

  waysTo(id: string, above: readonly string[] = []): Choices {
    const known = this.#ways.get(id)
    if (known) return known
    if (above.includes(id)) {
      this.notes.refuse(this.nodes.get(id)?.piece.path ?? [], 'nodes of this graph wait for each other in a circle')
      return ALWAYS
    }
    const node = this.nodes.get(id)
    if (node?.type === 'start') return ALWAYS
    let found: Choices = ALWAYS
    try {
      const ways = this.edgesTo(id).map((edge) => this.#follow(edge, [...above, id]))
      found = joinWays(ways, (branch) => [
        ...(this.#branchings.get(branch)?.cases ?? []).map(({ handle }) => handle),
        'false',
      ])
    } catch (error) {
      if (!(error instanceof TooManyPaths)) throw error
      this.notes.refuse(node?.piece.path ?? [], error.message)
    }
    this.#ways.set(id, found)
    return found
  }

  #follow({ source, handle, piece }: DifyEdge, above: readonly string[]): Choices {
    const before = this.waysTo(source, above)
    if (this.nodes.get(source)?.type !== 'if-else') return before
    const branching = this.#branchings.get(source)
    if (branching && conditionOf(branching, handle) === undefined)
      this.notes.refuse(
        [...piece.path, 'sourceHandle'],
        `the edge follows the case ${handle}, which the if-else node does not have`,
      )
    return addChoice(before, source, handle)
  }

  /** A selector `[node, variable, ...]`. What cannot be found is refused. */
  select(selector: Piece): Selected | undefined {
    const keys = Array.isArray(selector.value) ? selector.value : []
    selector.notes.take(selector.path)
    if (!keys.every((key) => typeof key === 'string') || keys.length === 0) {
      this.notes.refuse(selector.path, 'a selector is a list of a node and the name of its value')
      return undefined
    }
    const found = this.find(keys, selector.path)
    if (found && 'constant' in found) {
      this.notes.refuse(selector.path, `${keys.join('.')} is a constant, which cannot stand here`)
      return undefined
    }
    return found
  }

  /** What `node.variable` stands for, in templates and conditions; refused when there is no such thing. */
  find(keys: readonly string[], path: Piece['path']): Selected | { readonly constant: Json } | undefined {
    const [id = '', variable = '', ...rest] = keys
    const constant = this.#constants.get(`${id}.${variable}`)
    if (constant !== undefined) return { constant }
    if (id === 'sys' && variable === 'query') {
      this.asksQuery = true
      return selectedAt(this.hasFields ? ['input', 'query'] : ['input'])
    }
    const node = this.nodes.get(id)
    if (!node) {
      this.notes.refuse(
        path,
        `${keys.join('.')} names ${id === 'sys' || id === 'env' || id === 'conversation' ? 'a value of the other program that is not there' : 'a node that does not exist'}`,
      )
      return undefined
    }
    if (node.type === 'start') {
      if (this.variables.has(variable))
        return selectedAt(['input', variable, ...rest], { optional: this.variables.get(variable) === true })
      this.notes.refuse(path, `${keys.join('.')} names an input that the start node does not have`)
      return undefined
    }
    if (node.type === 'if-else') {
      this.notes.refuse(path, `${keys.join('.')} names a value of an if-else node, which has none`)
      return undefined
    }
    // a model and a template have one value; code has values by name
    const below = node.type === 'code' ? [variable, ...rest] : rest
    return selectedAt(['steps', node.step, 'output', ...below], { steps: [node.step] })
  }
}

function selectedAt(keys: readonly string[], more: Partial<Selected> = {}): Selected {
  const path = keys
    .map((key, index) => (index === 0 ? key : /^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`))
    .join('')
  return { path, keys, steps: [], ...more }
}

/** Titles that say more than the kind of node; one of signs alone says nothing. */
function plainTitle(title: string | undefined): string | undefined {
  return title !== undefined && /[A-Za-z]/.test(title) ? title : undefined
}
