/** Something with a name that another one may have proposed. */
export interface Member {
  readonly name: string
  readonly parent?: string
}

/** A member with its depth in the tree of who proposed whom; 0: planned with the graph itself. */
export interface Kin<M extends Member> {
  readonly agent: M
  readonly depth: number
}

/** Every member followed by those it proposed, in the order given. One whose proposer is not there counts as planned with the graph. */
export function arrangeFamilies<M extends Member>(members: readonly M[]): Kin<M>[] {
  const names = new Set(members.map(({ name }) => name))
  const children = Map.groupBy(members, ({ parent }) =>
    parent !== undefined && names.has(parent) ? parent : undefined,
  )
  const arranged: Kin<M>[] = []
  const left: Kin<M>[] = []
  const push = (parent: string | undefined, depth: number) => {
    for (const agent of (children.get(parent) ?? []).toReversed()) left.push({ agent, depth })
  }
  push(undefined, 0)
  for (let kin = left.pop(); kin; kin = left.pop()) {
    arranged.push(kin)
    push(kin.agent.name, kin.depth + 1)
  }
  return arranged
}

/** `a/answer~1` below `a` is `answer~1`, `a[3]` is `[3]`. */
export function nameBelow({ name, parent }: Member): string {
  return parent !== undefined && name.startsWith(parent) ? name.slice(parent.length).replace(/^\//, '') : name
}
