import { canonicalJson } from '../canonical.ts'
import type { Event } from '../event.ts'
import type { Json, Value } from '../values.ts'
import { type Difference, findDifferences, withoutCircumstances } from './difference.ts'
import { collectFacts, type Fact, type FactSheet } from './facts.ts'
import { readInline } from './view.ts'

/** One of two runs, whole. */
export interface BisectedRun {
  readonly events: readonly Event[]
  /** Content that does not stand inline. */
  read(value: Value): Promise<Json | undefined> | Json | undefined
}

/** Something that the two runs settled in different ways, or that only one of them settled. */
export interface Parting {
  readonly name: string
  readonly a: Fact | undefined
  readonly b: Fact | undefined
  readonly differences: readonly Difference[]
}

export interface Bisection {
  /** Leading events that are one and the same: the past that a fork shares. */
  readonly shared: number
  /** Both came to the same end, whatever differed on the way. */
  readonly same_end: boolean
  /** What differs although all it follows from is the same; absent when both runs did the same. */
  readonly cause: Parting | undefined
  /** From the cause to what it came to in the end; the cause is its first link. */
  readonly chain: readonly Parting[]
  /** Other differences that follow from nothing else and had a part in the end. */
  readonly also: readonly Parting[]
  /** The seeds of the runs differ, so what is drawn by lot may. */
  readonly seeds_differ: boolean
}

/**
 * Finds the first cause of the difference between two runs. Events are matched by what they are about, not by their place, so it does
 * not matter what else happened in between. From the end that differs the way goes back over what each fact follows from, in either run.
 */
export async function findFirstCause(a: BisectedRun, b: BisectedRun): Promise<Bisection> {
  const [left, right] = [collectFacts(a.events), collectFacts(b.events)]
  const partings = await findPartings({ run: a, sheet: left }, { run: b, sheet: right })
  const target = findTarget(partings, [...left.answers, ...right.answers])
  const tree = target ? climb(partings, target, [left, right]) : { roots: [], next: new Map<string, string>() }
  const [cause, ...also] = tree.roots
  return {
    shared: countShared(a.events, b.events),
    same_end: ![...partings.keys()].some((name) => name === 'finish' || name.startsWith('end ')),
    cause,
    chain: cause ? follow(partings, cause.name, tree.next) : [],
    also,
    seeds_differ: left.seed !== right.seed,
  }
}

interface Side {
  readonly run: BisectedRun
  readonly sheet: FactSheet
}

async function findPartings(a: Side, b: Side): Promise<ReadonlyMap<string, Parting>> {
  const partings = new Map<string, Parting>()
  for (const name of new Set([...a.sheet.facts.keys(), ...b.sheet.facts.keys()])) {
    const [one, other] = [a.sheet.facts.get(name), b.sheet.facts.get(name)]
    if (one && other && one.event.hash === other.event.hash && one.event.hash !== '') continue
    const differences = one && other ? await compareFacts({ ...a, fact: one }, { ...b, fact: other }) : []
    if (!one || !other || differences.length > 0) partings.set(name, { name, a: one, b: other, differences })
  }
  return partings
}

async function compareFacts(a: Side & { fact: Fact }, b: Side & { fact: Fact }): Promise<Difference[]> {
  const plain = findDifferences(a.fact.data, b.fact.data)
  const paths = new Set([...a.fact.values, ...b.fact.values].map(({ path }) => path))
  const contents: Difference[] = []
  for (const path of paths) {
    const valueOf = ({ fact }: { fact: Fact }) => fact.values.find((placed) => placed.path === path)?.value
    const [one, other] = [valueOf(a), valueOf(b)]
    if (one && other && one.sha256 === other.sha256) continue
    const answers = a.fact.kind === 'answer' && path === 'answer'
    const read = async (side: Side, value: Value | undefined) => {
      const content = await readValue(side, value)
      return answers && content !== undefined ? withoutCircumstances(content) : content
    }
    const [left, right] = [await read(a, one), await read(b, other)]
    if (left !== undefined && right !== undefined && canonicalJson(left) === canonicalJson(right)) continue
    // content that is gone on both sides can only be told apart by its length
    if (left === undefined && right === undefined && one?.bytes === other?.bytes) continue
    const inside = findDifferences(left, right)
    contents.push(...inside.map((at) => ({ ...at, path: at.path ? `${path}/${at.path}` : path })))
  }
  return [...plain, ...contents]
}

async function readValue({ run }: Side, value: Value | undefined): Promise<Json | undefined> {
  if (!value) return undefined
  return readInline(value) ?? (await run.read(value))
}

/** The end that differs: an answer of the run, else how it finished, else the last end, else the last thing of all. */
function findTarget(partings: ReadonlyMap<string, Parting>, answers: readonly string[]): string | undefined {
  for (const step of answers) if (partings.has(`end ${step}`)) return `end ${step}`
  if (partings.has('finish')) return 'finish'
  const names = [...partings.keys()]
  return names.findLast((name) => name.startsWith('end ')) ?? names.at(-1)
}

interface Tree {
  /** The first of them first. */
  readonly roots: readonly Parting[]
  /** From each fact on the way to the one that follows from it. */
  readonly next: ReadonlyMap<string, string>
}

function climb(
  partings: ReadonlyMap<string, Parting>,
  target: string,
  [left, right]: readonly [FactSheet, FactSheet],
): Tree {
  const next = new Map<string, string>()
  const seen = new Set([target])
  const queue = [target]
  const roots: Parting[] = []
  const told = [new Told(left, partings), new Told(right, partings)] as const
  for (const name of queue) {
    const parting = partings.get(name) as Parting
    const { a, b } = parting
    const direct = [...(a?.causes ?? []), ...(b?.causes ?? [])].filter((cause) => cause !== name && partings.has(cause))
    const isTold = (a && told[0].hasBefore(a)) || (b && told[1].hasBefore(b))
    if (direct.length === 0 && !isTold) roots.push(parting)
    const causes = [...direct, ...(a ? told[0].takeBefore(a) : []), ...(b ? told[1].takeBefore(b) : [])]
    for (const cause of causes) {
      if (seen.has(cause)) continue
      seen.add(cause)
      next.set(cause, name)
      queue.push(cause)
    }
  }
  // two runs can follow from each other in a circle only where their order differs; then the earliest is taken
  const found = roots.length > 0 ? roots : [...seen].map((name) => partings.get(name) as Parting)
  // what was settled long before takes effect with the first that follows from it
  const effectOf = (root: Parting) => placeOf(partings.get(next.get(root.name) ?? root.name) as Parting)
  return {
    roots: found.toSorted((one, other) => effectOf(one) - effectOf(other) || placeOf(one) - placeOf(other)),
    next,
  }
}

/** What differs of all that was told to the steps of a run; each is handed out once, so that thousands of items stay cheap. */
class Told {
  readonly #sheet: FactSheet
  readonly #partings: ReadonlyMap<string, Parting>
  readonly #lists = new Map<string, { readonly facts: readonly Fact[]; next: number }>()

  constructor(sheet: FactSheet, partings: ReadonlyMap<string, Parting>) {
    this.#sheet = sheet
    this.#partings = partings
  }

  /** Was the step that said this told something that differs before? */
  hasBefore({ by, event }: Fact): boolean {
    const [first] = by === undefined ? [] : this.#listFor(by).facts
    return first !== undefined && first.event.seq < event.seq
  }

  takeBefore({ by, event }: Fact): string[] {
    if (by === undefined) return []
    const list = this.#listFor(by)
    const from = list.next
    while ((list.facts[list.next]?.event.seq ?? Infinity) < event.seq) list.next += 1
    return list.facts.slice(from, list.next).map(({ name }) => name)
  }

  #listFor(step: string) {
    let list = this.#lists.get(step)
    if (!list) {
      const facts = (this.#sheet.delivered.get(step) ?? []).filter(({ name }) => this.#partings.has(name))
      this.#lists.set(step, (list = { facts, next: 0 }))
    }
    return list
  }
}

function placeOf({ a, b }: Parting): number {
  return Math.min(a?.event.seq ?? Infinity, b?.event.seq ?? Infinity)
}

function follow(
  partings: ReadonlyMap<string, Parting>,
  from: string,
  next: ReadonlyMap<string, string>,
): readonly Parting[] {
  const chain: Parting[] = []
  for (let name: string | undefined = from; name !== undefined; name = next.get(name))
    chain.push(partings.get(name) as Parting)
  return chain
}

function countShared(a: readonly Event[], b: readonly Event[]): number {
  let shared = 0
  while (shared < a.length && a[shared]?.hash === b[shared]?.hash) shared += 1
  return shared
}
