import type { Event, StepFact } from '../event.ts'
import type { Json, JsonObject, Value } from '../values.ts'
import type { ReadValue } from './view.ts'

/** One answer, checked. */
export interface VerdictReport {
  readonly status: string
  /** Counts the tries of the step, from 1. */
  readonly try: number
  /** 0: the model's own first answer. */
  readonly repair: number
  /** The step that gave the answer. */
  readonly answer: string
  readonly model?: string
  readonly score?: number
  /** `why` is absent when the content is not at hand. */
  readonly checks: readonly { readonly check: string; readonly passed: boolean; readonly why?: string }[]
}

/** What one voter did. */
export interface BallotReport {
  readonly voter: string
  readonly model?: string
  readonly status: string
  /** Best first; absent for an abstention, and when the content is not at hand. */
  readonly ranking?: readonly string[]
  readonly reasons?: string
  /** Why the voter abstained. */
  readonly why?: string
}

/** How a vote or choice came out. */
export interface TallyReport {
  readonly method: string
  readonly order?: readonly string[]
  readonly scores?: { readonly [candidate: string]: number }
  /** Who was equal at the top, so that the lot decided. */
  readonly tied?: readonly string[]
  readonly rounds?: number
}

export interface LoopReport {
  readonly rounds: number
  readonly ended: string
  readonly limit?: number
}

/** What a step recorded about how it came to its output. */
export interface CourseReport {
  readonly verdicts?: readonly VerdictReport[]
  readonly ballots?: readonly BallotReport[]
  readonly tally?: TallyReport
  readonly loop?: LoopReport
}

/** The facts of one step's last attempt. */
export type CourseNotes = { readonly type: 'verdict' | 'ballot' | 'tally' | 'loop'; readonly fact: StepFact }[]

/** Adds what an event tells about the course of a step; a new attempt tells it anew. */
export function noteCourse(courses: Map<string, CourseNotes>, event: Event): void {
  if (event.type === 'step-started' || event.type === 'step-retried') {
    courses.delete(event.data.step)
    return
  }
  const type = typeOf(event)
  if (type === undefined) return
  const fact = event.data as StepFact
  const known = courses.get(fact.step)
  if (known) known.push({ type, fact })
  else courses.set(fact.step, [{ type, fact }])
}

/** The content a course is told with. */
export function findCourseValues(event: Event): readonly Value[] {
  if (typeOf(event) === undefined) return []
  const { content } = event.data as StepFact
  return content ? [content] : []
}

function typeOf(event: Event): CourseNotes[number]['type'] | undefined {
  if (event.type === 'step-verified') return 'verdict'
  if (event.type === 'ballot-cast') return 'ballot'
  if (event.type !== 'note-written' || !('facts' in event.data)) return undefined
  const { about } = event.data.facts
  return about === 'tally' || about === 'loop' ? about : undefined
}

export function describeCourse(notes: CourseNotes | undefined, read: ReadValue): CourseReport {
  if (!notes) return {}
  const told = (wanted: string) =>
    notes
      .filter(({ type }) => type === wanted)
      .map(({ fact }) => ({ facts: fact.facts, content: readContent(fact, read) }))
  const [verdicts, ballots] = [told('verdict').map(readVerdict), told('ballot').map(readBallot)]
  const [tally, loop] = [told('tally').at(-1), told('loop').at(-1)]
  return {
    ...(verdicts.length > 0 ? { verdicts } : {}),
    ...(ballots.length > 0 ? { ballots } : {}),
    ...(tally ? { tally: readTally(tally) } : {}),
    ...(loop ? { loop: readLoop(loop) } : {}),
  }
}

interface Told {
  readonly facts: JsonObject
  readonly content: JsonObject
}

function readContent({ content }: StepFact, read: ReadValue): JsonObject {
  const value = content && read(content)
  return isObject(value) ? value : {}
}

function readVerdict({ facts, content }: Told): VerdictReport {
  const failed = new Set(textsOf(facts['failed']))
  const reasons = new Map(
    listOf(content['checks'])
      .filter(isObject)
      .map((check) => [check['check'], check['why']]),
  )
  return {
    status: String(facts['status']),
    try: numberOf(facts['try']),
    repair: numberOf(facts['repair']),
    answer: String(facts['answer']),
    ...text('model', facts['profile'] ?? facts['model']),
    ...(typeof facts['score'] === 'number' ? { score: facts['score'] } : {}),
    checks: textsOf(facts['criteria']).map((check) => ({
      check,
      passed: !failed.has(check),
      ...text('why', reasons.get(check)),
    })),
  }
}

function readBallot({ facts, content }: Told): BallotReport {
  return {
    voter: String(facts['voter']),
    ...text('model', facts['model']),
    status: String(facts['status']),
    ...(Array.isArray(content['ranking']) ? { ranking: textsOf(content['ranking']) } : {}),
    ...text('reasons', content['reasons']),
    ...text('why', content['why']),
  }
}

function readTally({ facts, content }: Told): TallyReport {
  const { order, scores, tied, rounds } = content
  return {
    method: String(facts['method']),
    ...(Array.isArray(order) ? { order: textsOf(order) } : {}),
    ...(isObject(scores) ? { scores: readScores(scores) } : {}),
    ...(Array.isArray(tied) ? { tied: textsOf(tied) } : {}),
    ...(Array.isArray(rounds) ? { rounds: rounds.length } : {}),
  }
}

function readLoop({ facts }: Told): LoopReport {
  return {
    rounds: numberOf(facts['rounds']),
    ended: String(facts['ended']),
    ...(typeof facts['limit'] === 'number' ? { limit: facts['limit'] } : {}),
  }
}

function readScores(scores: JsonObject): { readonly [candidate: string]: number } {
  return Object.fromEntries(Object.entries(scores).map(([candidate, score]) => [candidate, numberOf(score)]))
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function numberOf(value: Json | undefined): number {
  return typeof value === 'number' ? value : 0
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : []
}

function textsOf(value: Json | undefined): readonly string[] {
  return listOf(value).map(String)
}

function text<K extends string>(key: K, value: Json | undefined): { readonly [P in K]?: string } {
  return (typeof value === 'string' ? { [key]: value } : {}) as { [P in K]?: string }
}
