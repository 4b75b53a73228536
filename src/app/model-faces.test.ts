import { expect, test } from 'vitest'
import type { Message } from '../events/messages.ts'
import type { GraphStep } from '../graph/step-graph.ts'
import { findLiveStep, toInput } from './model-faces.ts'
import type { Target } from './target.ts'

const say = (role: Message['role'], text: string): Message => ({ role, content: [{ type: 'text', text }] })

test('the last words of the user are the input as they are; what was said before stands above them', () => {
  expect(toInput([say('user', 'Hello')])).toBe('Hello')
  expect(toInput([say('system', 'Be brief.'), say('user', 'a'), say('assistant', 'b'), say('user', 'c')])).toBe(
    'What was said before:\n\nsystem:\nBe brief.\n\nuser:\na\n\nassistant:\nb\n\nWhat is asked now:\n\nc',
  )
  expect(() => toInput([say('assistant', 'b')])).toThrow('there is no message of a user')
})

test('files of the last message go along', () => {
  const image = { type: 'file' as const, media_type: 'image/png', data: 'AAAA' }
  const page = { type: 'file' as const, media_type: 'application/pdf', data: 'BBBB', name: 'a.pdf' }
  expect(toInput([{ role: 'user', content: [{ type: 'text', text: 'see' }, image, page] }])).toEqual({
    text: 'see',
    images: [{ media_type: 'image/png', data: 'AAAA' }],
    files: [{ media_type: 'application/pdf', data: 'BBBB', name: 'a.pdf' }],
  })
})

const agent = (id: string, after: string[] = [], spec = {}): GraphStep => ({
  id,
  kind: 'agent',
  spec,
  after: after.map((step) => ({ step, on: 'always' })),
})
const target = (steps: GraphStep[], output?: string) =>
  ({ graph: { name: 'g', steps, ...(output ? { output } : {}) } }) as unknown as Target

test.each([
  ['the only one', target([agent('a')]), 'a'],
  ['the last one', target([agent('a'), agent('b', ['a'])]), 'b'],
  ['the named one', target([agent('a'), agent('b')], 'a'), 'a'],
  ['two at the end', target([agent('a'), agent('b')]), undefined],
  ['one with tools', target([agent('a', [], { tools: [{}] })]), undefined],
  ['one with a schema', target([agent('a', [], { output_schema: {} })]), undefined],
  ['one that sums up', target([agent('a', [], { context: { overflow: 'summarise' } })]), undefined],
  ['a script', target([{ ...agent('a'), kind: 'script' }]), undefined],
])('whose words are the answer: %s', (_, given, live) => {
  expect(findLiveStep(given)).toBe(live)
})
