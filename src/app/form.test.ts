import { expect, test } from 'vitest'
import type { JsonObject } from '../events/values.ts'
import { readForm } from './form.ts'

function read(schema: JsonObject, text: string) {
  const { fields } = readForm({ server: 's', message: 'm', schema: { type: 'object', properties: { x: schema } } })
  return fields[0]?.read(text)
}

const TITLED = {
  oneOf: [
    { const: 'w', title: 'Window' },
    { const: '1', title: 'Aisle' },
  ],
}

test.each([
  [{ type: 'string' }, 'a b', 'a b'],
  [{ type: 'string' }, '12', '12'],
  [{ type: 'integer', maximum: 9 }, '7', 7],
  [{ type: 'number' }, '-1.5', -1.5],
  [{ type: 'boolean' }, 'No', false],
  [{ type: 'boolean' }, 'y', true],
  [{ type: 'string', enum: ['red', 'blue'] }, 'BLUE', 'blue'],
  [{ type: 'string', enum: ['red', 'blue'] }, '1', 'red'],
  // A value is meant before a place in the list.
  [TITLED, '1', '1'],
  [TITLED, 'window', 'w'],
  [{ type: 'array', items: { enum: ['a', 'b', 'c'] } }, 'c, 1', ['c', 'a']],
  [{ type: 'array', items: { anyOf: TITLED.oneOf } }, 'Aisle', ['1']],
] as const)('%j takes %j', (schema, text, value) => {
  expect(read(schema as unknown as JsonObject, text)).toEqual({ value })
})

test.each([
  [{ type: 'integer' }, '1.5'],
  [{ type: 'integer', maximum: 9 }, '10'],
  [{ type: 'number' }, 'many'],
  [{ type: 'boolean' }, 'perhaps'],
  [{ type: 'string', enum: ['red', 'blue'] }, '3'],
  [{ type: 'string', minLength: 3 }, 'ab'],
  [{ type: 'array', items: { enum: ['a', 'b'] }, maxItems: 1 }, 'a,b'],
] as const)('%j does not take %j', (schema, text) => {
  expect(read(schema as unknown as JsonObject, text)).toEqual({ wrong: expect.any(String) as string })
})

test('what is required, what it falls back to, and fields that are no schema', () => {
  const schema = { properties: { a: { type: 'integer', default: 2, minimum: 1 }, b: 'text' }, required: ['a'] }
  expect(readForm({ server: 's', message: 'm', schema }).fields).toMatchObject([
    { name: 'a', required: true, fallback: 2, kind: 'integer from 1' },
    { name: 'b', required: false, kind: 'text' },
  ])
})
