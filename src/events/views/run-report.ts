import type { Json } from '../values.ts'
import type { CourseReport } from './course.ts'
import type { Progress, ProgressTotals, StepStatus, StepTotals } from './progress.ts'
import type { RecoveryCount } from './recovery.ts'
import type { Fallback } from './route.ts'
import type { Spent } from './usage.ts'

/** What one step came to. Times are ISO 8601 UTC. Tokens and money stand in `usage`, absent where nobody told them. */
export interface AgentReport extends CourseReport {
  readonly name: string
  readonly kind: string
  /** The step that proposed this one. */
  readonly parent?: string
  readonly status: StepStatus
  /** 0: never started. */
  readonly attempts: number
  readonly started?: string
  readonly ended?: string
  /** From the first attempt's start to the end. */
  readonly duration_ms?: number
  readonly provider?: string
  readonly model?: string
  readonly profile?: string
  readonly usage: Spent
  /** With what the steps below it spent; absent when there are none. */
  readonly family_usage?: Spent
  /** Text for a model's answer; any JSON for a script's. */
  readonly output?: Json
  /** Bytes of an output whose content is not at hand (removed, or not loaded). */
  readonly output_withheld?: number
  readonly code?: string
  readonly message?: string
  /** Why it was skipped or cancelled. */
  readonly reason?: string
  readonly fallbacks: readonly Fallback[]
  /** For a step that runs one step per item of a list. */
  readonly items?: ItemsReport
  readonly dependencies: readonly string[]
}

/** How the items of a list came out so far. */
export interface ItemsReport {
  readonly total: number
  readonly succeeded: number
  /** Those that failed or were cancelled. */
  readonly failed: readonly string[]
}

export interface FailureReport {
  readonly agent: string
  readonly code: string
  readonly message: string
  /** What the provider, tool or script said; foreign text. */
  readonly detail?: string
  readonly hint?: string
}

/** An effect that may or may not have happened. Nobody knows at all, or it failed in a way that does not tell. */
export interface UnknownEffect {
  readonly key: string
  readonly step?: string
  /** How it failed. */
  readonly code?: string
  /** `yes`: it had begun, and how far it came is not known. */
  readonly touched?: 'maybe' | 'yes'
}

/** One run, told whole: plain JSON, the source of every report, page and artifact. */
export interface RunReport {
  readonly run: string
  readonly target: { readonly kind: string; readonly name: string }
  readonly status: Progress['status']
  readonly started?: string
  readonly ended?: string
  readonly duration_ms?: number
  readonly input?: Json
  readonly input_withheld?: number
  /** In the order they were planned; steps added under way follow. */
  readonly agents: readonly AgentReport[]
  /** Names in the order they ended. */
  readonly order: readonly string[]
  /** Levels of the planned graph (steps added under way stand under their parent). */
  readonly phases: readonly (readonly string[])[]
  /** Names of the agents whose outputs are the run's answer. */
  readonly answers: readonly string[]
  readonly totals: ProgressTotals & { readonly usage: Spent }
  readonly errors: readonly FailureReport[]
  /** Effects that may or may not have happened; a person has to look. */
  readonly unknown: readonly UnknownEffect[]
  /** What was done about failures; absent where nothing was. */
  readonly recoveries?: readonly RecoveryCount[]
  /** Why the run ended, where that is not plain from its steps. */
  readonly reason?: string
}

/** What is known of an effect that failed and may have happened, as an addition to its name; nothing where nothing is. */
export function describeDoubt({ code, touched }: Pick<UnknownEffect, 'code' | 'touched'>): string {
  if (touched === undefined) return ''
  const what = touched === 'yes' ? 'it had begun' : 'it may have happened'
  return code === undefined ? ` (${what})` : ` (${code}: ${what})`
}

/** `3 succeeded`, `1 failed`, …: how many steps came to what; nothing for what none came to. */
export function describeCounts(totals: StepTotals): string[] {
  const names = ['succeeded', 'failed', 'skipped', 'cancelled', 'running', 'waiting'] as const
  return names.filter((name) => totals[name] > 0).map((name) => `${totals[name]} ${name}`)
}

/** The agents that answer for the run and have an output. */
export function pickAnswers(report: RunReport): readonly AgentReport[] {
  const names = new Set(report.answers)
  return report.agents.filter((agent) => names.has(agent.name) && agent.output !== undefined)
}

/** An output as text: a model's words as they are, other JSON indented. */
export function showOutput(output: Json): string {
  return typeof output === 'string' ? output : JSON.stringify(output, null, 2)
}
