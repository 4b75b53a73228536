import { expect, test } from 'vitest'
import { repairJson } from './json-repair.ts'

const PLAN = '{"tasks": [{"id": "t1", "description": "say \\"hi\\" {now}"}], "edges": []}'
const VALUE = JSON.parse(PLAN)

test.each([
  ['as it is', PLAN],
  ['in a fence', '```json\n' + PLAN + '\n```'],
  ['in a fence without a language', '```\n' + PLAN + '\n```'],
  ['in a fence that nobody closed', 'Here it is:\n```json\n' + PLAN],
  ['in an indented fence of tildes', '  ~~~ json\n' + PLAN + '\n  ~~~\n'],
  ['in prose', `Here is your plan: ${PLAN} I hope this helps!`],
  ['after a sentence with brackets', `The plan {see below} has one task [as asked]:\n${PLAN}\nDone.`],
  ['in a fence after a sentence with JSON-like brackets', 'Answer to {"a": 1}:\n```json\n' + PLAN + '\n```'],
  ['before a second one', `${PLAN}\n{"tasks": []}`],
])('the JSON is found %s', (_, text) => {
  expect(repairJson(text)).toEqual({ ok: true, value: VALUE, repaired: false })
})

test.each([
  ['trailing commas', '{"a": [1, 2,], "b": 3,}', { a: [1, 2], b: 3 }],
  ['braces that are not closed', '{"a": [1, {"b": 2', { a: [1, { b: 2 }] }],
  ['a text that is cut off', 'Sure: {"a": "one tw', { a: 'one tw' }],
  ['keys without quotation marks', '{a: 1, b: true}', { a: 1, b: true }],
  ['single quotation marks', "{'a': 'it'}", { a: 'it' }],
  ["another language's words", '{"a": True, "b": None}', { a: true, b: null }],
  ['comments', '{\n  // the first\n  "a": 1 /* one */\n}', { a: 1 }],
  ['a lost comma', '{"a": 1 "b": 2}', { a: 1, b: 2 }],
  ['quotation marks inside a text', '{"a": "he said "hi" and left"}', { a: 'he said "hi" and left' }],
  ['raw line breaks in a text', '{"a": "one\ntwo"}', { a: 'one\ntwo' }],
  ['the first of two, although it is the broken one', '{"a": 1,}\n{"b": 2}', { a: 1 }],
])('mended: %s', (_, text, value) => {
  expect(repairJson(text)).toEqual({ ok: true, value, repaired: true })
})

test('what fits is preferred, and without it the first is given', () => {
  const text = 'As [1] says: {"b": 2} and {"a": 1}'
  const hasA = (value: unknown) => value !== null && typeof value === 'object' && 'a' in value
  expect(repairJson(text, hasA)).toMatchObject({ ok: true, value: { a: 1 } })
  expect(repairJson('As [1] says: {"b": 2}', hasA)).toMatchObject({ ok: true, value: [1] })
  expect(repairJson('"only text"')).toMatchObject({ ok: true, value: 'only text' })
})

test('what cannot be read is said', () => {
  expect(repairJson('I cannot help with that.')).toEqual({
    ok: false,
    message: 'there is no JSON object or list in it',
  })
  expect(repairJson('')).toMatchObject({ ok: false })
  expect(repairJson('{'.repeat(50_000))).toMatchObject({ ok: false })
  expect(repairJson('[['.repeat(50_000))).toMatchObject({ ok: false })
  const long = `{"a": 1 "b": "${'x'.repeat(200_000)}"}`
  expect(repairJson(long)).toEqual({ ok: false, message: expect.stringContaining('too long to be mended') })
})

test('what a journal cannot hold is refused with its reason', () => {
  const deep = `${'['.repeat(300)}1${']'.repeat(300)}`
  expect(repairJson(deep)).toEqual({ ok: false, message: expect.stringContaining('nested deeper than 200') })
  const keyed = repairJson('Here: {"a": {"__proto__": {"polluted": 1}},}')
  expect(keyed).toEqual({ ok: false, message: expect.stringContaining('a key named __proto__') })
})
