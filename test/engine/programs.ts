/** A step kind whose behaviour is data, and a fake outside world that counts what really happened. */
import type { EffectOutcome, Executor, Safety } from '../../src/engine/effect.ts'
import { type StepContext, StepFailure, type StepKind } from '../../src/engine/step.ts'
import type { VirtualWorld } from '../../src/engine/virtual-world.ts'
import { createRandom } from '../../src/events/random.ts'
import type { Json, JsonObject } from '../../src/events/values.ts'
import type { GraphStep } from '../../src/graph/step-graph.ts'

export type Op =
  | {
      op: 'effect'
      name?: string
      safety: Safety
      fails?: number
      code?: string
      touched?: 'no' | 'maybe' | 'yes'
      size?: number
      pool?: string
    }
  | { op: 'all'; branches: Op[][] }
  | { op: 'race'; branches: Op[][] }
  | { op: 'settled'; branches: Op[][] }
  | { op: 'propose'; name: string; steps: GraphStep[]; await: boolean }
  | { op: 'record' }
  | { op: 'spin'; rounds: number }
  | { op: 'chance' }
  | { op: 'time' }
  | { op: 'throw'; untilAttempt?: number; foreign?: boolean }

export const program: StepKind = {
  kind: 'program',
  version: 1,
  run: async (step, inputs, ctx) => {
    const seen: Json[] = inputs.dependencies.map((dependency) => `${dependency.step}:${dependency.status}`)
    await runOps(step.spec.ops as unknown as Op[], { ctx, seen, attempt: step.attempt })
    return { output: { seen } }
  },
}

interface Frame {
  ctx: StepContext
  seen: Json[]
  attempt: number
}

async function runOps(ops: readonly Op[], frame: Frame): Promise<Json> {
  let last: Json = null
  for (const op of ops) last = await runOp(op, frame)
  return last
}

async function runOp(op: Op, frame: Frame): Promise<Json> {
  const { ctx, seen } = frame
  switch (op.op) {
    case 'effect': {
      const { fails, code, touched, size } = op
      const request = {
        fails: fails ?? 0,
        code: code ?? 'flaky',
        touched: touched ?? 'maybe',
        size: size ?? 0,
        seen: seen.length > 3 ? seen.length : 0,
      } as JsonObject
      try {
        const answer = await ctx.effect({
          kind: 'fake',
          safety: op.safety,
          request,
          ...(op.name ? { name: op.name } : {}),
          ...(op.pool ? { pool: op.pool } : {}),
        })
        seen.push((answer as JsonObject).n as Json)
        return answer
      } catch (error) {
        if (error instanceof StepFailure && error.code === 'aborted') throw error
        seen.push(`failed:${(error as StepFailure).code}`)
        return null
      }
    }
    case 'all':
      return Promise.all(op.branches.map((branch) => runOps(branch, frame)))
    case 'race':
      return Promise.race(op.branches.map((branch) => runOps(branch, frame)))
    case 'settled': {
      const results = await Promise.allSettled(op.branches.map((branch) => runOps(branch, frame)))
      return results.map((result) => result.status)
    }
    case 'propose': {
      const children = ctx.propose(op.name, op.steps)
      if (op.await) for (const child of await children) seen.push(`${child.step}:${child.status}`)
      return null
    }
    case 'record':
      ctx.record('note-written', { seen: seen.length }, 'a note')
      return null
    case 'spin':
      for (let i = 0; i < op.rounds; i++) await undefined
      return null
    case 'chance':
      seen.push(Math.floor(ctx.random() * 1e6))
      return null
    case 'time':
      seen.push(ctx.now() > 0)
      return null
    case 'throw':
      if (op.untilAttempt !== undefined && frame.attempt >= op.untilAttempt) return null
      if (op.foreign) throw new TypeError('something foreign')
      throw new StepFailure('planned', 'it was planned')
  }
}

/** What the outside world has seen, over all processes. */
export class FakeWorld {
  /** Completed touches per idempotency key. */
  readonly done = new Map<string, number>()
  readonly tries = new Map<string, number>()

  executor(world: VirtualWorld, seed: string): Executor {
    const random = createRandom(seed)
    return {
      kind: 'fake',
      run: async (order, { signal }): Promise<EffectOutcome> => {
        const request = order.request as { fails: number; code: string; touched: 'no' | 'maybe' | 'yes'; size: number }
        const tries = (this.tries.get(order.idempotency_key) ?? 0) + 1
        this.tries.set(order.idempotency_key, tries)
        await world.sleep(Math.floor(random() * 50), signal)
        if (signal.aborted) return { ok: false, code: 'aborted', message: 'stopped', touched: 'maybe', retry: false }
        if (tries <= request.fails)
          return {
            ok: false,
            code: request.code,
            message: 'it failed',
            touched: request.touched,
            retry: request.code === 'flaky',
          }
        this.done.set(order.idempotency_key, (this.done.get(order.idempotency_key) ?? 0) + 1)
        const key = order.key.length
        return { ok: true, answer: { n: key, text: 'x'.repeat(request.size) }, cost: 1_000 }
      },
    }
  }
}

/** A random graph; `racy` allows constructs whose result depends on order. */
export function randomGraph(
  seed: string,
  { racy = true, size = 8 }: { racy?: boolean; size?: number } = {},
): { name: string; steps: GraphStep[] } {
  const random = createRandom(seed)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const chance = (p: number) => random() < p
  const effect = (): Op => ({
    op: 'effect',
    safety: pick(['pure', 'idempotent', 'billable', 'unsafe'] as const),
    ...(chance(0.5) ? { name: pick(['read', 'ask', 'tool:a']) } : {}),
    fails: chance(0.3) ? Math.floor(random() * 4) : 0,
    code: chance(0.7) ? 'flaky' : 'broken',
    touched: pick(['no', 'maybe', 'yes'] as const),
    size: chance(0.1) ? 6_000 : 0,
    ...(chance(0.3) ? { pool: 'narrow' } : {}),
  })
  const ops = (id: string, depth: number): Op[] => {
    const list: Op[] = []
    const length = 1 + Math.floor(random() * 3)
    for (let i = 0; i < length; i++) {
      const roll = random()
      if (roll < 0.45 || depth > 1) list.push(effect())
      else if (roll < 0.55) list.push({ op: 'all', branches: [ops(id, depth + 1), ops(id, depth + 1)] })
      else if (roll < 0.62 && racy) list.push({ op: 'race', branches: [ops(id, depth + 2), ops(id, depth + 2)] })
      else if (roll < 0.68)
        list.push({ op: 'settled', branches: [ops(id, depth + 1), [{ op: 'spin', rounds: 40 }, effect()]] })
      else if (roll < 0.76 && depth === 0 && id.split('/').length < 3) list.push(propose(id, i, depth))
      else if (roll < 0.8) list.push({ op: 'record' })
      else if (roll < 0.86) list.push({ op: 'spin', rounds: Math.floor(random() * 60) })
      else if (roll < 0.92) list.push({ op: 'chance' })
      else list.push({ op: 'time' })
    }
    if (chance(0.1)) list.push({ op: 'throw', ...(chance(0.6) ? { untilAttempt: 2 } : {}), foreign: chance(0.3) })
    return list
  }
  const propose = (id: string, n: number, depth: number): Op => {
    const name = `more${n}`
    const count = 1 + Math.floor(random() * 3)
    const steps: GraphStep[] = []
    for (let i = 0; i < count; i++) {
      const child = `${id}/${name}-${i}`
      steps.push({
        id: child,
        kind: 'program',
        spec: { ops: ops(child, depth + 1) as unknown as Json },
        after: i > 0 && chance(0.4) ? [{ step: `${id}/${name}-${i - 1}`, on: 'always' }] : [],
      })
    }
    return { op: 'propose', name, steps, await: chance(0.8) }
  }
  const count = 1 + Math.floor(random() * size)
  const steps: GraphStep[] = []
  for (let i = 0; i < count; i++) {
    const id = `s${i}`
    const after = steps
      .filter(() => chance(0.25))
      .map((step) => ({
        step: step.id,
        on: racy ? pick(['always', 'always', 'success', 'failure'] as const) : ('always' as const),
      }))
    steps.push({
      id,
      kind: 'program',
      spec: { ops: ops(id, 0) as unknown as Json },
      after,
      ...(chance(0.3) ? { retry: { attempts: 2, delay_ms: Math.floor(random() * 30) } } : {}),
      ...(chance(0.12) && racy ? { timeout_ms: 20 + Math.floor(random() * 80) } : {}),
      ...(chance(0.3) ? { on_unknown: pick(['retry', 'fail'] as const) } : {}),
    })
  }
  return { name: seed, steps }
}
