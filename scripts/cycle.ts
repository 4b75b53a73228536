/** One cycle of a directed graph as `a -> b -> a`, or nothing. Targets that are no nodes are ignored. */
export function findCycle(edges: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>()
  const path: string[] = []

  const visit = (node: string): string[] | undefined => {
    if (done.has(node)) return
    const open = path.indexOf(node)
    if (open >= 0) return [...path.slice(open), node]
    path.push(node)
    for (const next of edges.get(node) ?? []) {
      const cycle = edges.has(next) ? visit(next) : undefined
      if (cycle) return cycle
    }
    path.pop()
    done.add(node)
  }

  for (const node of edges.keys()) {
    const cycle = visit(node)
    if (cycle) return cycle
  }
}
