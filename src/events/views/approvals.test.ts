import { expect, test } from 'vitest'
import type { Event } from '../event.ts'
import { BUDGET_KEY } from '../money.ts'
import { approvalsView } from './approvals.ts'

const event = (type: string, data: object, actor = 'engine') => ({ type, data, actor, at: 1 }) as unknown as Event

test.each([
  [BUDGET_KEY, 'used'],
  ['b@1/tool', 'void'],
])('a yes to %s that no call of its name followed is %s when its step is over', (key, status) => {
  const events = [
    event('approval-requested', { key, step: 'b', request: {}, grant: {} }, 'world'),
    event('approval-given', { key, step: 'b' }, 'person'),
    event('step-finished', { step: 'b' }),
  ]
  const { entries } = events.reduce(approvalsView.evolve, approvalsView.initial())
  expect(entries).toMatchObject([{ key, status, by: 'person' }])
})
