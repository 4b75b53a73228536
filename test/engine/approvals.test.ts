import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { resumeRun } from '../../src/engine/engine.ts'
import type { Command } from '../../src/engine/inbox.ts'
import type { Policy } from '../../src/engine/policy.ts'
import { type StepContext, StepFailure, type StepKind } from '../../src/engine/step.ts'
import type { Event, EventOf } from '../../src/events/event.ts'
import type { Json, JsonObject } from '../../src/events/values.ts'
import { findViolations } from '../../src/events/views/invariants.ts'
import { checkRecord, createRoom, eventsOf, type LawOptions, type Room, runToEnd, runWithLaws } from '../laws.ts'

type Body = (ctx: StepContext) => Promise<Json>

/** Three tools called side by side; what each gave. */
const three: Body = async (ctx) => Promise.all(['a', 'b', 'c'].map((name) => call(ctx, name)))

async function call(ctx: StepContext, name: string): Promise<Json> {
  try {
    return await ctx.effect({ kind: 'tool', name, safety: 'unsafe', request: { say: name } })
  } catch (error) {
    if (!(error instanceof StepFailure) || error.code === 'aborted') throw error
    return `${error.code}: ${error.message}`
  }
}

/** A policy that asks about everything, with the parts a grant is bound to. */
function asking(parts: JsonObject = { tool: 't@1', policy: 'p1' }, expires_in_ms?: number): Policy {
  const expiry = expires_in_ms === undefined ? {} : { expires_in_ms }
  return {
    judge: ({ request }) => ({ verdict: 'ask', grant: { ...parts, arguments: JSON.stringify(request) }, ...expiry }),
  }
}

interface Told {
  readonly events: Event[]
  readonly room: Room
  readonly done: string[]
}

function optionsOf(body: Body, policy: Policy, done: string[]): LawOptions {
  const code: StepKind = { kind: 'code', version: 1, run: async (_, __, ctx) => ({ output: await body(ctx) }) }
  const run = async ({ request }: { request: Json }) => {
    const { say } = request as { say: string }
    done.push(say)
    return { ok: true, answer: `did ${say}` } as const
  }
  return { kinds: { code }, executors: () => ({ tool: { kind: 'tool', run } }), policy }
}

/** Runs until it rests, under the laws. */
async function ask(body: Body, policy: Policy): Promise<Told> {
  const done: string[] = []
  const graph = { name: 'g', steps: [{ id: 's', kind: 'code', spec: {} }] }
  const { events, room } = await runWithLaws(graph, optionsOf(body, policy, done))
  return { events, room, done }
}

/** Another process takes the run up after people have spoken. */
async function goOn(past: Told, body: Body, how: { policy: Policy; commands: readonly Command[]; later?: number }) {
  const done: string[] = []
  const options = optionsOf(body, how.policy, done)
  const next = createRoom(options, { start: (past.events.at(-1) as Event).at + (how.later ?? 0), seed: 'next' })
  for await (const record of past.room.journal.read('key/run-1'))
    await next.journal.append([
      { stream: 'run/run-1', expected: 'new', records: past.events },
      { stream: 'key/run-1', expected: 'new', records: [record.data] },
    ])
  // What an earlier process has taken stands in the inbox before.
  const taken = Math.max(0, ...past.events.map(({ data }) => ('command' in data ? (data.command ?? 0) : 0)))
  const commands = [...Array.from({ length: taken }, () => ({ type: 'cancel', key: 'taken' })), ...how.commands]
  if (commands.length > 0) await next.journal.append([{ stream: 'inbox/run-1', expected: 'any', records: commands }])
  const run = await resumeRun(next.ports, 'run-1')
  if ('seq' in run) throw new Error(run.message)
  const end = await runToEnd(run, next.world)
  const events = await eventsOf(next)
  await checkRecord(events, next, options)
  expect(findViolations(events, (text) => hash('sha256', text, 'hex'))).toEqual([])
  return { events, room: next, done, end }
}

const asked = ({ events }: Told) =>
  events.filter((event): event is EventOf<'approval-requested'> => event.type === 'approval-requested')
const yes = (event: EventOf<'approval-requested'>, scope?: 'run'): Command => ({
  type: 'approve',
  key: event.data.key,
  request: event.data.request.sha256,
  ...(scope ? { scope } : {}),
})
const no = (event: EventOf<'approval-requested'>): Command => ({
  type: 'deny',
  key: event.data.key,
  request: event.data.request.sha256,
  reason: 'not this',
})
const outputOf = (events: readonly Event[]) =>
  events.flatMap((event) => (event.type === 'step-finished' ? [JSON.parse(event.data.output.inline?.text ?? '')] : []))

describe('approvals', () => {
  test('F8 three parallel calls, two approved: exactly those two run, once; the third is told why not', async () => {
    const past = await ask(three, asking())
    const [a, b, c] = asked(past) as [
      EventOf<'approval-requested'>,
      EventOf<'approval-requested'>,
      EventOf<'approval-requested'>,
    ]
    expect(past.events.at(-1)).toMatchObject({ type: 'run-paused', data: { asks: [a, b, c].map((e) => e.data.key) } })
    expect(past.done).toEqual([])
    const { done, events, end } = await goOn(past, three, { policy: asking(), commands: [yes(a), no(b), yes(c)] })
    expect(end).toEqual({ outcome: 'finished', status: 'succeeded' })
    expect(done.toSorted()).toEqual(['a', 'c'])
    expect(outputOf(events)).toEqual([['did a', 'approval_denied: not this', 'did c']])
  })

  test('an approval given and not used survives the process', async () => {
    const past = await ask(three, asking())
    const [a] = asked(past) as [EventOf<'approval-requested'>]
    const half = await goOn(past, three, { policy: asking(), commands: [yes(a)] })
    expect(half).toMatchObject({ done: ['a'], end: { outcome: 'resting' } })
    const rest = asked(past)
      .slice(1)
      .map((event) => yes(event))
    const { done, end } = await goOn({ ...half, events: half.events }, three, { policy: asking(), commands: rest })
    expect(end).toMatchObject({ status: 'succeeded' })
    expect(done.toSorted()).toEqual(['b', 'c'])
  })

  test.each([
    ['the tool', asking({ tool: 't@2', policy: 'p1' }), 'tool has changed'],
    ['the policy', asking({ tool: 't@1', policy: 'p2' }), 'policy has changed'],
    ['a new part', asking({ tool: 't@1', policy: 'p1', host: 'x' }), 'host has changed'],
    ['a rule that forbids it now', { judge: () => ({ verdict: 'deny', reason: 'forbidden' }) } as Policy, 'forbidden'],
  ])('%s changed after the approval: refused with the reason, nothing runs', async (_, policy, reason) => {
    const one: Body = (ctx) => call(ctx, 'a')
    const past = await ask(one, asking())
    const { done, events } = await goOn(past, one, { policy, commands: asked(past).map((event) => yes(event)) })
    expect(done).toEqual([])
    expect(String(outputOf(events))).toContain(reason)
  })

  test('a word about other arguments than the ones shown does nothing', async () => {
    const one: Body = (ctx) => call(ctx, 'a')
    const past = await ask(one, asking())
    const [a] = asked(past) as [EventOf<'approval-requested'>]
    const forged: Command = { type: 'approve', key: a.data.key, request: 'f'.repeat(64) }
    expect(await goOn(past, one, { policy: asking(), commands: [forged] })).toMatchObject({
      done: [],
      end: { outcome: 'resting' },
    })
  })

  test('an approval that comes too late is denied as expired', async () => {
    const one: Body = (ctx) => call(ctx, 'a')
    const past = await ask(one, asking({ tool: 't@1' }, 1_000))
    const { done, events } = await goOn(past, one, {
      policy: asking({ tool: 't@1' }, 1_000),
      commands: asked(past).map((event) => yes(event)),
      later: 2_000,
    })
    expect(done).toEqual([])
    expect(outputOf(events)).toEqual(['approval_denied: expired'])
  })

  test('a grant for the run covers later calls of the same tool, each with its own event', async () => {
    const twice: Body = async (ctx) => [await call(ctx, 'a'), await call(ctx, 'b')]
    const past = await ask(twice, asking())
    const { done, events, end } = await goOn(past, twice, {
      policy: asking(),
      commands: asked(past).map((event) => yes(event, 'run')),
    })
    expect(end).toMatchObject({ status: 'succeeded' })
    expect(done).toEqual(['a', 'b'])
    expect(events.filter((event) => event.type === 'approval-given').map(({ actor }) => actor)).toEqual([
      'person',
      'world',
    ])
  })

  test('what policy allows leaves no event; what it denies never runs', async () => {
    const judge: Policy['judge'] = ({ request }) =>
      (request as JsonObject).say === 'b' ? { verdict: 'deny', reason: 'b is forbidden' } : { verdict: 'allow' }
    const { events, done } = await ask(three, { judge })
    expect(new Set(done)).toEqual(new Set(['a', 'c']))
    expect(events.filter(({ type }) => type.startsWith('approval-'))).toMatchObject([
      { type: 'approval-denied', actor: 'world', data: { key: 's/b', reason: 'b is forbidden' } },
    ])
    expect(outputOf(events)).toEqual([['did a', 'approval_denied: b is forbidden', 'did c']])
  })
})
