import { hash } from 'node:crypto'
import { createModelExecutor } from '../../src/effects/model.ts'
import type { EffectOutcome, Executor } from '../../src/engine/effect.ts'
import type { Run } from '../../src/engine/engine.ts'
import { createVirtualWorld, type VirtualWorld } from '../../src/engine/virtual-world.ts'
import type { EnginePorts } from '../../src/engine/world.ts'
import type { Json } from '../../src/events/values.ts'
import { createMemoryJournal } from '../../src/journal/memory.ts'
import { createScripted } from '../../src/providers/scripted.ts'
import type { Script } from '../../src/providers/scripted-schema.ts'
import { goldenKinds } from './kinds.ts'

export const sha256 = (text: string): string => hash('sha256', text, 'hex')

/** What the outside answers. */
export interface Outside {
  readonly models?: Script
  readonly scripts?: (stdin: { readonly [key: string]: Json }, key: string) => Json
  readonly chores?: (request: { readonly [key: string]: Json }, tries: number) => EffectOutcome | number
}

/** A place for one recording where time, chance and the outside are the same each time. */
export interface GoldenRoom {
  readonly world: VirtualWorld
  readonly ports: EnginePorts
}

export function openRoom(seed: string, drain: () => Promise<void>, outside: Outside): GoldenRoom {
  const world = createVirtualWorld({ seed, sha256, drain })
  const provider = createScripted(outside.models, { sleep: (ms, signal) => world.sleep(ms, signal) })
  const model = createModelExecutor({
    provider: () => provider,
    clock: world.clock,
    wake: world.wake,
    cost: () => 1_500,
  })
  const executors = { model, script: playScripts(world, outside), chore: playChores(world, outside) }
  return { world, ports: { world, ...createMemoryJournal(world.clock), kinds: goldenKinds, executors } }
}

function playScripts(world: VirtualWorld, { scripts }: Outside): Executor {
  return {
    kind: 'script',
    run: async ({ request, key }, { signal }) => {
      await world.sleep(25, signal)
      if (signal.aborted) return stopped
      const { stdin } = request as { stdin: string }
      return {
        ok: true,
        answer: scripts?.(JSON.parse(stdin), key) ?? { exit: 0, stdout: stdin, stderr: '', truncated: false },
      }
    },
  }
}

/** A number among the answers is how long it takes, in ms, before the usual one. All others take 5 ms, so they end in bursts. */
function playChores(world: VirtualWorld, { chores }: Outside): Executor {
  return {
    kind: 'chore',
    run: async ({ request, tries, key }, { signal }) => {
      const outcome = chores?.(request as { [key: string]: Json }, tries)
      await world.sleep(typeof outcome === 'number' ? outcome : 5, signal)
      if (signal.aborted) return stopped
      return typeof outcome === 'object' ? outcome : { ok: true, answer: { did: key }, cost: 1_000 }
    },
  }
}

const stopped: EffectOutcome = { ok: false, code: 'aborted', message: 'it was stopped', touched: 'maybe', retry: false }

/** Lets virtual time run until the run ends or rests, or until `enough` says so. */
export async function driveRun(run: Run, world: VirtualWorld, enough: () => boolean = () => false): Promise<void> {
  let isOver = false
  const ended = run.ended.finally(() => (isOver = true))
  for (let idle = 0; !isOver; ) {
    for (let i = 0; i < 4; i++) await world.drain()
    if (enough()) return void ended.catch(() => {})
    if (isOver) break
    idle = world.advance() ? 0 : idle + 1
    if (idle > 50) throw new Error('the run neither moves nor ends')
  }
  await ended
}
