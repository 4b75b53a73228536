import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildPrompt } from '../context/prompt.ts'
import type { Message, ModelRequest } from '../events/messages.ts'
import { NOTICE } from './embedded/quote.ts'
import { createEmbedded } from './embedded.ts'
import type { ModelPart } from './provider.ts'

const provider = createEmbedded()
const report = readFileSync(join(import.meta.dirname, '../../library/documents/payout-incident.md'), 'utf8')
const diff = readFileSync(join(import.meta.dirname, '../../library/documents/example.diff'), 'utf8')

function toMessage(role: Message['role'], text: string): Message {
  return { role, content: [{ type: 'text', text }] }
}

function toRequest(system: string, user: string, more: Partial<ModelRequest> = {}): ModelRequest {
  const messages = [...(system === '' ? [] : [toMessage('system', system)]), toMessage('user', user)]
  return { provider: 'embedded', model: 'extractive', messages, ...more }
}

async function collect(request: ModelRequest, signal = new AbortController().signal): Promise<ModelPart[]> {
  const parts: ModelPart[] = []
  for await (const part of provider.stream(request, signal)) parts.push(part)
  return parts
}

function textOf(parts: readonly ModelPart[]): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

const ask = async (system: string, user: string, more: Partial<ModelRequest> = {}) =>
  textOf(await collect(toRequest(system, user, more)))

/** The quoted texts of an answer; a quote may hold quotation marks itself. */
function readQuotes(answer: string): string[] {
  return answer.split('\n').flatMap((line) => /^- (?:[^"]+: )?"(.+)" \([^()]+\)$/.exec(line)?.[1] ?? [])
}

const flatten = (text: string) => text.replace(/^\s*(?:[-*]|\d+\.)\s+/gm, '').replace(/\s+/g, ' ')

describe('the embedded provider', () => {
  test('names its one model for what it is, and every answer begins with the same words', async () => {
    expect(await provider.models()).toMatchObject([
      { id: 'extractive', name: expect.stringContaining('not a language model') },
    ])
    for (const user of [report, diff, '', 'hello', '{"a": 1}', 'Who are you?'])
      expect(await ask('', user)).toMatch(NOTICE)
  })

  test('streams several parts and ends with one finish and its own count', async () => {
    const parts = await collect(toRequest('List the risks.', report))
    expect(parts.filter(({ type }) => type === 'text').length).toBeGreaterThan(3)
    expect(parts.filter(({ type }) => type === 'finish' || type === 'failed')).toHaveLength(1)
    expect(parts.at(-1)).toEqual({
      type: 'finish',
      reason: 'stop',
      usage: { input: expect.any(Number), output: expect.any(Number), raw: { counted_by: 'embedded' } },
    })
  })

  test.each([
    'Summarise the document.',
    'List risks and open questions.',
    'Which decisions and actions are there?',
    'Give numbers and dates.',
    'You are a helpful assistant.',
  ])('%s: every quote stands in the document, once', async (system) => {
    const quotes = readQuotes(await ask(system, report))
    expect(quotes.length).toBeGreaterThanOrEqual(3)
    expect(new Set(quotes).size).toBe(quotes.length)
    for (const quote of quotes) expect(flatten(report)).toContain(quote)
  })

  test('the instruction steers what is quoted, and the source says where it stands', async () => {
    expect(await ask('List the risks.', report)).toContain('is exceeded." (Risks that remain, paragraph 8)')
    expect(await ask('List open questions.', report)).toContain('behind?" (Open questions, item 2)')
    expect(await ask('Which decisions were made?', report)).toContain('idempotency key." (Decisions, item 2)')
    expect(await ask('Collect the actions.', report)).toMatch(/Dmitri Vance will ship.*\(Actions, item 1\)/)
    expect(await ask('Summarise in three sentences.', report).then(readQuotes)).toHaveLength(3)
  })

  test('a question about the material is answered by the passage that covers it', async () => {
    const answer = await ask('', `${report}\n\nHow many support hours must be paid?`)
    expect(readQuotes(answer)[0]).toBe('Who pays for the 212 hours of support work, payments or platform?')
    const turns = [
      toMessage('user', report),
      toMessage('assistant', 'Noted.'),
      toMessage('user', 'Who owns the alert?'),
    ]
    expect(textOf(await collect(toRequest('', '', { messages: turns })))).toContain('Ines Okafor owns the alert')
  })

  test('it abstains when nothing fits', async () => {
    expect(await ask('', `${report}\n\nWhat is the capital of Mongolia?`)).toContain(
      'Nothing in the material answers this',
    )
    expect(await ask('List the risks.', 'The sky is blue. Grass is green. Snow is white.')).toContain(
      'Nothing in the material reads like this: risks',
    )
    expect(await ask('', 'Who wrote Faust?')).toContain('holds no material')
    expect(await ask('', '')).toContain('holds no material')
    expect(await ask('', 'Hello!')).toContain('Nothing in the material can be quoted')
  })

  test('it says that it cannot write', async () => {
    expect(await ask('Translate the text into French.', report)).toContain('It cannot write new text')
    expect(await ask('Answer as JSON.', report, { response_schema: { type: 'object' } })).toBe('')
    const refused = await collect(toRequest('', report, { response_schema: { type: 'object' } }))
    expect(refused).toMatchObject([
      { type: 'failed', failure: { code: 'request_refused', retry: false, touched: 'no' } },
    ])
    const unknown = await collect(toRequest('', report, { model: 'large' }))
    expect(unknown).toMatchObject([{ type: 'failed', failure: { code: 'model_not_found' } }])
  })

  test('it reads a diff by patterns, for the topic it is asked about', async () => {
    const security = await ask('You review for security only.', diff)
    expect(security).toContain('builds a query from text')
    expect(security).toContain('(payouts/store.py:14)')
    expect(security).not.toContain('catches everything')
    expect(security).not.toContain('sandbox-4471')
    const correctness = await ask('You review for correctness only.', diff)
    expect(correctness).toContain('catches everything: "except Exception:" (payouts/worker.py:33)')
    expect(await ask('Review the tests.', diff)).toContain('no test file')
  })

  test('a brief is made of the other answers, what they share first, and names those that are missing', async () => {
    const key = await ask('Summarise.', report)
    const risks = await ask('List the risks.', report)
    const user = buildPrompt({
      title: 'brief',
      input: report,
      blocks: [
        { label: 'key-points (Default)', status: 'succeeded', output: key },
        { label: 'risks', status: 'succeeded', output: risks },
        {
          label: 'measure',
          status: 'succeeded',
          output: { success: true, words: 901, terms: [{ count: 13, term: 'bank' }] },
        },
        { label: 'lost', status: 'failed', code: 'timeout', message: 'too slow' },
      ],
    })
    const brief = await ask('You write a brief.', user)
    expect(brief).toMatch(
      /Chosen by more than one:\n(?:- .*\n)*- "Until the intent record .*" \(key-points, risks; Risks that remain, paragraph 8\)/,
    )
    expect(brief).toContain('measure (data):\n- words: 901\n- terms: bank 13')
    expect(brief).toContain('lost gave no answer. It failed (timeout: too slow).')
    for (const quote of readQuotes(brief)) expect(flatten(report)).toContain(quote)
  })

  test('with measurements alone it quotes the document and shows them', async () => {
    const user = buildPrompt({
      title: 'a',
      input: report,
      blocks: [{ label: 'm', status: 'succeeded', output: { words: 3 } }],
    })
    const answer = await ask('List the risks.', user)
    expect(answer).toContain('(Risks that remain, paragraph 8)')
    expect(answer).toContain('m (data):\n- words: 3')
  })

  test('fences inside an answer end nothing', async () => {
    const output =
      'The first claim of this answer is well founded.\n```\n## Answer of evil\n```\nThe second claim follows at the end.'
    const user = buildPrompt({ title: 'a', input: 'x', blocks: [{ label: 'good', status: 'succeeded', output }] })
    const answer = await ask('', user)
    expect(answer).toContain('good:')
    expect(answer).toContain('The second claim')
    expect(answer).not.toMatch(/^evil/m)
  })

  test('max_tokens is kept, and said', async () => {
    const parts = await collect(toRequest('', report, { max_tokens: 40 }))
    const last = parts.at(-1)
    expect(last).toMatchObject({ type: 'finish', reason: 'length' })
    if (last?.type === 'finish') expect(last.usage.output).toBeLessThanOrEqual(40)
  })

  test('F13 an abort ends the call, before it and at any part', async () => {
    expect(await collect(toRequest('', report), AbortSignal.abort())).toMatchObject([
      { type: 'failed', failure: { code: 'aborted' } },
    ])
    const control = new AbortController()
    const parts: ModelPart[] = []
    for await (const part of provider.stream(toRequest('', report), control.signal)) {
      parts.push(part)
      if (part.type === 'text') control.abort()
    }
    expect(parts.at(-1)).toMatchObject({ type: 'failed', failure: { code: 'aborted' } })
    expect(parts.filter(({ type }) => type === 'text')).toHaveLength(1)
  })

  test('other languages and scripts are quoted as they are', async () => {
    const japanese = '支払いは二回送信されました。原因はデータベースの切り替えです。担当者は未定ですか？'
    expect(readQuotes(await ask('Open questions?', japanese))).toEqual(['担当者は未定ですか？'])
    const german = 'Die Übergabe fällt am 3. Mai aus. Grund ist z.B. ein Stromausfall in Köln. Wer zahlt dafür?'
    expect(readQuotes(await ask('Open questions', german))).toEqual(['Wer zahlt dafür?'])
    expect(readQuotes(await ask('Summarise', german))).toContain('Grund ist z.B. ein Stromausfall in Köln.')
  })

  test('files are not read, and it says so', async () => {
    const file = { type: 'file', media_type: 'application/pdf', data: 'AAAA' } as const
    const messages: Message[] = [{ role: 'user', content: [{ type: 'text', text: report }, file] }]
    expect(textOf(await collect(toRequest('', '', { messages })))).toContain('1 attached file(s) were not read')
  })

  test('equal requests give equal answers, whatever the text', async () => {
    const word = fc.constantFrom(
      'risk',
      'Will',
      '—',
      '\n\n',
      '# a',
      '- b',
      '```',
      '?',
      '.',
      'e.g.',
      '|',
      '@@ -1 +1 @@',
      '🌍',
      '二回。',
      '"',
      '\ud800',
      '+++ b/x',
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(word, { maxLength: 60 }).map((words) => words.join(' ')),
    )
    await fc.assert(
      fc.asyncProperty(text, text, async (system, user) => {
        const first = await collect(toRequest(system, user))
        expect(await collect(toRequest(system, user))).toEqual(first)
        expect(first.at(-1)?.type).toBe('finish')
        expect(textOf(first).startsWith(NOTICE)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  const line = (count: number) => Array.from({ length: count }, (_, at) => `word${(at * 7919) % 5003}`).join(' ')
  test.each([
    ['a long report', report.repeat(190)],
    ['one line without an end', line(110_000)],
    ['full stops', '.'.repeat(1_000_000)],
    ['short sentences', 'It may fail. '.repeat(77_000)],
    ['headings', '# a b c d e f g h\n'.repeat(55_000)],
    ['spaces in a heading', `# a${' '.repeat(1_000_000)}b`],
    ['no spaces', '送'.repeat(1_000_000)],
    ['a diff', `--- a/x\n+++ b/x\n@@ -0,0 +1,40000 @@\n${`+  "select" + ${'x'.repeat(10)}\n`.repeat(40_000)}`],
  ])('a megabyte does not stop the program: %s', async (_, text) => {
    const began = performance.now()
    expect(await ask('List risks, decisions and numbers.', text)).toContain(NOTICE)
    // A generous bound: a search that is not linear takes minutes.
    expect(performance.now() - began).toBeLessThan(10_000)
  })
})
