import { cleanLine } from './clean.ts'
import { findPhases } from './phases.ts'
import type { AgentReport } from './run-report.ts'

/** The dependency graph as mermaid text. Labels hold letters, digits and a few marks; all else is an entity. */
export function drawMermaid(agents: readonly AgentReport[]): string {
  const ids = new Map(agents.map((agent, index) => [agent.name, `n${index}`]))
  const nodes = agents.map((agent, index) => `  n${index}["${encodeLabel(agent.name)}"]:::${agent.status}`)
  const edges = agents.flatMap((agent, index) =>
    findSources(agent).flatMap((name) => {
      const from = ids.get(name)
      return from === undefined ? [] : [`  ${from} --> n${index}`]
    }),
  )
  const colours = [
    '  classDef succeeded stroke:#2e7d32',
    '  classDef failed stroke:#c62828',
    '  classDef skipped stroke-dasharray:4',
    '  classDef cancelled stroke-dasharray:4',
  ]
  return ['graph TD', ...nodes, ...edges, ...colours].join('\n')
}

/**
 * The same as an indented tree in ASCII. An agent stands under the last of its dependencies, so everything above it
 * has ended; the others are named beside it.
 */
export function drawTree(agents: readonly AgentReport[]): string {
  const byName = new Map(agents.map((agent) => [agent.name, agent]))
  const linked = agents.map((agent) => ({ id: agent.name, after: findSources(agent).map((step) => ({ step })) }))
  const levels = new Map(findPhases(linked).flatMap((phase, level) => phase.map((name) => [name, level] as const)))
  const children = new Map<string, AgentReport[]>()
  const roots: AgentReport[] = []
  for (const agent of agents) {
    const under = pickParent(agent, levels)
    if (under === undefined || !byName.has(under)) roots.push(agent)
    else children.set(under, [...(children.get(under) ?? []), agent])
  }
  const lines: string[] = []
  const draw = (
    agent: AgentReport,
    prefix: string,
    place: { readonly last: boolean; readonly root: boolean },
  ): void => {
    const under = pickParent(agent, levels)
    const also = findSources(agent).filter((name) => name !== under)
    const note = also.length > 0 && !place.root ? ` (also after ${also.map(cleanLine).join(', ')})` : ''
    const branch = place.root ? '' : place.last ? '`-- ' : '|-- '
    lines.push(`${prefix}${branch}${cleanLine(agent.name)} [${agent.status}]${note}`)
    const below = children.get(agent.name) ?? []
    const indent = place.root ? '' : place.last ? '    ' : '|   '
    below.forEach((child, index) => {
      draw(child, prefix + indent, { last: index === below.length - 1, root: false })
    })
  }
  for (const root of roots) draw(root, '', { last: true, root: true })
  return lines.join('\n')
}

/** What an agent hangs on: its dependencies, and the step that proposed it when it has none. */
function findSources(agent: AgentReport): readonly string[] {
  const parent = agent.parent
  return agent.dependencies.length > 0 || parent === undefined ? agent.dependencies : [parent]
}

/** The dependency on the deepest level above; undefined on a cycle, so that the tree stays a tree. */
function pickParent(agent: AgentReport, levels: ReadonlyMap<string, number>): string | undefined {
  const own = levels.get(agent.name) ?? 0
  let best: string | undefined
  for (const name of findSources(agent)) {
    const level = levels.get(name)
    if (level === undefined || level >= own) continue
    if (best === undefined || level > (levels.get(best) ?? 0)) best = name
  }
  return best
}

function encodeLabel(name: string): string {
  return [...cleanLine(name)]
    .map((char) => (/[\p{L}\p{N} _.,/-]/u.test(char) ? char : `#${char.codePointAt(0)};`))
    .join('')
}
