import type { Safety } from '../../src/engine/effect.ts'
import { type StepContext, StepFailure, type StepKind } from '../../src/engine/step.ts'
import type { Json } from '../../src/events/values.ts'

/**
 * What the shipped step kinds do not do yet, as a step: proposals, branches, chance, time. The golden journals hold what this code
 * asks, so it never changes; what it lacks goes into a kind of its own beside it.
 */
export const errand: StepKind = {
  kind: 'errand',
  version: 1,
  run: async (step, inputs, ctx) => {
    const body = bodies[String(step.spec.body)]
    if (!body) throw new StepFailure('bad_input', 'there is no such errand')
    return { output: await body({ id: step.id, attempt: step.attempt, spec: step.spec, inputs, ctx }) }
  },
}

interface Frame {
  readonly id: string
  readonly attempt: number
  readonly spec: Parameters<StepKind['run']>[0]['spec']
  readonly inputs: Parameters<StepKind['run']>[1]
  readonly ctx: StepContext
}

const bodies: { readonly [name: string]: (frame: Frame) => Promise<Json> } = {
  /** One effect, its answer is the output. */
  call: async ({ id, spec, inputs, ctx }) => {
    const after = inputs.dependencies.map(({ step, status }) => `${step} ${status}`)
    return ask(ctx, { safety: spec.safety as Safety, request: { of: id, after, ...(spec.more as object) } })
  },
  /** Two attempts, each proposes the same steps: the second finds them there. Ids, chance and time stand in the output. */
  lead: async ({ id, attempt, ctx }) => {
    const both = await Promise.all(['left', 'right'].map((side) => ask(ctx, { name: side, request: { side } })))
    const child = (name: string, more: object = {}) => ({
      id: `${id}/${name}`,
      kind: 'errand',
      spec: { body: 'call', safety: 'idempotent' },
      ...more,
    })
    const after = [{ step: `${id}/one`, on: 'success' as const }]
    const ends = await ctx.propose('work', [child('one'), child('two'), child('three', { after })])
    ctx.record('message-sent', { to: 'team', attempt }, `attempt ${attempt} heard of ${ends.length} ends`)
    if (attempt === 1) throw withoutStack(new TypeError('a foreign error, on purpose'))
    const chance = Math.floor(ctx.random() * 1e9)
    return { both, ends: ends.map(({ step, status }) => `${step} ${status}`), chance, isLate: ctx.now() > 0 }
  },
  /** Answers that come in one burst, read by branches of very different depth that share a list: what a wrong drain would turn around. */
  burst: async ({ id, ctx }) => {
    const seen: Json[] = []
    const branch = async (name: string, depth: number) => {
      await ask(ctx, { name, request: { of: id, name } })
      for (let i = 0; i < depth; i++) await undefined
      seen.push(name)
      await ask(ctx, { name: `${name} again`, request: { of: id, seen: [...seen] } })
      seen.push(`${name} again`)
    }
    await Promise.all([branch('deep', 60), branch('middle', 35), branch('shallow', 10)])
    const first = await Promise.race(['a', 'b'].map((name) => ask(ctx, { name, request: { of: id, name } })))
    await ask(ctx, { name: 'last', request: { first } })
    return seen
  },
}

async function ask(ctx: StepContext, { name, safety = 'pure', request }: Ask): Promise<Json> {
  return ctx.effect({ kind: 'chore', safety, request, ...(name === undefined ? {} : { name }) })
}

interface Ask {
  readonly name?: string
  readonly safety?: Safety
  readonly request: { readonly [key: string]: Json }
}

/** A stack names folders of this machine, and a golden journal is read on others. */
function withoutStack(error: Error): Error {
  delete error.stack
  return error
}
