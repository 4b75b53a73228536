import { hash } from 'node:crypto'
import { sha256 as noble } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { describe, expect, test } from 'vitest'
import type { Event } from './event.ts'
import { createChainCheck, digestContent, hashEvent, NO_HASH, saltFor, valuesOf, withoutInline } from './hash.ts'

const node = (text: string): string => hash('sha256', text, 'hex')
const browser = (text: string): string => bytesToHex(noble(utf8ToBytes(text)))

const value = (text: string) => {
  const salt = saltFor('key', text, node)
  return {
    sha256: digestContent({ salt, text }, node),
    bytes: text.length,
    type: 'application/json',
    inline: { salt, text },
  }
}

function chain(): Event[] {
  const events: Event[] = []
  let prev = NO_HASH
  for (let seq = 1; seq <= 4; seq++) {
    const bare = {
      v: 1,
      run: 'r',
      seq,
      at: 1000 + seq,
      lamport: seq,
      causes: seq > 1 ? [seq - 1] : [],
      actor: 'world',
      type: 'effect-done',
      data: { key: `k${seq}`, answer: value(`"answer ${seq}"`) },
      prev,
      hash: '',
    } as Event
    const event = { ...bare, hash: hashEvent(bare, node) } as Event
    prev = event.hash
    events.push(event)
  }
  return events
}

const check = (events: readonly Event[]) => {
  const next = createChainCheck(node)
  for (const event of events) {
    const fault = next(event)
    if (fault) return fault
  }
  return undefined
}

describe('the hash chain', () => {
  test('Node and browser compute the same hash', () => {
    for (const event of chain()) expect(hashEvent(event, browser)).toBe(event.hash)
  })

  test('I1 a good chain passes; a gap, a swap, an altered field or altered content is named', () => {
    const good = chain()
    expect(check(good)).toBeUndefined()
    expect(check([good[0], good[2]] as Event[])?.message).toContain('event 2 is missing')
    expect(check([good[0], { ...good[2], seq: 2 }] as Event[])?.seq).toBe(2)
    expect(
      check(good.map((event, i) => (i === 1 ? ({ ...event, at: event.at + 1 } as Event) : event)))?.message,
    ).toContain('altered')
    const forged = structuredClone(good) as { data: { answer: { inline: { text: string } } } }[]
    ;(forged[3] as (typeof forged)[0]).data.answer.inline.text = '"other"'
    expect(check(forged as unknown as Event[])).toMatchObject({ seq: 4, message: expect.stringContaining('answer') })
  })

  test('removed content and another run id leave the hashes alone', () => {
    const [event] = chain() as [Event]
    const data = withoutInline(event.type, event.data)
    expect(JSON.stringify(data)).not.toContain('answer 1')
    expect(hashEvent({ ...event, run: 'fork', data } as Event, node)).toBe(event.hash)
  })

  test('values are found by path, never by shape', () => {
    const foreign = { key: 'k', usage: { raw: value('1') }, answer: value('2') }
    expect(valuesOf({ type: 'effect-done', data: foreign }).map(({ path }) => path)).toEqual(['answer'])
    expect(JSON.stringify(withoutInline('effect-done', foreign))).toContain('inline')
  })
})
