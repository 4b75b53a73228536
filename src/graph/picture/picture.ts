import type { ConditionSpec, DispatchSpec, EachSpec, LoopSpec, NestedSpec } from '../composite.ts'
import type { GracefulSpec } from '../graceful.ts'
import { phasesOf } from '../phases.ts'
import type { GraphStep, StepGraph } from '../step-graph.ts'
import type { VerifiedSpec } from '../verify.ts'

/** A graph as people draw it: a box per agent, conditions as words on the box they open, what an agent contains inside its box. */
export interface Picture {
  /** Boxes by level: those of one level wait for none of each other. */
  readonly rows: readonly (readonly Box[])[]
  readonly arrows: readonly Arrow[]
}

export interface Box {
  readonly id: string
  readonly title: string
  /** What it is: `ollama/llama3`, `script x.py`, `for each item`, `loop, at most 3 rounds`. */
  readonly notes: readonly string[]
  readonly inside?: Picture
}

export interface Arrow {
  readonly from: string
  readonly to: string
  readonly on: 'always' | 'success' | 'failure'
}

/** Longest expression that is written on a box. */
const SHORT = 48

export function pictureOf(graph: StepGraph): Picture {
  const conditions = new Map(
    graph.steps
      .filter(({ kind }) => kind === 'condition')
      .map((step) => [step.id, step.spec as unknown as ConditionSpec]),
  )
  const opened = new Map<string, string>()
  for (const { id, after = [] } of graph.steps)
    for (const { step, on } of after) if (on === 'verdict') opened.set(id, conditions.get(step)?.expression ?? step)
  const steps = graph.steps
    .filter(({ id }) => !conditions.has(id))
    .map((step) => ({ ...step, after: (step.after ?? []).filter(({ on }) => on !== 'verdict') }))
  const byId = new Map(steps.map((step) => [step.id, step]))
  return {
    rows: phasesOf({ ...graph, steps }).map((row) =>
      row.map((id) => drawBox(byId.get(id) as GraphStep, opened.get(id))),
    ),
    arrows: steps.flatMap(({ id, after }) =>
      after.flatMap(({ step, on }): Arrow[] => (on === 'verdict' ? [] : [{ from: step, to: id, on }])),
    ),
  }
}

function drawBox(step: GraphStep, condition: string | undefined): Box {
  const inside = insideOf(step)
  const notes = [...notesOf(step), ...(condition === undefined ? [] : [`when ${shorten(condition)}`])]
  return { id: step.id, title: step.id, notes, ...(inside && inside.rows.length > 0 ? { inside } : {}) }
}

function insideOf({ kind, spec }: GraphStep): Picture | undefined {
  switch (kind) {
    case 'each':
      return pictureOf({ name: '', steps: [(spec as unknown as EachSpec).step] })
    case 'loop':
      return pictureOf((spec as unknown as LoopSpec).body)
    case 'nested':
    case 'graceful':
      return pictureOf((spec as unknown as NestedSpec | GracefulSpec).graph)
    default:
      return undefined
  }
}

function notesOf({ kind, spec }: GraphStep): string[] {
  switch (kind) {
    case 'each': {
      const { over, width } = spec as unknown as EachSpec
      const list = over === undefined ? 'its first dependency' : shorten(over)
      return [`for each of ${list}${width === undefined ? '' : `, ${width} at once`}`]
    }
    case 'loop': {
      const { max_iterations, until } = spec as unknown as LoopSpec
      return [`at most ${max_iterations} rounds${until === undefined ? '' : `, until ${shorten(until)}`}`]
    }
    case 'nested':
      return [`ensemble ${(spec as unknown as NestedSpec).ensemble}`]
    case 'graceful': {
      const { ensemble } = spec as unknown as GracefulSpec
      return [...(ensemble === undefined ? [] : [`ensemble ${ensemble}`]), 'finishes within its budget']
    }
    case 'dispatch':
      return [`the ensemble named by ${shorten((spec as unknown as DispatchSpec).ensemble)}`]
    case 'verified': {
      const { step: answer, checks, repair_limit } = spec as unknown as VerifiedSpec
      return [
        ...notesOf(answer),
        `${checks.length} ${checks.length === 1 ? 'check' : 'checks'}, ${repair_limit} ${repair_limit === 1 ? 'repair' : 'repairs'}`,
      ]
    }
    case 'assemble':
      return [`assemble: ${String(spec['method'])}`]
    default:
      return [sourceOf(spec) ?? kind]
  }
}

function sourceOf(spec: GraphStep['spec']): string | undefined {
  const candidates = spec['candidates'] as readonly { provider: string; model: string }[] | undefined
  const first = candidates?.[0]
  if (first)
    return candidates.length > 1
      ? `${first.provider}/${first.model}, then ${candidates.length - 1} more`
      : `${first.provider}/${first.model}`
  const script = spec['script'] as { reference?: string; type?: string } | undefined
  if (!script) return undefined
  return script.reference === undefined ? 'script' : `script ${script.reference}`
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > SHORT ? `${line.slice(0, SHORT - 1)}…` : line
}
