import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import { forkRun } from '../../engine/fork.ts'
import { OrcError } from '../../events/errors.ts'
import type { Event } from '../../events/event.ts'
import { findDefinition, findDefinitionNow, requireStart } from '../definition-now.ts'
import { type Call, defineOperation, steeringOf } from '../operation.ts'
import { pinPermits, readPermits } from '../permits.ts'
import { createPorts } from '../ports.ts'
import { ownerIn } from '../principal.ts'
import { findRunId } from '../run-id.ts'
import { continueRun, driveRun, holdLease, inPlace, makeRunId, requireRun, watcherOf } from '../runs.ts'
import type { Target } from '../target.ts'
import { checkUpgrade, type UpgradeCheck } from '../upgrade.ts'

export const upgradeRun = defineOperation({
  name: 'runs upgrade',
  summary: 'Let a resting run go on under a definition that has changed since, as far as that is safe.',
  input: z.object({
    run: z.string().min(1).describe('The id of the run, its beginning, or `latest`.'),
    check: z.boolean().default(false).describe('Only say whether it is safe, step by step; nothing is done.'),
    definition: z
      .string()
      .optional()
      .describe('Another definition than its own: an ensemble by name or path, a chain.'),
  }),
  run: async (input, call) => {
    const { app } = call
    const run = await findRunId(app, input.run)
    const events = await requireRun(app, run)
    if (events.at(-1)?.type === 'run-finished') {
      const hint = `See how another definition would have run with: llm-orc runs bisect ${run} --definition NAME`
      throw new OrcError({ code: 'run_ended', message: `the run ${run} has ended`, hint })
    }
    const target = input.definition
      ? await findDefinition(app, input.definition)
      : await findDefinitionNow(app, run, requireStart(events))
    const { specs, ...check } = await checkUpgrade(app, { run, events, graph: target.graph })
    const ok = check.verdict === 'same' || check.verdict === 'safe'
    const checked = { run, definition: target.name, ok, ...check }
    if (input.check) return { ...checked, upgraded: false as const }
    if (!ok) refuse(run, check)
    const plain = Object.keys(specs).length === 0
    const result = plain
      ? await continueRun(app, run, { ...steeringOf(call), accept_changed: true })
      : await continueAsFork(call, run, { events, target, specs })
    return { ...checked, upgraded: true as const, from: run, ...result }
  },
})

function refuse(run: string, { verdict, divergence, steps, reasons }: Omit<UpgradeCheck, 'specs'>): never {
  const why = divergence
    ? `it diverges at event ${divergence.event}: ${divergence.words}`
    : [
        ...reasons,
        ...steps.filter((step) => step.verdict === 'migration').map(({ step, words }) => `${step} ${words}`),
      ].join('; ')
  const hint =
    verdict === 'diverges' && divergence && divergence.event > 1
      ? `Go on with the definition it has: llm-orc runs resume ${run} --accept-changed. Or fork it before that event.`
      : `Go on with the definition it has: llm-orc runs resume ${run} --accept-changed. Or start a new run.`
  throw new OrcError({
    code: 'upgrade_refused',
    message: `the run ${run} cannot take the new definition over: ${why}`,
    hint,
  })
}

interface Fork {
  readonly events: readonly Event[]
  readonly target: Target
  readonly specs: UpgradeCheck['specs']
}

/** A record is never rewritten: the run goes on as a fork at its last event, with the new settings for all that has not ended. */
async function continueAsFork(call: Call, parent: string, { events, target, specs }: Fork) {
  const { app } = call
  // whoever drives the old run would go on with it
  await (await holdLease(app, parent)).release()
  const id = makeRunId()
  const { deny = [] } = await readPermits(app, parent, events)
  return inPlace({ app, run: id, keeper: call.keeper }, async () => {
    const principal = ownerIn(events)
    const ports = await createPorts(app, { ...watcherOf(call, id), permits: { deny }, principal })
    const lease = await holdLease(app, id)
    const forked = await forkRun(ports, parent, {
      run: id,
      at: events.length,
      change: { specs },
      started_by: call.keeper ? 'server' : 'cli',
      run_key: randomBytes(32).toString('hex'),
      files: pinPermits(target.files, { deny }),
      lease,
    })
    if ('refused' in forked) {
      await lease.release()
      throw new OrcError(forked.refused)
    }
    return driveRun(app, { run: forked, lease }, { ...steeringOf(call), notes: target.notes, principal })
  })
}
