import type { Safety } from '../../src/engine/effect.ts'
import { type StepContext, StepFailure, type StepKind } from '../../src/engine/step.ts'
import type { Need } from '../../src/events/money.ts'
import type { Json, JsonObject } from '../../src/events/values.ts'
import type { GraphStep } from '../../src/graph/step-graph.ts'
import { requestTool, type ToolName } from './tools.ts'

/** What a simulated step does, as data. */
export type Op =
  | {
      readonly op: 'effect'
      readonly kind: string
      readonly safety: Safety
      readonly name?: string
      readonly pool?: string
      readonly tool?: ToolName
      readonly need?: Need
    }
  | { readonly op: 'fallback'; readonly first: Op; readonly second: Op }
  | { readonly op: 'all' | 'race' | 'settled'; readonly branches: readonly (readonly Op[])[] }
  | { readonly op: 'propose'; readonly name: string; readonly steps: readonly GraphStep[]; readonly awaited: boolean }
  | { readonly op: 'spin'; readonly rounds: number }
  | { readonly op: 'throw'; readonly until?: number; readonly foreign: boolean }
  | { readonly op: 'record' | 'chance' | 'time' | 'stream' }

interface Frame {
  readonly ctx: StepContext
  readonly attempt: number
  readonly seen: Json[]
}

export const simulated: StepKind = {
  kind: 'simulated',
  version: 1,
  run: async ({ spec, attempt }, inputs, ctx) => {
    const seen: Json[] = inputs.dependencies.map((dependency) => `${dependency.step}:${dependency.status}`)
    await runAll(spec.ops as unknown as readonly Op[], { ctx, attempt, seen })
    return { output: { seen } }
  },
}

async function runAll(ops: readonly Op[], frame: Frame): Promise<void> {
  for (const op of ops) await runOp(op, frame)
}

async function runOp(op: Op, frame: Frame): Promise<void> {
  const { ctx, seen } = frame
  switch (op.op) {
    case 'effect':
      await ask(op, frame).catch((error: StepFailure) => {
        if (error.code === 'aborted') throw error
        seen.push(`failed:${error.code}`)
      })
      return
    case 'fallback':
      await ask(op.first as Op & { op: 'effect' }, frame).catch((error: StepFailure) => {
        if (error.code === 'aborted') throw error
        return ask(op.second as Op & { op: 'effect' }, frame)
      })
      return
    case 'all':
      await Promise.all(op.branches.map((branch) => runAll(branch, frame)))
      return
    case 'race':
      await Promise.race(op.branches.map((branch) => runAll(branch, frame)))
      return
    case 'settled':
      await Promise.allSettled(op.branches.map((branch) => runAll(branch, frame)))
      return
    case 'propose': {
      const children = ctx.propose(op.name, op.steps)
      if (op.awaited) for (const child of await children) seen.push(`${child.step}:${child.status}`)
      return
    }
    case 'spin':
      for (let i = 0; i < op.rounds; i++) await undefined
      return
    case 'throw':
      if (op.until !== undefined && frame.attempt >= op.until) return
      if (op.foreign) throw new TypeError('something foreign')
      throw new StepFailure('planned', 'it was planned')
    case 'record':
      ctx.record('note-written', { seen: seen.length }, 'a note')
      return
    case 'chance':
      seen.push(Math.floor(ctx.random() * 1e6))
      return
    case 'time':
      seen.push(ctx.now())
      return
    case 'stream':
      ctx.stream({ type: 'text', text: 'live' })
  }
}

async function ask(op: Op & { op: 'effect' }, { ctx, seen }: Frame): Promise<void> {
  const { kind, safety, name, pool, tool, need } = op
  const args: JsonObject = { n: seen.length, with: seen.slice(-2) }
  const plain: JsonObject = need ? { ...args, need } : args
  const request = tool ? requestTool(tool, name ?? tool, args) : plain
  const answer = await ctx.effect({
    kind,
    safety,
    request,
    ...(name === undefined ? {} : { name }),
    ...(pool === undefined ? {} : { pool }),
    ...(need === undefined ? {} : { need }),
  })
  seen.push(answer)
}
