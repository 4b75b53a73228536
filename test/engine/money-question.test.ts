import { hash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Command } from '../../src/engine/inbox.ts'
import type { StepKind } from '../../src/engine/step.ts'
import type { Event, EventOf } from '../../src/events/event.ts'
import type { Need } from '../../src/events/money.ts'
import { findViolations } from '../../src/events/views/invariants.ts'
import { type LawOptions, runWithLaws, takeUp } from '../laws.ts'

const NEED: Need = {
  input_tokens: 100,
  input_cost: 100,
  output_tokens: 900,
  least_output: 900,
  output_price: 1_000_000,
}
const code: StepKind = {
  kind: 'code',
  version: 1,
  run: async (_, __, ctx) => ({
    output: await ctx.effect({ kind: 'model', safety: 'billable', request: {}, need: NEED }),
  }),
}
const options: LawOptions = {
  kinds: { code },
  executors: () => ({
    model: {
      kind: 'model',
      run: async () => ({ ok: true, answer: 'ok', cost: 1_000, usage: { input: 100, output: 900 } }),
    },
  }),
  plan: { limits: { max_cost: 2_000, on_limit: 'ask' } },
}
const graph = (...ids: string[]) => ({ name: 'g', steps: ids.map((id) => ({ id, kind: 'code', spec: {} })) })

function ofType<T extends Event['type']>(events: readonly Event[], type: T): EventOf<T>[] {
  return events.filter((event) => event.type === type) as EventOf<T>[]
}

async function ask(...ids: string[]) {
  const { events, room, end } = await runWithLaws(graph(...ids), options)
  expect(findViolations(events, (text) => hash('sha256', text, 'hex'))).toEqual([])
  const [question] = ofType(events, 'approval-requested') as [EventOf<'approval-requested'>]
  return { events, room, end, question }
}

const answer = (type: 'approve' | 'deny', { data }: EventOf<'approval-requested'>): Command => ({
  type,
  key: data.key,
  request: data.request.sha256,
})

test('I10 a run that asks at its limit asks once for all that wait, rests, and goes on when the budget is raised', async () => {
  const past = await ask('a', 'b', 'c', 'd')
  expect(past.end).toMatchObject({ outcome: 'resting', asks: ['budget'] })
  expect(ofType(past.events, 'approval-requested')).toHaveLength(1)
  expect(past.question.data.grant).toEqual({ budget: 'run', raise: { max_cost: 2_000 } })
  expect(JSON.parse(past.question.data.request.inline?.text ?? '')).toMatchObject({
    spent: { cost: 2_000, calls: 2 },
    limits: { max_cost: 2_000 },
  })
  const { end, events } = await takeUp(past, options, { commands: [answer('approve', past.question)] })
  expect(end).toEqual({ outcome: 'finished', status: 'succeeded' })
  expect(ofType(events, 'budget-settled')).toHaveLength(4)
})

test('it asks again when what was raised is used up, too', async () => {
  const past = await ask('a', 'b', 'c', 'd', 'e')
  const next = await takeUp(past, options, { commands: [answer('approve', past.question)] })
  expect(next.end).toMatchObject({ outcome: 'resting', asks: ['budget'] })
  expect(ofType(next.events, 'budget-settled')).toHaveLength(4)
})

test('it ends as exhausted when nobody raises the budget, and asks no more', async () => {
  const past = await ask('a', 'b', 'c', 'd')
  const { end, events } = await takeUp(past, options, { commands: [answer('deny', past.question)] })
  expect(end).toEqual({ outcome: 'finished', status: 'exhausted' })
  expect(ofType(events, 'budget-refused').map(({ data }) => data.code)).toEqual([
    'budget_exhausted',
    'budget_exhausted',
  ])
  expect(ofType(events, 'approval-requested')).toHaveLength(1)
})
