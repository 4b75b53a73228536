import { hash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { EffectAsk } from '../engine/effect.ts'
import { createRun, type Run, type RunPlan, readEvents, resumeRun, startRun } from '../engine/engine.ts'
import type { Command } from '../engine/inbox.ts'
import type { RunEnd } from '../engine/live.ts'
import type { Policy } from '../engine/policy.ts'
import type { Watcher } from '../engine/world.ts'
import { OrcError, type Problem } from '../events/errors.ts'
import type { Event, RunLimits } from '../events/event.ts'
import { upcast } from '../events/upcast.ts'
import type { Json } from '../events/values.ts'
import type { RunReport } from '../events/views/run-report.ts'
import type { Budget } from '../graph/budget.ts'
import { type Lease, takeLease } from '../journal/lease.ts'
import type { App } from './app.ts'
import { readApprovals, type ShownApproval } from './approvals.ts'
import { writeArtifacts } from './artifacts.ts'
import { type Ask, findAsks } from './asks.ts'
import { underBudget } from './budget.ts'
import { joinWatchers, type Keeper } from './driven.ts'
import { createNodeWorld } from './node-world.ts'
import { describeOwner, isOwnerDead } from './owner.ts'
import { hasPermits, joinPermits, pinPermits, readPermits } from './permits.ts'
import { commandsOf, type Person } from './person.ts'
import { comparePinned, readPinnedFiles } from './pinned.ts'
import type { Permits } from './policy.ts'
import { createPorts } from './ports.ts'
import { ownerIn, ownerOf } from './principal.ts'
import { projectDigest } from './project-digest.ts'
import { reportRun } from './run-report.ts'
import type { Target } from './target.ts'
import { requireEqual } from './verify.ts'

const LEASE_MS = 15_000

/** What came of driving a run in this process. */
export interface RunResult {
  readonly run: string
  readonly status: RunReport['status']
  /** What a person is asked, when the run rests. */
  readonly asks?: readonly string[]
  /** Those of the asks that are questions, with what a person has to know to answer them. */
  readonly questions?: readonly Ask[]
  /** Those of the asks that wait for a yes or no. */
  readonly approvals?: readonly ShownApproval[]
  readonly report: RunReport
  /** The folder with `execution.json` and `execution.md`. */
  readonly artifacts?: string
  readonly provider_notes: readonly string[]
  /** What the definition's files could say better. */
  readonly warnings?: readonly Problem[]
  /** The ensemble wants its answer shown alone. */
  readonly raw_output?: boolean
}

export interface RunOrder {
  readonly target: Target
  readonly input: Json
  readonly seed?: string
  readonly limits?: Partial<RunLimits>
  readonly permits?: Permits
  /** What the caller lets it spend. */
  readonly budget?: Budget
  /** The id it gets; default: a new one. */
  readonly run?: string
  /** Whose it is; default: whoever the program works for. */
  readonly principal?: string | undefined
}

/** How a driven run is watched and stopped, and who can be asked at once when it rests. */
export interface Steering {
  readonly signal?: AbortSignal
  readonly watcher?: Watcher
  readonly person?: Person
  /** Keeps what is driven here; its runs are those of a server. */
  readonly keeper?: Keeper
  /** Answers as soon as the run is under way; only with a keeper. */
  readonly detached?: boolean
}

/** How a run that is there already is taken up. */
export interface TakingUp extends Steering {
  readonly accept_changed?: boolean
  /** Added to those it has. */
  readonly permits?: Permits
  /** Only to cancel it: nothing of it is allowed any more, and no policy is needed to say so. */
  readonly ending?: boolean
}

/** Starts a run and drives it to its end or rest. */
export async function runTarget(app: App, order: RunOrder, steering: Steering): Promise<RunResult> {
  const id = order.run ?? makeRunId()
  const result = await inPlace({ app, run: id, keeper: steering.keeper }, async () => {
    const plan = planRun(app, await underBudget(app, { ...order, run: id }), steering.keeper ? 'server' : 'cli')
    const ports = await createPorts(app, {
      ...watcherOf(steering, plan.run),
      ...permitsOf(order),
      principal: plan.principal,
    })
    const lease = await holdLease(app, plan.run)
    const run = await startRun(ports, plan, lease)
    return driveRun(app, { run, lease }, { ...steering, notes: order.target.notes, principal: plan.principal })
  })
  const { warnings, ensemble } = order.target
  return {
    ...result,
    ...(warnings.length > 0 ? { warnings } : {}),
    ...(ensemble?.raw_output ? { raw_output: true } : {}),
  }
}

/** Holds a place among the runs of its owner until it is kept. */
export async function inPlace<T>(
  { app, run, keeper }: { readonly app: App; readonly run: string; readonly keeper: Keeper | undefined },
  begin: () => Promise<T>,
): Promise<T> {
  keeper?.admit({ run, principal: app.principal })
  try {
    return await begin()
  } finally {
    keeper?.dismiss(run)
  }
}

/** Writes a run that another process will drive. */
export async function prepareRun(app: App, order: RunOrder): Promise<string> {
  const ports = await createPorts(app, permitsOf(order))
  const plan = planRun(app, await underBudget(app, order), 'cli')
  await createRun(ports, plan)
  return plan.run
}

/** Drives a run that has begun; a keeper keeps it, whatever becomes of the caller. */
export async function driveRun(
  app: App,
  { run, lease }: { readonly run: Run; readonly lease: Lease },
  how: Steering & { readonly notes: readonly string[]; readonly principal?: string | undefined },
): Promise<RunResult> {
  const result = finishRun(app, run, how)
  if (!how.keeper) return result
  const letGo = async () => {
    run.abandon()
    await lease.release()
  }
  const { principal } = how
  how.keeper.keep({ id: run.id, kind: 'run', ...(principal === undefined ? {} : { principal }), result, letGo })
  if (!how.detached) return result
  const report = await reportOf(app, run.id)
  return { run: run.id, status: report.status, report, provider_notes: how.notes }
}

export function watcherOf({ watcher, keeper }: Steering, run: string): { readonly watcher?: Watcher } {
  const joined = joinWatchers(watcher, keeper?.watch(run))
  return joined ? { watcher: joined } : {}
}

function permitsOf({ permits }: RunOrder): { readonly permits?: Permits } {
  return permits ? { permits } : {}
}

/** Takes up an unfinished run. Throws OrcError when another process holds it, or when it cannot go on. */
export async function continueRun(app: App, run: string, how: TakingUp): Promise<RunResult> {
  how.keeper?.admit()
  const events = await requireRun(app, run)
  if (events.at(-1)?.type !== 'run-finished') {
    const compared = await comparePinned(app, { run, events, accept: how.accept_changed ?? false })
    const before = await readPermits(app, run, events)
    const permits = joinPermits(before, how.permits ?? {})
    const more = how.permits !== undefined && hasPermits(how.permits)
    const files = more ? pinPermits(compared ?? (await readPinnedFiles(app, { run, events })), permits) : compared
    const principal = ownerIn(events)
    const ports = await createPorts(app, { ...watcherOf(how, run), permits, ending: how.ending, principal })
    const lease = await holdLease(app, run)
    if (more && ports.policy) await giveWhatIsPermitted(app, run, { events, policy: ports.policy })
    const resumed = await resumeRun(ports, run, { lease, ...(files ? { files } : {}) })
    if ('seq' in resumed) {
      await lease.release()
      const hint = 'The step code has changed since; look at it with: llm-orc runs replay RUN'
      throw new OrcError({ code: 'step_diverged', message: `the run cannot be taken up: ${resumed.message}`, hint })
    }
    return driveRun(app, { run: resumed, lease }, { ...how, notes: [], principal })
  }
  const report = await reportOf(app, run)
  return { run, status: report.status, report, provider_notes: [] }
}

/** Whoever allows a call beforehand has said yes to those that wait. */
async function giveWhatIsPermitted(
  app: App,
  run: string,
  { events, policy }: { readonly events: readonly Event[]; readonly policy: Policy },
): Promise<void> {
  const waiting = (await readApprovals(app, run, events)).filter(({ status }) => status === 'asked')
  const commands = waiting.flatMap(({ key, step, grant, request, digest }): Command[] => {
    const { kind, safety } = grant as { readonly kind: string; readonly safety: EffectAsk['safety'] }
    const ask = { run, step, key, kind, safety, labels: [], request: request as Json }
    return policy.judge(ask).verdict === 'allow' ? [{ type: 'approve', key, request: digest }] : []
  })
  if (commands.length > 0) await appendCommands(app, run, commands)
}

/** The number of the last of them. */
async function appendCommands(app: App, run: string, commands: readonly Command[]): Promise<number> {
  const { journal } = await app.openJournal()
  const stream = `inbox/${run}`
  const records = app.redaction.redactJson(commands as unknown as Json[])
  const appended = await journal.append([{ stream, expected: 'any', records }])
  return appended.ok ? (appended.last[stream] ?? 0) : 0
}

/** Waits for a driven run's end or rest, and leaves its report. */
async function finishRun(
  app: App,
  run: Run,
  how: Steering & { readonly notes: readonly string[] },
): Promise<RunResult> {
  const stop = () => run.cancel('interrupted')
  if (how.signal?.aborted) stop()
  how.signal?.addEventListener('abort', stop, { once: true })
  const end: RunEnd = await run.ended.finally(() => how.signal?.removeEventListener('abort', stop))
  if (end.outcome === 'lost') {
    throw new OrcError({
      code: 'run_taken',
      message: `another process has taken over the run ${run.id}`,
      hint: `Look at it with: llm-orc runs show ${run.id}`,
    })
  }
  if (app.env.values.get('LLM_ORC_VERIFY_RUNS')) await requireEqual(app, run.id)
  const report = await reportOf(app, run.id)
  const result = { run: run.id, status: report.status, report, provider_notes: how.notes }
  if (end.outcome === 'resting') {
    const asks = await findAsks(app, run.id, await requireRun(app, run.id))
    const answered = await askPerson(app, run.id, { ...how, asks })
    return answered ?? { ...result, asks: end.asks, ...sortAsks(asks) }
  }
  const clean = JSON.parse(app.redact(JSON.stringify(report))) as RunReport
  const place = await writeArtifacts({ dir: artifactsFolder(app), report: clean })
  return { ...result, artifacts: place.folder }
}

/** What came of the run after the person at hand has spoken; undefined when nobody is, or they leave it all for later. */
async function askPerson(
  app: App,
  run: string,
  how: Steering & { readonly asks: readonly Ask[]; readonly notes: readonly string[] },
): Promise<RunResult | undefined> {
  const { person, asks, notes, signal = new AbortController().signal } = how
  if (!person || signal.aborted) return undefined
  const commands = commandsOf(await person.answer(asks, signal), asks)
  if (commands.length === 0 || signal.aborted) return undefined
  return { ...(await commandRun(app, run, { ...how, commands })), provider_notes: notes }
}

function sortAsks(asks: readonly Ask[]): Pick<RunResult, 'questions' | 'approvals'> {
  const questions = asks.filter(({ question }) => question !== undefined)
  const approvals = asks.flatMap(({ approval }) => approval ?? [])
  return {
    ...(questions.length > 0 ? { questions } : {}),
    ...(approvals.length > 0 ? { approvals } : {}),
  }
}

/** Where this project's (or the user's) readable run folders are. */
export function artifactsFolder(app: App): string {
  return join(app.paths.project_dir ?? app.paths.data, 'artifacts')
}

/** All events of a run; OrcError `not_found` when there is none. `run` may be the beginning of an id, or `latest`. */
export async function requireRun(app: App, run: string): Promise<readonly Event[]> {
  const events: Event[] = []
  for await (const event of readEvents(await app.openJournal(), run)) events.push(event)
  if (events.length > 0) return events
  throw new OrcError({
    code: 'not_found',
    message: `there is no run ${run}`,
    hint: 'See them with: llm-orc runs list --all',
  })
}

export async function reportOf(app: App, run: string): Promise<RunReport> {
  const { blobs } = await app.openJournal()
  return reportRun(await requireRun(app, run), run, blobs)
}

/** Gives a run commands. Whoever holds it acts; if nobody does, this process takes it up. */
export async function commandRun(
  app: App,
  run: string,
  { commands, ...how }: TakingUp & { readonly commands: readonly Command[] },
): Promise<RunResult> {
  const events = await requireRun(app, run)
  if (events.at(-1)?.type === 'run-finished') {
    throw new OrcError({
      code: 'run_ended',
      message: `the run ${run} has ended`,
      hint: `See how with: llm-orc runs show ${run}`,
    })
  }
  // A command that cannot be carried out is refused before it is kept: whoever takes the run up later would obey it.
  if (!(await isHeld(app, run))) await comparePinned(app, { run, events, accept: how.accept_changed ?? false })
  const last = await appendCommands(app, run, commands)
  try {
    return await continueRun(app, run, how)
  } catch (error) {
    if (!(error instanceof OrcError) || error.code !== 'run_held') throw error
  }
  await followToRest(app, run, { from: events.length + 1, last, cancels: how.ending === true })
  const report = await reportOf(app, run)
  return { run, status: report.status, report, provider_notes: [] }
}

async function isHeld(app: App, run: string): Promise<boolean> {
  try {
    await (await holdLease(app, run)).release()
    return false
  } catch (error) {
    if (error instanceof OrcError && error.code === 'run_held') return true
    throw error
  }
}

/** Waits until the holder has taken the commands, or ended the run, or rests again; a command that changes nothing is not waited for longer than a while. */
async function followToRest(
  app: App,
  run: string,
  how: { readonly from: number; readonly last: number; readonly cancels: boolean },
): Promise<void> {
  const { journal } = await app.openJournal()
  const patience = AbortSignal.timeout(how.cancels ? 30_000 : 10_000)
  for await (const record of journal.follow(`run/${run}`, how.from, patience)) {
    const { type, data } = upcast(record.data)
    if (type === 'run-finished' || type === 'run-paused') return
    if (!how.cancels && 'command' in data && (data.command ?? 0) >= how.last) return
  }
}

function planRun(app: App, order: RunOrder, started_by: RunPlan['started_by']): RunPlan {
  const { target, input, seed, limits, permits = {}, principal = ownerOf(app) } = order
  const chosen = seed ?? randomBytes(16).toString('hex')
  const project = app.paths.project
  const { redactJson } = app.redaction
  return {
    run: order.run ?? makeRunId(),
    graph: redactJson(target.graph as unknown as Json) as unknown as RunPlan['graph'],
    input: redactJson(input),
    seed: chosen,
    run_key:
      seed === undefined ? randomBytes(32).toString('hex') : hash('sha256', `run key of the seed ${seed}`, 'hex'),
    limits: limits ?? {},
    target: { kind: target.kind, name: target.name },
    started_by,
    ...(project === undefined ? {} : { project: projectDigest(project) }),
    ...(principal === undefined ? {} : { principal }),
    files: pinPermits(target.files, permits).map(({ name, content }) => ({ name, content: redactJson(content) })),
  }
}

/** `20261121-050211-7f3k`: sortable by time, short enough to type. */
export function makeRunId(): string {
  const stamp = new Date().toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15)
  return `${stamp}-${randomBytes(4).readUInt32BE().toString(36).padStart(7, '0').slice(-5)}`
}

export async function holdLease(app: App, run: string) {
  const { journal } = await app.openJournal()
  const taken = await takeLease(journal, run, {
    owner: describeOwner(),
    ttl_ms: LEASE_MS,
    clock: createNodeWorld().clock,
    isDead: isOwnerDead,
  })
  if (taken.ok) return taken.lease
  throw new OrcError({
    code: 'run_held',
    message: `the run ${run} is being driven by another process`,
    hint: `Watch it with: llm-orc runs tail ${run}`,
  })
}
