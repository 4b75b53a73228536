import { describe, expect, test } from 'vitest'
import type { Command } from '../../src/engine/inbox.ts'
import type { Policy } from '../../src/engine/policy.ts'
import { type StepContext, StepFailure, type StepKind } from '../../src/engine/step.ts'
import type { Event, EventOf } from '../../src/events/event.ts'
import type { Json, JsonObject } from '../../src/events/values.ts'
import { type LawOptions, type Room, runWithLaws, takeUp } from '../laws.ts'

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
  const { events, room, end } = await takeUp(past, optionsOf(body, how.policy, done), how)
  return { events, room, done, end }
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

describe('S04 tricks with the inbox', () => {
  const one: Body = (ctx) => call(ctx, 'a')

  /** What the run does with commands made from the one question it asks. */
  async function send(make: (asked: EventOf<'approval-requested'>['data']) => readonly unknown[]) {
    const past = await ask(one, asking())
    const [asked1] = asked(past) as [EventOf<'approval-requested'>]
    const later = await goOn(past, one, { policy: asking(), commands: make(asked1.data) as readonly Command[] })
    return { ...later, given: later.events.filter(({ type }) => type === 'approval-given').length }
  }

  test.each<[string, (asked: EventOf<'approval-requested'>['data']) => unknown]>([
    ['a yes without what was shown', ({ key }) => ({ type: 'approve', key })],
    [
      'a yes to the beginning of it',
      ({ key, request }) => ({ type: 'approve', key, request: request.sha256.slice(0, 32) }),
    ],
    [
      'a yes to it in capitals',
      ({ key, request }) => ({ type: 'approve', key, request: request.sha256.toUpperCase() }),
    ],
    ['a yes to the value instead of its digest', ({ key, request }) => ({ type: 'approve', key, request })],
    ['a yes to another key', ({ request }) => ({ type: 'approve', key: 's/b', request: request.sha256 })],
    [
      'a yes to a key that only looks the same',
      ({ request }) => ({ type: 'approve', key: 's/\u0430', request: request.sha256 }),
    ],
    [
      'a yes to the key of the prototype',
      ({ request }) => ({ type: 'approve', key: '__proto__', request: request.sha256 }),
    ],
    ['a yes to the step', ({ step, request }) => ({ type: 'approve', key: step, request: request.sha256 })],
    ['a yes in a list', ({ key, request }) => [{ type: 'approve', key, request: request.sha256 }]],
    [
      'a finished event',
      ({ step, key, request, grant }) => ({
        type: 'approval-given',
        data: { step, key, request: request.sha256, grant },
      }),
    ],
    ['an answer to the call', ({ key }) => ({ type: 'resolve', key, outcome: 'done', answer: 'did a' })],
    [
      'a yes with a scope of its own',
      ({ key, request }) => ({ type: 'approve', key, request: request.sha256, scope: 'everything' }),
    ],
    [
      'a no with a reason that is no text',
      ({ key, request }) => ({ type: 'deny', key, request: request.sha256, reason: { a: 1 } }),
    ],
    ['a cancel with a reason that is no text', () => ({ type: 'cancel', reason: { a: 1 } })],
    ['words for a step that is no text', () => ({ type: 'steer', text: 'x', step: { a: 1 } })],
    ['nothing', () => null],
    ['a word', () => 'approve'],
    ['a number', () => 7],
  ])('%s does nothing: the run rests again, and nothing has run', async (_, make) => {
    expect(await send((data) => [make(data)])).toMatchObject({ done: [], given: 0, end: { outcome: 'resting' } })
  })

  test.each<[string, object]>([
    ['a no with half a character', { type: 'deny', reason: 'x\ud800' }],
    ['a yes with a scope that is no text', { type: 'approve', scope: { run: true } }],
  ])('%s does not stop the run', async (_, word) => {
    const sent = await send(({ key, request }) => [{ ...word, key, request: request.sha256 }])
    expect(['resting', 'finished']).toContain(sent.end.outcome)
  })

  test('a yes to the same call of another run is about another digest', async () => {
    const elsewhere = await runWithLaws(
      { name: 'g', steps: [{ id: 's', kind: 'code', spec: {} }] },
      { ...optionsOf(one, asking(), []), plan: { run_key: 'e'.repeat(64) } },
    )
    const [theirs] = asked({ ...elsewhere, done: [] }) as [EventOf<'approval-requested'>]
    const sent = await send(() => [yes(theirs)])
    expect(sent).toMatchObject({ done: [], given: 0, end: { outcome: 'resting' } })
  })

  test('a yes that is replayed counts once', async () => {
    const sent = await send(({ key, request }) =>
      Array.from({ length: 5 }, () => ({ type: 'approve', key, request: request.sha256 })),
    )
    expect(sent).toMatchObject({ done: ['a'], given: 1, end: { status: 'succeeded' } })
  })

  test('the first word holds: a yes after a no, and a no after a yes, come too late', async () => {
    const words = ({ key, request }: EventOf<'approval-requested'>['data']) =>
      (['approve', 'deny'] as const).map((type) => ({ type, key, request: request.sha256 }))
    expect(await send(words)).toMatchObject({ done: ['a'] })
    expect(await send((data) => words(data).toReversed())).toMatchObject({ done: [], given: 0 })
  })

  test('a flood of questions: each waits for its own word, and one yes is for one', async () => {
    const names = Array.from({ length: 60 }, (_, n) => `t${n}`)
    const many: Body = async (ctx) => Promise.all(names.map((name) => call(ctx, name)))
    const past = await ask(many, asking())
    expect(asked(past)).toHaveLength(60)
    const chosen = asked(past)[41] as EventOf<'approval-requested'>
    const { done, end } = await goOn(past, many, { policy: asking(), commands: [yes(chosen)] })
    expect(done).toEqual(['t41'])
    expect(end).toMatchObject({ outcome: 'resting', asks: { length: 59 } })
  })

  test('what one process was denied is not done by the next, whatever its policy says', async () => {
    const deny = (name: string): Policy => ({
      judge: (ask) =>
        (ask.request as JsonObject).say === name ? { verdict: 'deny', reason: 'no' } : asking().judge(ask),
    })
    const past = await ask(three, deny('a'))
    expect(asked(past).map(({ data }) => data.key)).toEqual(['s/b', 's/c'])
    const { done, events } = await goOn(past, three, {
      policy: { judge: () => ({ verdict: 'allow' }) },
      commands: asked(past).map((event) => yes(event)),
    })
    expect(done.toSorted()).toEqual(['b', 'c'])
    expect(outputOf(events)).toEqual([['approval_denied: no', 'did b', 'did c']])
  })
})
