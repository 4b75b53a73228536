import type { Place, Problem } from '../events/errors.ts'
import type { Json } from '../events/values.ts'
import type { AgentSpec } from './agent-spec.ts'
import { findCandidates, type ProfileLookup } from './candidates.ts'
import { type ChainStep, FORM, parseChainStep } from './chain-step.ts'
import { type ChainWords, findMisspelt, writeSystem } from './chain-words.ts'
import type { ModelProfile } from './profile.ts'
import { hasErrors, Report } from './report.ts'
import type { GraphStep, StepGraph } from './step-graph.ts'

/** What a chain needs from outside. */
export interface ChainLookup extends ChainWords, Pick<ProfileLookup, 'card' | 'profileNames'> {
  /** What a model of a step stands for, or why it stands for nothing. */
  model(name: string): ModelProfile | Problem
  /** A profile by its exact name: where fallbacks lead. */
  profile(name: string): ModelProfile | undefined
  defaultProfile(): ModelProfile
  /** Where the step stands in a file; by its position, from 0. */
  place?(index: number): Place
}

export interface ParsedChain {
  /** One entry for each that was given; undefined where it could not be read. */
  readonly steps: readonly (ChainStep | undefined)[]
  readonly problems: readonly Problem[]
}

export interface CompiledChain {
  /** Absent when there is an error. */
  readonly graph?: StepGraph
  readonly problems: readonly Problem[]
}

const MAX_STEPS = 500

/** Reads the steps of a chain; every broken one is named with its position, its part and its column. */
export function parseChain(steps: readonly Json[], place: (index: number) => Place = () => ({})): ParsedChain {
  if (steps.length === 0)
    return { steps: [], problems: [{ code: 'chain_invalid', message: 'the chain has no steps', ...place(0) }] }
  if (steps.length > MAX_STEPS) {
    const message = `the chain has ${steps.length} steps; ${MAX_STEPS} are allowed`
    return { steps: [], problems: [{ code: 'chain_invalid', message, ...place(MAX_STEPS) }] }
  }
  const problems: Problem[] = []
  const parsed = steps.map((text, index) => {
    if (typeof text !== 'string') {
      problems.push({ code: 'chain_invalid', message: `step ${index + 1} should be text`, hint: FORM, ...place(index) })
      return undefined
    }
    const read = parseChainStep(text)
    if (read.ok) return read.step
    const { message, hint, column } = read.fault
    const where = `step ${index + 1}, column ${column}`
    problems.push({ code: 'chain_invalid', message: `${where}: ${message}`, hint, ...place(index) })
    return undefined
  })
  return { steps: parsed, problems }
}

/**
 * A chain as a graph: each step is an agent that sees nothing but the answer before it; the first one sees the input. A step that
 * fails ends the chain.
 */
export function compileChain(name: string, given: readonly string[], lookup: ChainLookup): CompiledChain {
  const place = (index: number) => lookup.place?.(index) ?? {}
  const { steps: parsed, problems: broken } = parseChain(given, place)
  const problems: Problem[] = [...broken]
  const steps: GraphStep[] = []
  for (const [index, step] of parsed.entries()) {
    if (!step) continue
    const profile = lookup.model(step.model)
    if ('code' in profile) {
      problems.push({ ...profile, message: `step ${index + 1}: ${profile.message}`, ...place(index) })
      continue
    }
    const id = nameStep(step.role, steps)
    const report = new Report(() => place(index))
    const candidates = findCandidates(report, {
      agent: { name: id, model_profile: step.model },
      path: [],
      lookup: {
        profile: (wanted) => (wanted === step.model ? profile : lookup.profile(wanted)),
        defaultProfile: lookup.defaultProfile,
        ...(lookup.card ? { card: lookup.card } : {}),
        ...(lookup.profileNames ? { profileNames: lookup.profileNames } : {}),
      },
      keepPrompts: false,
    })
    problems.push(...report.problems, ...warnOfWords(step, index, lookup))
    if (!candidates) continue
    const before = steps.at(-1)?.id
    const spec: AgentSpec = {
      agent: id,
      title: titleOf(step),
      system: writeSystem(step.role, step.persona, lookup),
      candidates,
      role: step.role,
      blocks: [],
      ...(before === undefined ? {} : onlyAnswerOf(before)),
    }
    steps.push({
      id,
      kind: 'agent',
      spec,
      ...(before === undefined ? {} : { after: [{ step: before, on: 'success' }] }),
    })
  }
  const last = steps.at(-1)
  if (hasErrors(problems) || !last) return { problems }
  return { graph: { name, steps, output: last.id }, problems }
}

/** `gemini (GenerateCode/Developer)`: how a step is called in a conversation. */
function titleOf({ role, persona, model }: ChainStep): string {
  return `${model} (${role}/${persona})`
}

function onlyAnswerOf(step: string): Pick<AgentSpec, 'template' | 'rules'> {
  return { template: { prompt: `{{ steps[${JSON.stringify(step)}].text }}` }, rules: { input_scope: 'dependencies' } }
}

function nameStep(role: string, steps: readonly GraphStep[]): string {
  const taken = new Set(steps.map(({ id }) => id.toLowerCase()))
  let id = role
  for (let n = 2; taken.has(id.toLowerCase()); n++) id = `${role}-${n}`
  return id
}

/** A word without a prompt is fine, unless it looks like a misspelt one that has a prompt. */
function warnOfWords({ role, persona }: ChainStep, index: number, lookup: ChainLookup): Problem[] {
  return findMisspelt(role, persona, lookup).map(({ part, word, hint }) => ({
    code: 'chain_invalid',
    message: `step ${index + 1}: the ${part} "${word}" has no prompt of its own; its name is all the model is told`,
    severity: 'warning',
    hint,
    ...lookup.place?.(index),
  }))
}
