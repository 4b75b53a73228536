import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { parseYaml } from './yaml.ts'

function messages(text: string): string[] {
  return parseYaml(text, 'f.yaml').problems.map((problem) => `${problem.line}:${problem.column} ${problem.message}`)
}

/** The fastest of a few tries: what the work costs, not what the machine was doing. */
function measure(work: () => void): number {
  return Math.min(
    ...Array.from({ length: 5 }, () => {
      const start = performance.now()
      work()
      return performance.now() - start
    }),
  )
}

describe('plain reading', () => {
  test('maps, lists, scalars, comments and block texts', () => {
    const text = '# note\na: 1\nb: [x, "y", {z: true}]\nc: |\n  one [[[\n  two\nd:\n- 1.5\n- null\n'
    expect(parseYaml(text).data).toEqual({ a: 1, b: ['x', 'y', { z: true }], c: 'one [[[\ntwo\n', d: [1.5, null] })
  })

  test('an empty file is null and no error', () => {
    for (const text of ['', '\n', '# only a note', '---\n...\n']) {
      expect(parseYaml(text)).toMatchObject({ data: null, problems: [] })
    }
  })

  test('JSON goes through the same door, tabs included', () => {
    const data = { a: [1, { b: 'x' }], c: null, d: 'é\n' }
    expect(parseYaml(JSON.stringify(data, null, '\t')).data).toEqual(data)
  })

  test('places of values and keys, through aliases, and of the nearest parent', () => {
    const { place, source } = parseYaml('a: &x\n  b: 012\nc: *x\nd:\n', 'f.yaml')
    expect(place(['a', 'b'])).toEqual({ file: 'f.yaml', line: 2, column: 6 })
    expect(place(['a', 'b'], 'key')).toEqual({ file: 'f.yaml', line: 2, column: 3 })
    expect(place(['c', 'b'])).toMatchObject({ line: 2, column: 6 })
    expect(place(['a', 'nothing', 'more'])).toMatchObject({ line: 2, column: 3 })
    expect(place(['d'], 'key')).toMatchObject({ line: 4, column: 1 })
    expect(source(['a', 'b'])).toBe('012')
  })

  test('property: what was written as YAML or JSON is read back', () => {
    const word = fc.stringMatching(/^[a-z]{1,8}$/)
    const leaf = fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean(), fc.constant(null))
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(word, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }))
    fc.assert(
      fc.property(tree, (data) => {
        const dangerous = /[\0\p{Cs}]|constructor|prototype|__proto__/u.test(JSON.stringify(data))
        fc.pre(!dangerous && !JSON.stringify(data).includes('\\u0000'))
        expect(parseYaml(JSON.stringify(data)).data).toEqual(data)
      }),
      { numRuns: 300 },
    )
  })

  test('property: any text gives data or problems with a place, and never throws', () => {
    const piece = fc.constantFrom(
      'a',
      ': ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '\n',
      '  ',
      '"',
      "'",
      '|',
      '&a ',
      '*a',
      '!t ',
      '#',
      '? ',
      '%',
      ',',
      '\t',
      '---\n',
      '1',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const { data, problems } = parseYaml(pieces.join(''))
        expect(data === undefined).toBe(problems.length > 0)
        for (const problem of problems) expect(problem.line).toBeGreaterThan(0)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('B01 alias bombs', () => {
  const letters = 'abcdefghi'
  const bomb = [...letters]
    .map(
      (letter, index) =>
        `${letter}: &${letter} [${Array(9)
          .fill(index === 0 ? 'x' : `*${letters[index - 1]}`)
          .join(', ')}]`,
    )
    .join('\n')

  test('B01 nine to the ninth is refused at once', () => {
    expect(messages(bomb)).toEqual([expect.stringMatching(/^[5-9]:\d+ the aliases of this file expand to too much/)])
    expect(measure(() => parseYaml(bomb))).toBeLessThan(500)
  })

  test('B01 an alias inside its own anchor, an unknown alias, and too many aliases', () => {
    expect(messages('a: &x [*x]')).toEqual(['1:8 the alias *x contains itself'])
    expect(messages('a: 1\nb: *y')).toEqual(['2:4 the alias *y has no anchor before it'])
    expect(messages(`a: &x 1\nb: [${Array(101).fill('*x').join(', ')}]`)).toEqual([
      expect.stringContaining('more than 100'),
    ])
  })

  test('B01 honest aliases are copies', () => {
    expect(parseYaml('a: &x [1, 2]\nb: *x\nc: *x').data).toEqual({ a: [1, 2], b: [1, 2], c: [1, 2] })
  })
})

describe('B02 depth', () => {
  test.each([
    ['brackets', '['.repeat(20_000)],
    ['braces', '{a: '.repeat(20_000)],
    ['dashes', '- '.repeat(20_000)],
    ['question marks', '? '.repeat(20_000)],
    ['indentation', Array.from({ length: 200 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
    ['mixed', '- [{a: '.repeat(5000)],
  ])('B02 deep %s are refused before the parser sees them', (_, text) => {
    expect(messages(text)).toEqual([expect.stringContaining('nested deeper than 64 levels')])
    expect(measure(() => parseYaml(text))).toBeLessThan(250)
  })

  test('B02 depth reached through aliases counts too', () => {
    const deep = `a: &x ${'['.repeat(50)}1${']'.repeat(50)}\nb: ${'['.repeat(50)}*x${']'.repeat(50)}`
    expect(messages(deep)).toEqual([expect.stringContaining('nested deeper than 64 levels')])
  })

  test('B02 brackets in texts are not depth', () => {
    expect(parseYaml(`a: |\n  ${'['.repeat(500)}\nb: "${'{'.repeat(500)}"\nc: x${'['.repeat(500)}`).problems).toEqual(
      [],
    )
    expect(parseYaml(`${'['.repeat(60)}1${']'.repeat(60)}`).problems).toEqual([])
  })

  test('B02 a file over the size limit is refused unread', () => {
    expect(messages('a'.repeat(1024 * 1024 + 1))).toEqual([expect.stringContaining('larger than 1048576 bytes')])
    expect(messages('é'.repeat(600_000))).toEqual([expect.stringContaining('larger than')])
  })

  test('B02 floods of marks and commas cost nothing', () => {
    for (const text of [
      `[${','.repeat(500_000)}`,
      '&a '.repeat(100_000),
      '*a '.repeat(100_000),
      '!!str '.repeat(100_000),
    ]) {
      expect(parseYaml(text).problems).toHaveLength(1)
      expect(measure(() => parseYaml(text))).toBeLessThan(500)
    }
  })
})

describe('B03 dangerous keys', () => {
  const shapes = [
    (key: string) => `${key}: {polluted: 1}`,
    (key: string) => `"${key}": {polluted: 1}`,
    (key: string) => `a: {${key}: {polluted: 1}}`,
    (key: string) => `a:\n- ${key}: {polluted: 1}`,
    (key: string) => `{"${key}": {"polluted": 1}}`,
    (key: string) => `{"a": [{"${key}": {"polluted": 1}}]}`,
    (key: string) => `? ${key}\n: {polluted: 1}`,
    (key: string) => `'${key}': {polluted: 1}`,
    (key: string) => `&x ${key}: {polluted: 1}`,
    (key: string) => `!!str ${key}: {polluted: 1}`,
    (key: string) =>
      `"${[...key].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}": {polluted: 1}`,
    (key: string) =>
      `"${[...key].map((letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')}": {polluted: 1}`,
    (key: string) => `a: &x {${key}: {polluted: 1}}\nb: *x`,
    (key: string) => `[${key}: {polluted: 1}]`,
    (key: string) => `"${key}" : [{"polluted": 1}]`,
    (key: string) => `a: {b: {c: {d: {"${key}": {polluted: 1}}}}}`,
    (key: string) => `a: 1\r\n${key}: {polluted: 1}\r\n`,
    (key: string) => `\uFEFF${key}: {polluted: 1}`,
    (key: string) => `---\n${key}: {polluted: 1}\n...\n`,
    (key: string) => `{"x": 1, "${key}": {"polluted": 1}, "y": 2}`,
  ]
  const payloads = ['__proto__', 'constructor', 'prototype'].flatMap((key) => shapes.map((shape) => shape(key)))

  test(`B03 ${payloads.length} payloads are refused and pollute nothing`, () => {
    expect(payloads.length).toBeGreaterThanOrEqual(60)
    for (const payload of payloads) {
      const { data, problems } = parseYaml(payload)
      expect(data, payload).toBeUndefined()
      expect(problems[0]?.message, payload).toMatch(/cannot be a key/)
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    }
  })
})

describe('B04 strictness', () => {
  test.each([
    ['a merge key', '<<: {a: 1}', '1:1 merge keys'],
    ['a duplicate key', 'a: 1\nb: 2\na: 3', '3:1 the key "a" stands twice in this map; first on line 1'],
    ['a duplicate key in JSON', '{"a": 1, "\\u0061": 2}', '1:10 the key "a" stands twice'],
    ['a function tag', 'a: !!js/function x', '1:4 the tag !!js/function is refused'],
    ['an own tag', 'a: !foo b', '1:4 the tag !foo is refused'],
    ['a set', '!!set {a}', '1:1 the tag !!set is refused'],
    ['binary', 'a: !!binary aGk=', '1:4 the tag !!binary'],
    ['a verbatim tag', 'a: !<tag:yaml.org,2002:str> b', '1:4 the tag'],
    ['two documents', 'a: 1\n---\nb: 2', '2:1 the file holds more than one document'],
    ['a directive for version 1.1', '%YAML 1.1\n---\na: NO', '1:1 directives other than'],
    ['a tag directive', '%TAG ! tag:x,2000:\n---\na: 1', '1:1 directives other than'],
    ['a tab as indentation', 'a:\n\tb: 1', '2:1 Tabs are not allowed'],
    ['NUL', 'a: 1\nb: x\0y', '2:5 the character U+0000'],
    ['an escape character', 'a: \u001b[31m', '1:4 the character U+001B'],
    ['half a surrogate pair', 'a: \ud800', '1:4 the character U+D800'],
    ['an escaped NUL', 'a: "x\\0"', '1:4 the text holds a NUL'],
    ['an escaped surrogate', 'a: "\\ud800"', '1:4 the text holds'],
    ['a key that is a list', '? [a]\n: 1', '1:3 a key must be text'],
    ['a key that is null', 'null: 1', '1:1 a key must be text'],
    ['an open quote', 'a: "x', '1:6 Missing closing'],
    ['an open bracket', 'a: [1, 2', '1:9 Flow sequence'],
  ])('B04 %s is refused with its place', (_, text, message) => {
    expect(messages(text)[0]).toContain(message)
    expect(parseYaml(text).data).toBeUndefined()
  })

  test('B04 BOM and CRLF are fine and do not shift places', () => {
    const { data, place } = parseYaml('\uFEFFa: 1\r\nb: 2\r\n')
    expect(data).toEqual({ a: 1, b: 2 })
    expect(place(['a'])).toEqual({ line: 1, column: 4 })
    expect(place(['b'])).toEqual({ line: 2, column: 4 })
  })

  test('B04 all problems of the data are reported together', () => {
    expect(messages('a: 1\na: 2\n<<: 1\nx: 9007199254740993')).toHaveLength(3)
  })
})

describe('B05 the traps of YAML 1.1', () => {
  test('B05 words, dates, octal and sexagesimal numbers are what 1.2 says', () => {
    const text =
      'a: NO\nb: on\nc: 1e3\nd: 012\ne: 1:30\nf: 2001-01-01\ng: 0o17\nh: 0x1F\ni: yes\nj: ~\non: 1\n12: 2\ntrue: 3'
    expect(parseYaml(text).data).toEqual({
      a: 'NO',
      b: 'on',
      c: 1000,
      d: 12,
      e: '1:30',
      f: '2001-01-01',
      g: 15,
      h: 31,
      i: 'yes',
      j: null,
      on: 1,
      12: 2,
      true: 3,
    })
  })

  test.each(['9007199254740993', '-9007199254740993', '.inf', '-.inf', '.nan', '1e400', '0xFFFFFFFFFFFFFFFFF'])(
    'B05 %s is refused with the advice to quote it',
    (number) => {
      const [problem] = parseYaml(`a: ${number}`).problems
      expect(problem).toMatchObject({
        code: 'yaml_invalid',
        line: 1,
        column: 4,
        hint: expect.stringContaining('quotes'),
      })
    },
  )

  test('B05 the largest exact integers stay, minus zero is zero', () => {
    expect(parseYaml('[9007199254740991, -9007199254740991, -0, -0.0]').data).toEqual([2 ** 53 - 1, 1 - 2 ** 53, 0, 0])
  })
})

test('printing with the yaml package and reading is stable for prompts', () => {
  const data = { prompt: 'Line one\n  - list: [x]\n\ttab # no note\n"quotes" \'both\'\n', n: 1.5 }
  expect(parseYaml(stringify(data)).data).toEqual(data)
})
