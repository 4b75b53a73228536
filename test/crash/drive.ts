/** Drives the run `run-1` of a journal from wherever it stands, as the program would. */
import { createNodeWorld } from '../../src/app/node-world.ts'
import { describeOwner, isOwnerDead } from '../../src/app/owner.ts'
import { resumeRun, startRun } from '../../src/engine/engine.ts'
import type { RunEnd } from '../../src/engine/live.ts'
import type { Policy } from '../../src/engine/policy.ts'
import type { EnginePorts, Watcher } from '../../src/engine/world.ts'
import type { BlobStore, Journal } from '../../src/journal/journal.ts'
import { takeLease } from '../../src/journal/lease.ts'
import { graphOf, KINDS, type Workflow } from './workflows.ts'

/** `held` when another living process has the run. */
export async function driveRun(
  store: { readonly journal: Journal; readonly blobs: BlobStore },
  how: {
    readonly workflow: Workflow
    readonly executors: EnginePorts['executors']
    readonly policy?: Policy
    readonly watcher?: Watcher
  },
): Promise<RunEnd | 'held'> {
  const { journal, blobs } = store
  const { watcher, executors, policy } = how
  const ports = {
    world: createNodeWorld(),
    journal,
    blobs,
    kinds: KINDS,
    executors,
    poolLimit: (pool: string) => (pool.startsWith('tool-serial:') ? 1 : undefined),
    ...(policy ? { policy } : {}),
    ...(watcher ? { watcher } : {}),
  }
  const terms = { owner: describeOwner(), ttl_ms: 15_000, clock: Date.now, isDead: isOwnerDead }
  const taken = await takeLease(journal, 'run-1', terms)
  if (!taken.ok) return 'held'
  let exists = false
  for await (const _ of journal.read('run/run-1', 1, 1)) exists = true
  const run = exists
    ? await resumeRun(ports, 'run-1', { lease: taken.lease })
    : await startRun(
        ports,
        {
          run: 'run-1',
          graph: graphOf(how.workflow),
          input: 'go',
          seed: 'crash',
          run_key: 'crash',
          limits: { tries: 50, calls_per_step: 100, backoff_ms: 2, backoff_cap_ms: 10 },
          target: { kind: 'graph', name: how.workflow },
          started_by: 'code',
        },
        taken.lease,
      )
  if ('seq' in run) throw new Error(run.message)
  return await run.ended
}
