import { type Document, isMap, isSeq, type YAMLMap, type YAMLSeq } from 'yaml'
import { OrcError } from '../events/errors.ts'
import type { Json, JsonObject } from '../events/values.ts'
import { editYaml, setKey } from './edit-yaml.ts'

/** What of an ensemble's file is changed, in words that say it to a person. */
export interface EnsembleEdit {
  readonly text: string
  readonly applied: readonly string[]
}

/**
 * The text of an ensemble's file after changes: `add_agents` (a list), `remove_agents` (names), `modify_agents` (by name, or a list of agents),
 * and any key of the ensemble; null takes a key away. Throws OrcError for a change that cannot be made.
 */
export function editEnsemble(text: string, file: string, changes: JsonObject): EnsembleEdit {
  const applied: string[] = []
  const written = editYaml(text, file, (document) => {
    const root = document.contents as unknown
    if (!isMap(root)) throw refuse(`${file} is no ensemble`)
    const { add_agents, remove_agents, modify_agents, ...keys } = changes
    if (keys['name'] !== undefined && keys['name'] !== root.get('name'))
      throw refuse('an ensemble keeps its name', 'Copy it under the other name, and delete this one.')
    for (const [key, value] of Object.entries(keys)) {
      setKey(document, root, [key, value])
      applied.push(value === null ? `${key} taken away` : `${key} set`)
    }
    if (remove_agents !== undefined) applied.push(...removeAgents(root, remove_agents))
    if (modify_agents !== undefined) applied.push(...modifyAgents(document, root, modify_agents))
    if (add_agents !== undefined) applied.push(...addAgents(document, root, add_agents))
  })
  if (applied.length === 0) throw refuse('nothing is to be changed', 'Give at least one change.')
  return { text: written, applied }
}

function addAgents(document: Document, root: YAMLMap, given: Json): string[] {
  const list = Array.isArray(given) ? (given as Json[]) : [given]
  const agents = agentsOf(root)
  return list.map((agent) => {
    const name = nameOf(agent)
    if (findAgent(agents, name)) throw refuse(`there is an agent "${name}" already`)
    agents.add(document.createNode(agent, { aliasDuplicateObjects: false }))
    return `agent ${name} added`
  })
}

function removeAgents(root: YAMLMap, given: Json): string[] {
  const names = (Array.isArray(given) ? (given as Json[]) : [given]).map(String)
  const agents = agentsOf(root)
  return names.map((name) => {
    const agent = requireAgent(agents, name)
    agents.items.splice(agents.items.indexOf(agent), 1)
    return `agent ${name} removed`
  })
}

function modifyAgents(document: Document, root: YAMLMap, given: Json): string[] {
  const agents = agentsOf(root)
  const each = Array.isArray(given)
    ? (given as Json[]).map((agent) => [nameOf(agent), agent as JsonObject] as const)
    : Object.entries(given as { readonly [name: string]: JsonObject })
  return each.map(([name, keys]) => {
    const agent = requireAgent(agents, name)
    if (typeof keys !== 'object' || keys === null) throw refuse(`the changes of the agent "${name}" are no map of keys`)
    for (const entry of Object.entries(keys)) setKey(document, agent, entry)
    return `agent ${name} changed: ${Object.keys(keys).join(', ')}`
  })
}

function agentsOf(root: YAMLMap): YAMLSeq {
  const agents: unknown = root.get('agents', true)
  if (isSeq(agents)) return agents
  throw refuse('the ensemble has no list of agents')
}

function findAgent(agents: YAMLSeq, name: string): YAMLMap | undefined {
  return agents.items.find((agent): agent is YAMLMap => isMap(agent) && agent.get('name') === name)
}

function requireAgent(agents: YAMLSeq, name: string): YAMLMap {
  const agent = findAgent(agents, name)
  if (agent) return agent
  const names = agents.items.flatMap((each) => (isMap(each) ? [String(each.get('name'))] : []))
  throw refuse(`there is no agent "${name}"`, `There are: ${names.join(', ')}`)
}

function nameOf(agent: Json): string {
  const name = typeof agent === 'object' && agent !== null && 'name' in agent ? agent.name : undefined
  if (typeof name === 'string' && name !== '') return name
  throw refuse('an agent has a name')
}

function refuse(message: string, hint?: string): OrcError {
  return new OrcError({ code: 'bad_input', message, ...(hint === undefined ? {} : { hint }) })
}
