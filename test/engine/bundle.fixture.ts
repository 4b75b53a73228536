/** One small run with every kind of content in it, each with a mark of its own, and its bundle as bytes. */
import { startRun } from '../../src/engine/engine.ts'
import { type StepContext, StepFailure, type StepKind } from '../../src/engine/step.ts'
import type { Event } from '../../src/events/event.ts'
import type { Json } from '../../src/events/values.ts'
import type { StepGraph } from '../../src/graph/step-graph.ts'
import { readJournal, writeBundle } from '../../src/journal/bundle.ts'
import { nodeTools } from '../../src/journal/bundle-file.ts'
import { createRoom, eventsOf, type LawOptions, planOf, type Room, runToEnd } from '../laws.ts'

const big = (mark: string) => `${mark} ${'.'.repeat(4_200)}`

/** `small`: reads, asks and ends · `large`: the same with large content · `wide`: only its output is large · `lead`: proposes · `fails`: with detail, output, note. */
const bodies: { readonly [name: string]: (id: string, ctx: StepContext, attempt: number) => Promise<Json> } = {
  small: async (id, ctx) => {
    await ctx.effect({ kind: 'fake', safety: 'billable', request: { mark: `request of ${id}` } })
    return `output of ${id}`
  },
  large: async (id, ctx) => {
    await ctx.effect({ kind: 'fake', safety: 'idempotent', request: { mark: big(`request of ${id}`), large: true } })
    ctx.record('context-built', { n: 1 }, `context of ${id}`)
    return big(`output of ${id}`)
  },
  wide: async (id, ctx) => {
    await ctx.effect({ kind: 'fake', safety: 'idempotent', request: { mark: `request of ${id}` } })
    ctx.record('context-built', { n: 1 }, `context of ${id}`)
    return big(`output of ${id}`)
  },
  lead: async (id, ctx) => {
    const child = (name: string) => ({
      id: `${id}/${name}`,
      kind: 'marked',
      spec: { body: 'small', mark: `spec of ${name}` },
    })
    await ctx.propose('work', [child('x'), child('y')])
    return `output of ${id}`
  },
  fails: async (id, ctx, attempt) => {
    const failing = { mark: `request of ${id}@${attempt}`, fail: attempt === 1 }
    await ctx.effect({ kind: 'fake', safety: 'billable', request: failing }).catch(() => {
      throw new TypeError(`raised by ${id}`)
    })
    throw new StepFailure('planned', 'planned', { output: `output of ${id}` })
  },
}

export const marked: StepKind = {
  kind: 'marked',
  version: 1,
  run: async (step, _, ctx) => ({
    output: await (bodies[step.spec.body as string] as (typeof bodies)[string])(step.id, ctx, step.attempt),
  }),
}

export const markedOptions: LawOptions = {
  kinds: { marked },
  executors: (world) => ({
    fake: {
      kind: 'fake',
      run: async ({ request, key }) => {
        await world.sleep(3)
        const { fail, large } = request as { fail?: boolean; large?: boolean }
        if (fail) {
          const more = { detail: `detail of ${key}`, partial: `partial of ${key}` }
          return { ok: false, code: 'broken', message: 'it broke', touched: 'no', retry: false, ...more }
        }
        const answer = large ? big(`answer to ${key}`) : `answer to ${key}`
        return { ok: true, answer, cost: 5_000, usage: { input: 10, output: 2 } }
      },
    },
  }),
}

export function markedGraph(...steps: readonly [id: string, body: string, ...after: string[]][]): StepGraph {
  return {
    name: 'marked',
    steps: steps.map(([id, body, ...after]) => ({
      id,
      kind: 'marked',
      spec: { body, mark: `spec of ${id}` },
      after: after.map((step) => ({ step, on: 'always' as const })),
      ...(body === 'fails' ? { retry: { attempts: 2 } } : {}),
    })),
  }
}

export async function runMarked(graph: StepGraph): Promise<{ room: Room; events: Event[]; bytes: Uint8Array }> {
  const room = createRoom(markedOptions)
  const files = [{ name: 'ensemble.yaml', content: 'text of the file' }]
  const plan = { ...planOf(graph, markedOptions), files }
  await runToEnd(await startRun(room.ports, plan), room.world)
  return { room, events: await eventsOf(room), bytes: await bundleOf(room) }
}

export async function bundleOf(room: Pick<Room, 'journal' | 'blobs'>, run = 'run-1'): Promise<Uint8Array> {
  return joinLines(writeBundle(readJournal(room, run), nodeTools))
}

export async function joinLines(lines: AsyncIterable<string>): Promise<Uint8Array> {
  let text = ''
  for await (const line of lines) text += line
  return new TextEncoder().encode(text)
}
