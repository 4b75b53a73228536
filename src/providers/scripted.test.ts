import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  CONTRACT_ARGUMENTS,
  CONTRACT_TEXT,
  collect,
  describeProvider,
  failureOf,
  textOf,
  toRequest,
} from './provider.contract.ts'
import { createScripted } from './scripted.ts'
import { describeScript, parseScript } from './scripted-schema.ts'

const signal = new AbortController().signal
const play = (data: unknown) => {
  const provider = createScripted(parseScript(data))
  return (text: string, more?: Parameters<typeof toRequest>[1]) =>
    collect(provider.stream(toRequest(text, more), signal))
}

describeProvider('scripted', async () => {
  const script = parseScript({
    rules: [
      { contains: 'hello', answer: { text: CONTRACT_TEXT } },
      { contains: 'use a tool', after_tool: true, answer: { text: 'found it' } },
      { contains: 'use a tool', answer: { tool_calls: [{ name: 'lookup', arguments: CONTRACT_ARGUMENTS }] } },
      { contains: 'too many', answer: { error: { status: 429, retry_after_ms: 3000 } } },
      { contains: 'overloaded', answer: { error: { status: 529 } } },
      { contains: 'broken', answer: { error: { status: 500 } } },
      { contains: 'who are you', answer: { error: { status: 401 } } },
      { contains: 'cut', answer: { text: CONTRACT_TEXT, truncate_after: 3 } },
      { contains: 'slow', answer: { text: CONTRACT_TEXT.repeat(9), delay_ms: 40, between_ms: 30 } },
    ],
  })
  return { provider: createScripted(script), close: async () => {} }
})

describe('scripted', () => {
  test('without a rule it names the model and quotes the beginning', async () => {
    const long = 'one two three four five six seven eight nine ten eleven twelve thirteen'
    expect(textOf(await play({})(long))).toBe(
      '[contract-model] one two three four five six seven eight nine ten eleven twelve ...',
    )
  })

  test('the first rule that fits answers: model, words, patterns, system text', async () => {
    const ask = play({
      rules: [
        { model: 'big-*', answer: { text: 'big' } },
        { matches: '^add (\\d+)', answer: { text: '{{match.1}} of {{model}}: {{input:3}} {{unknown}} call {{call}}' } },
        { system_contains: ['Be', 'brief'], contains: 'x', answer: { text: 'brief' } },
      ],
      default: { text: 'else' },
    })
    expect(textOf(await ask('add 7'))).toBe('7 of contract-model: add {{unknown}} call 1')
    expect(textOf(await ask('add 8', { model: 'big-one' }))).toBe('big')
    expect(textOf(await ask('x'))).toBe('brief')
    expect(textOf(await ask('y'))).toBe('else')
  })

  test('a sequence gives one answer a call and repeats its last; each instance counts for itself', async () => {
    const script = parseScript({
      rules: [
        { then: [{ error: { code: 'rate_limited', retry_after_ms: 5 } }, { error: { status: 500 } }, { text: 'ok' }] },
      ],
    })
    for (let run = 0; run < 2; run++) {
      const provider = createScripted(script)
      const ends = []
      for (let n = 0; n < 4; n++) ends.push((await collect(provider.stream(toRequest('a'), signal))).at(-1))
      expect(ends).toMatchObject([
        { failure: { code: 'rate_limited', retry: true, retry_after_ms: 5 } },
        { failure: { code: 'provider_error', status: 500 } },
        { type: 'finish' },
        { type: 'finish' },
      ])
    }
  })

  test('rules can be bound to certain calls', async () => {
    const ask = play({
      rules: [
        { calls: 2, answer: { text: 'second' } },
        { calls: { from: 2 }, answer: { text: 'later' } },
      ],
      default: { text: 'first' },
    })
    const texts = []
    for (let n = 0; n < 3; n++) texts.push(textOf(await ask('a')))
    expect(texts).toEqual(['first', 'second', 'later'])
  })

  test('chunks, duplicates, reasoning and files come as written', async () => {
    const parts = await play({
      default: {
        text: 'äbcde',
        reasoning: 'hm',
        chunks: [1, 2],
        duplicate: 2,
        files: [{ media_type: 'image/png', data: 'AA==' }],
        finish: 'length',
      },
    })('a')
    expect(parts.map((part) => ('text' in part ? part.text : part.type))).toEqual([
      'h',
      'h',
      'm',
      'm',
      'ä',
      'ä',
      'bc',
      'bc',
      'd',
      'd',
      'e',
      'e',
      'file',
      'file',
      'finish',
    ])
    expect(parts.at(-1)).toMatchObject({ reason: 'length' })
  })

  test('counts are estimated, absent or as wrong as asked', async () => {
    const last = async (usage: unknown) =>
      (await play({ default: { text: '12345678', ...(usage ? { usage } : {}) } })('a')).at(-1)
    expect(await last(undefined)).toMatchObject({ usage: { output: 2 } })
    expect(await last('none')).toMatchObject({ usage: {} })
    expect(await last({ input: -5, output: 9e9 })).toMatchObject({ usage: { input: -5, output: 9e9 } })
  })

  test('F11 F12 it cuts, stalls, fails in the middle and vanishes', async () => {
    const words = { text: 'one two three four' }
    const cut = await play({ default: { ...words, truncate_after: 2 } })('a')
    expect([textOf(cut), failureOf(cut)]).toEqual(['one two', 'stream_truncated'])
    const failed = await play({ default: { ...words, error: { code: 'provider_overloaded', after: 1 } } })('a')
    expect([textOf(failed), failureOf(failed)]).toEqual(['one', 'provider_overloaded'])
    const gone = await play({ default: { ...words, vanish_after: 3 } })('a')
    expect(gone.map(({ type }) => type)).toEqual(['text', 'text', 'text'])
    const control = new AbortController()
    const stalled = []
    for await (const part of createScripted(parseScript({ default: { ...words, stall_after: 1 } })).stream(
      toRequest('a'),
      control.signal,
    )) {
      stalled.push(part)
      setTimeout(() => control.abort(), 1)
    }
    expect([textOf(stalled), failureOf(stalled)]).toEqual(['one', 'aborted'])
  })

  test('it waits by the clock it is given', async () => {
    const waits: number[] = []
    const provider = createScripted(parseScript({ default: { text: 'a b c', delay_ms: 1000, between_ms: 50 } }), {
      sleep: async (ms) => {
        waits.push(ms)
      },
    })
    await collect(provider.stream(toRequest('a'), signal))
    expect(waits).toEqual([1000, 50, 50])
  })

  test('a wrong script is refused with the place of each mistake', () => {
    expect(() => parseScript({ rules: [{ answer: { txt: 'a' } }, { matches: '(' }], x: 1 }, 's.yaml')).toThrow(
      /rules\.0\.answer[\s\S]*rules\.1\.matches/,
    )
    expect(JSON.stringify(describeScript())).toContain('truncate_after')
  })

  test('the example in the guide is a script', async () => {
    const guide = readFileSync(new URL('../../docs/guides/scripted-provider.md', import.meta.url), 'utf8')
    const { parse } = await import('yaml')
    const examples = [...guide.matchAll(/```yaml\n([\s\S]*?)```/g)]
    expect(examples.length).toBeGreaterThan(0)
    for (const [, example] of examples) expect(parseScript(parse(example ?? ''))).toBeTruthy()
  })
})
