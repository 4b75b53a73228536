import type { Divergence } from '../engine/divergence.ts'
import { ForkCheck } from '../engine/fork-check.ts'
import { rehearseRun } from '../engine/rehearse.ts'
import { inVersion } from '../engine/versions.ts'
import type { Event } from '../events/event.ts'
import { evolve } from '../events/evolve.ts'
import { createRunState } from '../events/state.ts'
import type { JsonObject } from '../events/values.ts'
import { nameSetting, shortenSides } from '../events/views/cause-words.ts'
import type { Difference } from '../events/views/difference.ts'
import type { StepGraph } from '../graph/step-graph.ts'
import type { App } from './app.ts'
import { compareDefinition, type DefinitionChange, type StepChange } from './definition-change.ts'
import { createNodeWorld } from './node-world.ts'
import { stepKinds } from './ports.ts'

/**
 * What a changed definition means for a run under way. `same`: nothing changed · `safe`: the run can go on with it · `diverges`: steps that
 * ran would have run otherwise · `migration`: the change cannot be brought into a run that has begun.
 */
export type UpgradeVerdict = 'same' | 'safe' | 'diverges' | 'migration'

export interface StepVerdict {
  readonly step: string
  readonly progress?: StepChange['progress']
  readonly change: StepChange['change']
  readonly verdict: UpgradeVerdict
  /** One sentence, without a full stop. */
  readonly words: string
  readonly differences: readonly Difference[]
}

/** The first event that would not have come out as it did. */
export interface UpgradeDivergence {
  readonly event: number
  readonly type: string
  readonly step?: string
  readonly words: string
  /** The place in the event, as it stands (a) and as it would be (b). */
  readonly differences: readonly Difference[]
}

export interface UpgradeCheck {
  readonly verdict: UpgradeVerdict
  readonly divergence?: UpgradeDivergence
  readonly steps: readonly StepVerdict[]
  /** Why the change cannot be brought in, beyond what stands at the steps. */
  readonly reasons: readonly string[]
  /** Settings that the run takes over when it goes on, by step. */
  readonly specs: { readonly [step: string]: JsonObject }
}

interface Checked {
  readonly run: string
  readonly events: readonly Event[]
  readonly graph: StepGraph
}

/** Runs the record again under the changed definition, as a whole and for each changed step by itself. Touches nothing. */
export async function checkUpgrade(app: App, checked: Checked): Promise<UpgradeCheck> {
  const { events, graph } = checked
  const change = await compareDefinition(app, checked)
  const changed = change.steps.filter((step) => step.change !== 'none')
  if (changed.length === 0 && !change.output_changed)
    return { verdict: 'same', steps: change.steps.map(describeSame), reasons: [], specs: {} }
  const { blobs } = await app.openJournal()
  const means = { world: createNodeWorld(), blobs, kinds: stepKinds }
  const { divergence } = await rehearseRun(events, graph, means)
  const steps: StepVerdict[] = []
  for (const step of change.steps) steps.push(await judgeStep(step, { events, change, means }))
  const specs = Object.fromEntries(
    change.steps.flatMap(({ step, spec, ...how }) => (spec && isTakenOver(how) ? [[step, spec]] : [])),
  )
  const reasons = listReasons(events, change, specs)
  const recorded = divergence && events[divergence.seq - 1]
  const verdict = divergence
    ? 'diverges'
    : reasons.length > 0 || steps.some((step) => step.verdict === 'migration')
      ? 'migration'
      : 'safe'
  return {
    verdict,
    ...(divergence && recorded
      ? {
          divergence: {
            event: divergence.seq,
            type: recorded.type,
            ...stepOf(events, recorded),
            ...describeDivergence(divergence),
          },
        }
      : {}),
    steps,
    reasons,
    specs,
  }
}

function isTakenOver({ change, progress }: Pick<StepChange, 'change' | 'progress'>): boolean {
  return change === 'settings' && progress !== 'ended'
}

interface Ground {
  readonly events: readonly Event[]
  readonly change: DefinitionChange
  readonly means: Parameters<typeof rehearseRun>[2]
}

async function judgeStep(step: StepChange, ground: Ground): Promise<StepVerdict> {
  if (step.change === 'none') return describeSame(step)
  const { spec: _, ...told } = step
  const named = nameChanges(step)
  if (step.change !== 'settings') {
    const began = step.progress === 'ended' || step.progress === 'begun'
    return { ...told, verdict: began ? 'diverges' : 'migration', words: describeStructure(step, named) }
  }
  if (step.progress === 'waiting')
    return { ...told, verdict: 'safe', words: `has not begun, so it will run as it is defined now (${named})` }
  const parts = await rehearseStep(step, ground)
  if (parts !== undefined)
    return { ...told, verdict: 'diverges', words: `would have run otherwise ${parts} (${named})` }
  const words =
    step.progress === 'ended'
      ? `has ended and would have asked the same (${named})`
      : `is under way, has asked the same so far, and begins anew (${named})`
  return { ...told, verdict: 'safe', words }
}

function describeSame(step: StepChange): StepVerdict {
  const { spec: _, ...told } = step
  return { ...told, verdict: 'same', words: 'has not changed' }
}

/** What would have come out otherwise if this step alone had been changed. */
async function rehearseStep(step: StepChange, { events, change, means }: Ground): Promise<string | undefined> {
  const { then } = change
  if (!then) return 'for all anybody can tell: the definition it ran with has been removed'
  const steps = then.steps.map((each) => (each.id === step.step && step.spec ? { ...each, spec: step.spec } : each))
  const { divergence } = await rehearseRun(events, { ...then, steps }, means)
  return divergence && `from event ${divergence.seq} on`
}

function describeStructure({ change, progress }: StepChange, named: string): string {
  switch (change) {
    case 'added':
      return 'is new; a run that has begun takes no new steps'
    case 'removed':
      return progress === 'waiting'
        ? 'is gone; the run still waits to do it'
        : 'is gone, and the run has done it or begun to'
    default:
      return progress === 'waiting'
        ? `has not begun, but stands differently among the others (${named})`
        : `ran, and stands differently among the others (${named})`
  }
}

function nameChanges({ differences }: StepChange): string {
  const names = [...new Set(differences.map(({ path }) => nameSetting(path)))]
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
}

/** Whether a fork at the last event may change these settings, and whether the code of what is under way is still here. */
function listReasons(
  events: readonly Event[],
  { state, output_changed }: DefinitionChange,
  specs: UpgradeCheck['specs'],
): string[] {
  const strange = [...state.steps.values()].filter(
    ({ kind, status }) =>
      (status === 'running' || status === 'retrying') && !inVersion(stepKinds[kind], state.kinds[kind]),
  )
  const check = new ForkCheck({ specs })
  const folded = createRunState()
  for (const event of events) {
    evolve(folded, event)
    check.take(event, folded)
    folded.wakes.length = 0
  }
  return [
    ...(output_changed ? ['another step gives the answer now'] : []),
    ...strange.map(({ id, kind }) => `${id} is under way, and the code for ${kind} steps has another version now`),
    ...(check.refusal ? [check.refusal.message] : []),
  ]
}

/** `event 7 step-routed: /data/facts/profile: recorded "a", now "b"`, taken apart. */
function describeDivergence({ message, expected, got }: Divergence): Pick<UpgradeDivergence, 'words' | 'differences'> {
  const told = message.replace(/^event \d+ [^:]*: /, '')
  const path = /^\/data\/(\S+): recorded /.exec(told)?.[1]
  if (path === undefined || expected === undefined || got === undefined) return { words: told, differences: [] }
  return { words: `${path} would be another`, differences: [shortenSides({ path, a: expected, b: got })] }
}

function stepOf(events: readonly Event[], { data }: Event): { readonly step?: string } {
  if ('step' in data && data.step !== undefined) return { step: data.step }
  if (!('key' in data)) return {}
  const intent = events.find((event) => event.type === 'effect-intended' && event.data.key === data.key)
  return intent?.type === 'effect-intended' ? { step: intent.data.step } : {}
}
