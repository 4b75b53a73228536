import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkTemplates, fillTemplates } from './template.ts'

const outputs = {
  user: { name: 'Ada', tags: ['x', { deep: true }], age: 36, none: null, text: '${user.name}' },
  'json-extract': 'plain text',
  list: [1, 2],
}

describe('filling', () => {
  test.each([
    ['${user.name}', 'Ada'],
    ['Hello ${user.name}, ${user.age}!', 'Hello Ada, 36!'],
    ['${user.age}', 36],
    ['${ user.age }', 36],
    ['${user.tags}', ['x', { deep: true }]],
    ['${user.tags[1].deep}', true],
    ['tags: ${user.tags}', 'tags: ["x",{"deep":true}]'],
    ['${user.none}', null],
    ['${json-extract}', 'plain text'],
    ['${list[0]}${list[1]}', '12'],
    ['$${user.name}', '${user.name}'],
    ['a $ b {c} $d', 'a $ b {c} $d'],
  ])('%j becomes %j', (text, value) => {
    expect(fillTemplates({ v: text, deep: [{ v: text }] }, outputs)).toEqual({
      ok: true,
      value: { v: value, deep: [{ v: value }] },
    })
  })

  test('what was filled in is not looked at again', () => {
    expect(fillTemplates({ v: '${user.text} and ${user.name}' }, outputs)).toMatchObject({
      value: { v: '${user.name} and Ada' },
    })
  })

  test.each([
    ['${user.missing}', '"missing"'],
    ['${list[2]}', '[2]'],
    ['${list.length}', '"length"'],
    ['${user.name.length}', '"length"'],
    ['${json-extract.x}', '"x"'],
    ['${nobody.x}', 'no output of "nobody"'],
    ['${user.constructor}', '"constructor"'],
    ['${user.__proto__.polluted}', '"__proto__"'],
    ['${constructor.name}', 'no output of "constructor"'],
  ])('%s is unresolved', (text, message) => {
    expect(fillTemplates({ v: text }, outputs)).toMatchObject({
      ok: false,
      code: 'template_unresolved',
      message: expect.stringContaining(message),
    })
  })

  test('property: parameters without references stay as they are', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]+$/), fc.jsonValue(), { noNullPrototype: true }),
        (parameters) => {
          fc.pre(!JSON.stringify(parameters).includes('${') && !JSON.stringify(parameters).includes('__proto__'))
          expect(fillTemplates(parameters as {}, {})).toEqual({ ok: true, value: parameters })
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('checking at load', () => {
  test('references to dependencies are fine, others and malformed ones are told with their path', () => {
    const parameters = {
      a: '${user.name}',
      b: ['x ${stranger.x} y'],
      c: { d: '${}' },
      e: '${user name!',
      f: '$${HOME}',
      g: '${user..x}',
    }
    const faults = checkTemplates(parameters, new Set(['user']))
    expect(faults.map(({ at, message }) => [at.join('.'), message])).toEqual([
      ['b.0', '${stranger.x} names "stranger", which this agent does not depend on'],
      ['c.d', '${} is not a reference'],
      ['e', '${user name! is not a reference'],
      ['g', '${user..x} is not a reference'],
    ])
  })

  test('a megabyte of brackets takes no time', () => {
    const start = performance.now()
    checkTemplates({ v: '${'.repeat(300_000), w: `\${a${'[1'.repeat(200_000)}}` }, new Set(['a']))
    expect(performance.now() - start).toBeLessThan(10_000)
  })
})
