import { describe, expect, test } from 'vitest'
import type { Delta, EffectOrder, EffectOutcome } from '../engine/effect.ts'
import { Redaction } from '../trust/redaction.ts'
import { guardDoor } from './door.ts'

const SECRET = 'door-secret-0123456789'
const redaction = new Redaction(new Map([['DOOR_TOKEN', SECRET]]))
const order = { kind: 'x', key: 's/x' } as EffectOrder

async function pass(
  run: (stream: (delta: Delta) => void) => EffectOutcome,
): Promise<{ outcome: EffectOutcome; shown: string }> {
  let shown = ''
  const { x } = guardDoor({ x: { kind: 'x', run: async (_, { stream }) => run(stream) } }, redaction)
  const means = {
    signal: new AbortController().signal,
    stream: ({ type, text }: Delta) => void (shown += `${type}:${text} `),
  }
  return { outcome: (await x?.run(order, means)) as EffectOutcome, shown }
}

describe('I18 the door', () => {
  test('answers and what is known about them come in clean', async () => {
    const usage = { input: 1, raw: { note: SECRET } }
    const { outcome } = await pass(() => ({
      ok: true,
      answer: { [SECRET]: [`is ${SECRET}`] },
      cost: 1,
      usage,
      labels: ['outside'],
    }))
    expect(outcome).toEqual({
      ok: true,
      answer: { '[secret DOOR_TOKEN]': ['is [secret DOOR_TOKEN]'] },
      cost: 1,
      usage: { input: 1, raw: { note: '[secret DOOR_TOKEN]' } },
      labels: ['outside'],
    })
  })

  test('so do failures, and what was thrown', async () => {
    const failed = { ok: false, code: 'c', touched: 'no', retry: true } as const
    const { outcome } = await pass(() => ({ ...failed, message: SECRET, detail: SECRET, partial: { text: SECRET } }))
    expect(JSON.stringify(outcome)).not.toContain(SECRET)
    expect(outcome).toMatchObject(failed)
    const thrown = await pass(() => {
      throw new Error(`no ${SECRET}`)
    }).catch((error: Error) => error)
    expect(thrown).toBeInstanceOf(Error)
    expect(`${(thrown as Error).stack}`).not.toContain(SECRET)
  })

  test('live text comes in clean in each of its streams, whole at the end', async () => {
    const { shown } = await pass((stream) => {
      stream({ type: 'stdout', text: `a ${SECRET.slice(0, 8)}` })
      stream({ type: 'stderr', text: 'b door-s' })
      stream({ type: 'stdout', text: `${SECRET.slice(8)} c` })
      return { ok: true, answer: null }
    })
    expect(shown).toBe('stdout:a  stderr:b  stdout:[secret DOOR_TOKEN] c stderr:door-s ')
  })
})
