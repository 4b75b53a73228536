/**
 * Circles in "waits for" edges, each as a path that ends where it began; circles that share a node are reported once.
 * Ready-counting from both ends leaves only what lies on or between circles, so a large graph costs one pass. Unknown names are ignored.
 */
export function findCycles(waitsFor: ReadonlyMap<string, readonly string[]>): string[][] {
  const left = new Set(waitsFor.keys())
  const waiters = new Map<string, string[]>()
  for (const [name, targets] of waitsFor)
    for (const target of targets) {
      if (!waitsFor.has(target)) continue
      const list = waiters.get(target)
      if (list) list.push(name)
      else waiters.set(target, [name])
    }
  const known = new Map(
    [...waitsFor].map(([name, targets]) => [name, targets.filter((target) => waitsFor.has(target))]),
  )
  const open = new Map([...known].map(([name, targets]) => [name, targets.length]))
  const waiting = new Map([...known.keys()].map((name) => [name, waiters.get(name)?.length ?? 0]))
  const gone: string[] = [...left].filter((name) => open.get(name) === 0 || waiting.get(name) === 0)
  const peel = () => {
    for (let name = gone.pop(); name !== undefined; name = gone.pop()) {
      if (!left.delete(name)) continue
      for (const waiter of waiters.get(name) ?? []) if (countDown(open, waiter) === 0) gone.push(waiter)
      for (const target of known.get(name) ?? []) if (countDown(waiting, target) === 0) gone.push(target)
    }
  }
  peel()
  const cycles: string[][] = []
  for (const start of known.keys()) {
    if (!left.has(start)) continue
    const cycle = walkToCycle(start, (name) => known.get(name)?.find((target) => left.has(target)) ?? name)
    cycles.push(cycle)
    for (const name of cycle) gone.push(name)
    peel()
  }
  return cycles
}

function walkToCycle(start: string, next: (name: string) => string): string[] {
  const path: string[] = []
  const seenAt = new Map<string, number>()
  let name = start
  for (;;) {
    const at = seenAt.get(name)
    if (at !== undefined) return [...path.slice(at), name]
    seenAt.set(name, path.length)
    path.push(name)
    name = next(name)
  }
}

function countDown(counts: Map<string, number>, name: string): number {
  const count = (counts.get(name) ?? 0) - 1
  counts.set(name, count)
  return count
}
