import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../events/canonical.ts'
import type { Message, MessagePart } from '../events/messages.ts'
import { buildContext } from './build.ts'
import { countAtMost, countMessages, textOfPart } from './count.ts'
import { type BuiltContext, type ContextBudget, type ContextPart, groupOf } from './part.ts'

const text = (words: string): MessagePart => ({ type: 'text', text: words })
const call = (id: string): MessagePart => ({ type: 'tool-call', id, name: 'find', arguments: `{"id":"${id}"}` })
const result = (id: string, output: string): MessagePart => ({ type: 'tool-result', id, name: 'find', output })
const said = (name: string, role: Message['role'], words: string, more: Partial<ContextPart> = {}): ContextPart => ({
  name,
  role,
  content: [text(words)],
  ...more,
})
const long = (seed: string, words: number) => Array.from({ length: words }, (_, n) => `${seed}${n % 97}`).join(' ')

function built(parts: readonly ContextPart[], budget: ContextBudget): Extract<BuiltContext, { ok: true }> {
  const answer = buildContext(parts, budget)
  if (!answer.ok) throw new Error(answer.message)
  return answer
}

const fates = ({ manifest }: BuiltContext) => manifest.parts.map(({ name, fate }) => `${name} ${fate}`)

const words = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom('alpha', 'Größe', 'данные', '数据', '👩‍👩‍👧 🇩🇪', '{"a":1}'), fc.nat(60))
      .map(([word, n]) => `${word} `.repeat(n)),
  },
  fc.string({ unit: 'grapheme', maxLength: 40 }),
)

/** Conversations of all kinds: with calls side by side, results far from their calls, calls without results, pieces. */
const conversation = fc
  .array(
    fc.record({
      kind: fc.constantFrom('say', 'say', 'reply', 'call', 'look', 'system', 'piece', 'file', 'late'),
      words,
      more: words,
      calls: fc.integer({ min: 1, max: 3 }),
      open: fc.boolean(),
      pin: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      priority: fc.integer({ min: 0, max: 2 }),
    }),
    { maxLength: 14 },
  )
  .map((turns) => {
    const parts: ContextPart[] = []
    const late: MessagePart[] = []
    for (const [at, { kind, words: spoken, more, calls, open, pin, priority }] of turns.entries()) {
      const common = { ...(pin ? { pin } : {}), ...(priority ? { priority } : {}) }
      if (kind === 'say') parts.push(said(`say ${at}`, 'user', spoken, common))
      else if (kind === 'reply') parts.push(said(`reply ${at}`, 'assistant', spoken, common))
      else if (kind === 'look') parts.push(said(`look ${at}`, 'user', spoken, { ...common, group: 'retrieved' }))
      else if (kind === 'system') parts.push(said(`rule ${at}`, 'system', spoken.slice(0, 60).toWellFormed()))
      else if (kind === 'piece') parts.push(said(`piece ${at}`, 'user', spoken, { joined: true, group: 'retrieved' }))
      else if (kind === 'file')
        parts.push({
          name: `file ${at}`,
          role: 'user',
          content: [{ type: 'file', media_type: 'image/png', data: 'AA' }],
        })
      else {
        const ids = Array.from({ length: calls }, (_, n) => `${at}-${n}`)
        parts.push({ name: `call ${at}`, role: 'assistant', content: [text(spoken), ...ids.map(call)], ...common })
        if (open) continue
        const results = ids.map((id) => result(id, more))
        if (kind === 'late') late.push(...results)
        else parts.push({ name: `result ${at}`, role: 'tool', content: results })
      }
    }
    return late.length > 0 ? [...parts, { name: 'late results', role: 'tool' as const, content: late }] : parts
  })

const budget = fc.record(
  {
    limit: fc.integer({ min: 0, max: 1500 }),
    beside: fc.nat(80),
    headroom: fc.nat(100),
    shares: fc.constantFrom({}, { recent: 0.9, retrieved: 0.1 }, { retrieved: 1 }),
  },
  { requiredKeys: ['limit'] },
)

function idsOf(messages: readonly { readonly content: readonly MessagePart[] }[], type: 'tool-call' | 'tool-result') {
  return new Set(messages.flatMap(({ content }) => content.flatMap((part) => (part.type === type ? [part.id] : []))))
}

function check(parts: readonly ContextPart[], given: ContextBudget): 'fits' | 'cut' | 'refused' {
  const one = buildContext(parts, given)
  expect(canonicalJson(buildContext(structuredClone(parts), given) as never)).toBe(canonicalJson(one as never))
  expect(one.manifest.parts.map(({ name }) => name)).toEqual(parts.map(({ name }) => name))
  if (!one.ok) {
    expect(one.manifest.tokens).toBeGreaterThan(given.limit)
    return 'refused'
  }
  const { messages, manifest } = one
  const total = countMessages(messages, countAtMost) + (given.beside ?? 0)
  expect(total).toBeLessThanOrEqual(given.limit)
  expect(manifest.tokens_after).toBe(total)
  const [calls, results] = [idsOf(parts, 'tool-call'), idsOf(parts, 'tool-result')]
  const [sentCalls, sentResults] = [idsOf(messages, 'tool-call'), idsOf(messages, 'tool-result')]
  for (const id of calls) {
    if (results.has(id)) expect(sentCalls.has(id)).toBe(sentResults.has(id))
    else expect(sentCalls.has(id)).toBe(true)
  }
  const last = parts.findLast((part) => part.role === 'user' && groupOf(part) === 'recent' && !part.joined)
  const sent = new Map(one.parts.map((part) => [part.name, part]))
  for (const part of parts) {
    const isPinned = part.pin || part === last || (groupOf(part) === 'directives' && !part.joined)
    if (isPinned) expect(sent.get(part.name)).toBe(part)
    // Of a call not a letter changes, only the result may be shortened.
    const stays = sent.get(part.name)
    if (stays && part.role === 'assistant' && part.content.length > 1) expect(stays).toBe(part)
  }
  const order = one.parts.map(({ name }) => parts.findIndex((part) => part.name === name))
  expect(order).toEqual(order.toSorted((a, b) => a - b))
  for (const { content } of messages) for (const part of content) expect(textOfPart(part).isWellFormed()).toBe(true)
  return manifest.parts.every(({ fate }) => fate === 'kept') ? 'fits' : 'cut'
}

describe('buildContext', () => {
  it('F12, F21: 10,000 conversations: never over the limit, pairs never split, pins kept, same input same bytes', {
    timeout: 120_000,
  }, () => {
    const seen = { fits: 0, cut: 0, refused: 0 }
    fc.assert(
      fc.property(conversation, budget, (parts, given) => {
        seen[check(parts, given)] += 1
      }),
      { numRuns: 10_000, seed: 12 },
    )
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(500)
  })

  it('keeps everything while it fits, as it is', () => {
    const parts = [said('system', 'system', 'be good'), said('a', 'user', 'hello'), said('b', 'assistant', 'hi')]
    const { messages, manifest } = built(parts, { limit: 100 })
    expect(messages).toEqual(parts.map(({ role, content }) => ({ role, content })))
    expect(manifest).toMatchObject({ limit: 100, method: 'bounded', tokens_after: manifest.tokens })
  })

  it('F12: what was said last stays; what was said first goes; a call goes with its result', () => {
    const parts = [
      said('system', 'system', 'be good'),
      said('task', 'user', 'find it', { pin: true }),
      { name: 'call 1', role: 'assistant', content: [call('1')] },
      { name: 'result 1', role: 'tool', content: [result('1', long('old', 200))] },
      { name: 'call 2', role: 'assistant', content: [call('2')] },
      { name: 'result 2', role: 'tool', content: [result('2', long('new', 40))] },
      said('word', 'user', 'go on'),
    ] as const
    const { manifest } = built(parts, { limit: 240 })
    expect(fates({ ok: true, manifest } as never)).toEqual([
      'system kept',
      'task kept',
      'call 1 dropped',
      'result 1 dropped',
      'call 2 kept',
      'result 2 kept',
      'word kept',
    ])
    expect(manifest.parts[3]).toMatchObject({ why: 'no_room', tokens_after: 0 })
  })

  it('the result of a long call is shortened at both ends of a mark, its call is not', () => {
    const parts: ContextPart[] = [
      said('task', 'user', 'find it'),
      { name: 'call', role: 'assistant', content: [text('looking'), call('1')] },
      { name: 'result', role: 'tool', content: [result('1', long('w', 900))] },
    ]
    const { messages, manifest } = built(parts, { limit: 300 })
    const [piece] = messages[2]?.content ?? []
    const output = piece?.type === 'tool-result' ? String(piece.output) : ''
    expect(output).toMatch(/^w0 w1 [\s\S]+\n\[… \d+ characters left out …\]\n[\s\S]+ w26$/)
    expect(messages[1]?.content).toBe(parts[1]?.content)
    expect(manifest.parts[2]).toMatchObject({ fate: 'cut', why: 'too_long' })
    expect(manifest.tokens_after).toBeGreaterThan(250)
  })

  it('pieces of a message that stays share its room, the longest are shortened, a mark stays of each', () => {
    const parts = [
      said('task', 'user', 'Read:\n'),
      said('short', 'user', 'brief', { joined: true, group: 'retrieved' }),
      said('one', 'user', long('a', 500), { joined: true, group: 'retrieved' }),
      said('two', 'user', long('b', 500), { joined: true, group: 'retrieved' }),
      said('end', 'user', '\nNow answer.', { joined: true, pin: true }),
    ]
    const { messages, manifest } = built(parts, { limit: 300 })
    expect(messages).toHaveLength(1)
    const [whole] = messages[0]?.content ?? []
    expect(whole).toMatchObject({ type: 'text', text: expect.stringMatching(/^Read:\nbriefa0 [\s\S]*\nNow answer\.$/) })
    expect(manifest.parts.map(({ fate }) => fate)).toEqual(['kept', 'kept', 'cut', 'cut', 'kept'])
    const [, , one, two] = manifest.parts
    expect(Math.abs((one?.tokens_after ?? 0) - (two?.tokens_after ?? 0))).toBeLessThan(10)
    const tight = built(parts, { limit: 90 })
    expect(JSON.stringify(tight.messages).match(/left out/g)).toHaveLength(2)
  })

  it('shares flow to where they are needed', () => {
    const look = said('look', 'user', long('a', 400), { group: 'retrieved' })
    const talk = [said('reply', 'assistant', long('b', 400)), said('word', 'user', 'go')]
    const alone = built([said('reply', 'assistant', long('b', 400)), said('word', 'user', 'go')], { limit: 600 })
    expect(alone.manifest.tokens_after).toBeGreaterThan(540)
    const both = built([look, ...talk], { limit: 600 })
    const [a, b] = both.manifest.parts.map(({ tokens_after }) => tokens_after)
    expect(a).toBeGreaterThan(240)
    expect(b).toBeGreaterThan(180)
    expect(both.manifest.tokens_after).toBeGreaterThan(540)
  })

  it('a higher priority is cut later', () => {
    const parts = [
      said('map', 'user', long('a', 100), { group: 'retrieved' }),
      said('law', 'user', long('b', 100), { group: 'retrieved', priority: 1 }),
      said('word', 'user', 'go'),
    ]
    expect(fates(built(parts, { limit: 330 }))).toEqual(['map dropped', 'law kept', 'word kept'])
  })

  it('what stands there twice is sent once, and in the next call again', () => {
    const parts = [said('a', 'assistant', 'same'), said('b', 'assistant', 'same'), said('c', 'user', 'go')]
    for (let time = 0; time < 2; time += 1) {
      expect(fates(built(parts, { limit: 500 }))).toEqual(['a kept', 'b dropped', 'c kept'])
      expect(built(parts, { limit: 500, dedupe: false }).messages).toHaveLength(3)
    }
    const pinned = [said('a', 'user', 'same'), said('b', 'user', 'same')]
    expect(fates(built(pinned, { limit: 500 }))).toEqual(['a dropped', 'b kept'])
  })

  it('F21: what may not be cut is too long: context_overflow, which names it', () => {
    const parts = [said('system', 'system', 'be good'), said('the task', 'user', long('w', 500))]
    const answer = buildContext(parts, { limit: 300, beside: 40 })
    expect(answer).toMatchObject({ ok: false, code: 'context_overflow' })
    expect(answer.ok ? '' : answer.message).toMatch(
      /^of \d+ tokens at most 300 fit, and \d+ may not be cut; the largest: the task \(\d+\), tools and the form of the answer \(40\), system/,
    )
    expect(buildContext(parts, { limit: 3000, overflow: 'fail' }).ok).toBe(true)
    const cuttable = [said('old', 'assistant', long('w', 500)), said('word', 'user', 'go')]
    expect(buildContext(cuttable, { limit: 300, overflow: 'fail' }).ok).toBe(false)
  })

  it('leaves the beginning as it is from call to call, with room for what follows', () => {
    const parts: ContextPart[] = [said('system', 'system', 'be good'), said('task', 'user', 'find', { pin: true })]
    let sent: readonly ContextPart[] = parts
    let cuts = 0
    for (let turn = 0; turn < 60; turn += 1) {
      const next = [...sent, said(`reply ${turn}`, 'assistant', long(`t${turn} `, 30))]
      const answer = built(next, { limit: 2000, headroom: 500 })
      if (answer.parts.length < next.length) cuts += 1
      else expect(answer.messages.slice(0, -1)).toEqual(sent.map(({ role, content }) => ({ role, content })))
      sent = answer.parts
    }
    expect(cuts).toBeGreaterThan(2)
    expect(cuts).toBeLessThan(20)
  })

  it('counts by a tokenizer where it has counted', () => {
    const parts = [said('a', 'assistant', long('w', 100)), said('b', 'user', 'go')]
    const exact = new Map([
      [long('w', 100), 50],
      ['go', 1],
    ])
    expect(built(parts, { limit: 80, exact }).manifest).toMatchObject({ method: 'exact', tokens_after: 75 })
    expect(built(parts, { limit: 80 }).manifest.method).toBe('bounded')
  })
})
