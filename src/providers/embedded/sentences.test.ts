import { expect, test } from 'vitest'
import { splitSentences } from './sentences.ts'

const texts = (text: string) => splitSentences(text).map((sentence) => sentence.text)

test('sentences end at their marks, not at abbreviations and numbers', () => {
  expect(texts('Dr. Lin paid 3.50 EUR, e.g. by card. She left! "Why pay?" Nobody knew… Then it rained.')).toEqual([
    'Dr. Lin paid 3.50 EUR, e.g. by card.',
    'She left!',
    '"Why pay?"',
    'Nobody knew…',
    'Then it rained.',
  ])
  expect(texts('一つ目です。「二つ目。」三つ目ですか？')).toEqual(['一つ目です。', '「二つ目。」', '三つ目ですか？'])
})

test('a sentence knows its section and its place', () => {
  const text =
    'Opening words here.\n\n## First part ##\nLine one\ncontinues here. Second one.\n\n- item alpha\n- item beta\n  goes on\n\n| cell one | cell two |\n|---|---|\n'
  expect(splitSentences(text).map(({ text: words, section, place }) => [words, section, place])).toEqual([
    ['Opening words here.', '', 'paragraph 1'],
    ['Line one continues here.', 'First part', 'paragraph 2'],
    ['Second one.', 'First part', 'paragraph 2'],
    ['item alpha', 'First part', 'item 1'],
    ['item beta goes on', 'First part', 'item 2'],
    ['cell one · cell two', 'First part', 'item 3'],
  ])
})

test('code, rules and empty text hold no sentences', () => {
  expect(texts('```\nlet a = 1\n```\n---\n***\n\n')).toEqual([])
  expect(texts('')).toEqual([])
})

test('a sentence without an end is cut between words, and never inside a letter', () => {
  const pieces = texts(`${'long '.repeat(300)}end`)
  expect(pieces.length).toBeGreaterThan(2)
  expect(pieces.every((piece) => piece.length <= 490 && !piece.includes('lon '))).toBe(true)
  expect(texts('🌍a'.repeat(400)).every((piece) => piece.isWellFormed())).toBe(true)
})
