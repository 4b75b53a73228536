import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkAssertion, evaluateAssertion } from './assertion.ts'

const names = {
  results: { a: { success: true, n: [1, 2, 3], text: ' Hello World ' }, b: { success: false, error: 'no' } },
  execution_order: ['a', 'b'],
  execution_time: 1.5,
  agent_outputs: {},
  ensemble_name: 'demo',
}

function valueOf(text: string) {
  const answer = evaluateAssertion(text, names)
  return answer.ok ? answer.value : `! ${answer.message}`
}

describe('values', () => {
  test.each([
    // constants, literals
    ['None', null],
    ['True', true],
    ['1_000', 1000],
    ['1e3', 1000],
    ['.5', 0.5],
    [`'it' "s"`, 'its'],
    [String.raw`'\x41\u00e9\n\q'`, 'Aé\n\\q'],
    ['[1, [2], ]', [1, [2]]],
    ['(1, 2)', [1, 2]],
    ['(1)', 1],
    ['()', []],
    ["{'a': 1, 'b': [2]}", { a: 1, b: [2] }],
    ['{}', {}],
    ['{1, 2, 1}', [1, 2]],
    ['1, 2', [1, 2]],
    // arithmetic
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['-2 ** 2', -4],
    ['2 ** 3 ** 2', 512],
    ['7 / 2', 3.5],
    ['7 // 2', 3],
    ['-7 // 2', -4],
    ['-7 % 3', 2],
    ['7 % -3', -2],
    ['10 - 2 - 3', 5],
    ["'a' + 'b'", 'ab'],
    ['[1] + [2]', [1, 2]],
    ['--1', 1],
    ['True + 1', 2],
    // comparison
    ['1 < 2 < 3', true],
    ['1 < 3 < 2', false],
    ['1 == 1.0', true],
    ['True == 1', true],
    ["1 == '1'", false],
    ['1 != 2', true],
    ["'a' < 'b'", true],
    ['[1, 2] < [1, 3]', true],
    ['[1] == [1]', true],
    ["{'a': [1]} == {'a': [1]}", true],
    ['None is None', true],
    ['1 is not None', true],
    ['True is True', true],
    ['1 is True', false],
    ["'a' in 'cat'", true],
    ['2 in [1, 2]', true],
    ["'a' in results", true],
    ["'x' not in results", true],
    ['1 in {1, 2}', true],
    ['{1, 2} == {2, 1}', true],
    ['[1] == (1,)', true],
    ['1 < 2 == True', false],
    ["'\u{1f600}' > '\uffff'", true],
    // logic
    ['not True', false],
    ['not 1 == 2', true],
    ['1 and 2', 2],
    ['0 and x', 0],
    ['0 or 5', 5],
    ['1 or x', 1],
    ['True or False and False', true],
    ['not []', true],
    ['bool({})', false],
    // access
    ["results['a']['n'][0]", 1],
    ["results['a']['n'][-1]", 3],
    ["results['a']['n'][1:]", [2, 3]],
    ["results['a']['n'][:-1]", [1, 2]],
    ["'abc'[1]", 'b'],
    ["'abc'[1:2]", 'b'],
    // functions
    ['len(results)', 2],
    ["len('añ😀')", 3],
    ['str(None)', 'None'],
    ["str([1, 'a', True])", "[1, 'a', True]"],
    ["str({'k': 1.5})", "{'k': 1.5}"],
    ["int('12')", 12],
    ['int(3.9)', 3],
    ['int(-3.9)', -3],
    ["float('1.5')", 1.5],
    ['float(2)', 2],
    ['all([1, 1])', true],
    ['any([])', false],
    ['all([])', true],
    ['sum([1, 2, 3])', 6],
    ['sum([1], 10)', 11],
    ['min(3, 1, 2)', 1],
    ["max(['b', 'c', 'a'])", 'c'],
    ['sorted([3, 1, 2])', [1, 2, 3]],
    ['reversed([1, 2])', [2, 1]],
    ['list(range(3))', [0, 1, 2]],
    ['range(5, 0, -2)', [5, 3, 1]],
    ["list(enumerate(['a']))", [[0, 'a']]],
    ["enumerate(['a'], 1)", [[1, 'a']]],
    [
      'zip([1, 2], [3, 4, 5])',
      [
        [1, 3],
        [2, 4],
      ],
    ],
    ["list('ab')", ['a', 'b']],
    ['list(results)', ['a', 'b']],
    ['set([1, 1])', [1]],
    ["dict([['a', 1]])", { a: 1 }],
    ['tuple([1])', [1]],
    ['str()', ''],
    // methods
    ["execution_order.index('b')", 1],
    ["'abc'.index('c')", 2],
    ["results.get('zz')", null],
    ["results.get('zz', 7)", 7],
    ["results['b'].keys()", ['success', 'error']],
    ["results['b'].values()", [false, 'no']],
    [
      "results['b'].items()",
      [
        ['success', false],
        ['error', 'no'],
      ],
    ],
    ["results['a']['text'].strip().lower()", 'hello world'],
    ["'ab'.upper()", 'AB'],
    ["'xxaxx'.strip('x')", 'a'],
    ["'abc'.startswith('ab')", true],
    ["'abc'.endswith('bc')", true],
    ["'banana'.count('an')", 2],
    ['[1, 1, 2].count(1)', 2],
    ["' a  b '.split()", ['a', 'b']],
    ["'a,b'.split(',')", ['a', 'b']],
    ["''.split()", []],
    // comprehensions
    ["[x * 2 for x in results['a']['n'] if x > 1]", [4, 6]],
    ["all(results[a]['success'] for a in execution_order)", false],
    ["any(results[a]['success'] for a in execution_order)", true],
    ["[k for k, v in results.items() if not v['success']]", ['b']],
    ['sum(x for x in range(4) if x % 2 if x > 1)', 3],
    ['[[y for y in range(x)] for x in range(3)]', [[], [0], [0, 1]]],
    ['len([x for x in results])', 2],
    // a member behind the deciding one is not computed
    ["any(x == 1 or results['zz'] for x in [1, 2])", true],
  ])('%s', (text, value) => {
    expect(valueOf(text)).toEqual(value)
  })

  test('truth is that of Python', () => {
    for (const text of ['0', '0.0', "''", '[]', '{}', 'None', 'False', 'set()'])
      expect(evaluateAssertion(text, names)).toMatchObject({ passed: false })
    for (const text of ['1', "'0'", '[0]', '{0}', "{'a': 0}"])
      expect(evaluateAssertion(text, names)).toMatchObject({ passed: true })
  })
})

describe('faults have a column and are no exceptions', () => {
  test.each([
    ['', 'column 1: the expression ends too early'],
    ['len(results', 'column 12: expected "," but found the end'],
    ['1 +', 'column 4: the expression ends too early'],
    ['a = 1', 'column 3: use == to compare'],
    ['x y', 'column 3: "y" does not belong here'],
    ["'open", 'column 1: the string is not closed'],
    ["f'{x}'", 'column 1: strings with the prefix f'],
    ['lambda: 1', 'column 1: functions cannot be made'],
    ['1 if True else 2', 'column 3: "if" does not belong here'],
    ['results; 1', 'column 8: ";" is not part of the language'],
    ['results.a', 'column 9: fields are read as'],
    ['(1)(2)', 'column 4: only the listed functions'],
    ["len(results, key='x')", 'column 17: expected ","'],
    ['[x for x in [1] for y in [2]]', 'column 17: only one for'],
    ["{x: 1 for x in 'a'}", 'column 7: expected "}"'],
  ])('syntax: %s', (text, message) => {
    expect(checkAssertion(text)?.message).toContain(message)
    expect(valueOf(text)).toContain(message)
  })

  test.each([
    ["__import__('os')", 'there is no function __import__'],
    ['eval(1)', 'there is no function eval'],
    ['constructor(1)', 'there is no function constructor'],
    ['results.constructor()', 'there is no method constructor'],
    ['results.toString()', 'there is no method toString'],
    ['process', 'the name process is not known'],
    ['globalThis', 'the name globalThis is not known'],
    ['__proto__', 'the name __proto__ is not known'],
    ['len', 'is a function'],
    ['len()', 'len takes 1 arguments, not 0'],
    ['[y for x in [1]]', 'the name y is not known'],
    ['[x for x in x]', 'the name x is not known'],
  ])('names: %s is refused at load', (text, message) => {
    expect(checkAssertion(text)?.message).toContain(message)
    expect(evaluateAssertion(text, names).ok).toBe(false)
  })

  test.each([
    ["results['zz']", "column 8: there is no 'zz'; it has a, b"],
    ["results['constructor']", "there is no 'constructor'"],
    ["results['__proto__']", "there is no '__proto__'"],
    ["results['a']['n'][3]", 'column 18: there is no member 3; the length is 3'],
    ["results['a']['n']['length']", 'an index must be a whole number'],
    ["execution_order.index('zz')", "column 17: 'zz' is not in the list"],
    ["1 < 'a'", 'column 3: int and str have no order'],
    ["1 + 'a'", 'int + str is not defined'],
    ['len(5)', 'int has no length'],
    ["int('x')", "'x' is not a number"],
    ['1 / 0', 'column 3: division by zero'],
    ['10.0 ** 400', 'the number is too large'],
    ['min([])', 'nothing to choose from'],
    ['None[0]', 'None has no members'],
    ["5 in 'a5'", 'int cannot be searched in str'],
    ['{[1], {2}}', 'set cannot be a member of a set'],
    ['{1: 2}', 'the keys of a dict must be texts'],
    ['[1 for a, b in [1]]', 'are not lists of 2'],
  ])('values: %s', (text, message) => {
    expect(checkAssertion(text)).toBeUndefined()
    expect(valueOf(text)).toContain(message)
  })
})

describe('B07 limits', () => {
  test.each([
    ['a long text', '1+'.repeat(500_000)],
    ['deep brackets', `${'('.repeat(2000)}1${')'.repeat(2000)}`],
    ['deep signs', `${'not '.repeat(1000)}1`],
    ['a huge range', 'range(10 ** 9)'],
    ['nested loops', 'sum([len([y for y in range(1000)]) for x in range(1000)])'],
    ['growing text', "[x + x for x in ['aaaaaaaaaa' * 1]]"],
    ['deep data', 'results == results'],
  ])('B07 %s ends quickly with an answer', (label, text) => {
    let deep: object = {}
    for (let level = 0; level < 50_000; level++) deep = { deep }
    const start = performance.now()
    const given = label === 'deep data' ? { results: deep as {} } : names
    expect(evaluateAssertion(label === 'deep data' ? "results == results['deep']" : text, given as {}).ok).toBe(false)
    expect(performance.now() - start).toBeLessThan(10_000)
  })

  test('B07 long flat expressions are fine', () => {
    expect(valueOf(`${'1+'.repeat(2000)}1`)).toBe(2001)
    expect(valueOf(`1${'<2'.repeat(1)}`)).toBe(true)
  })

  test('B07 property: any text is answered, and nothing is polluted', () => {
    const piece = fc.constantFrom(
      'results',
      '[',
      ']',
      '(',
      ')',
      "'a'",
      '.',
      'get',
      ' in ',
      ' for x in ',
      'x',
      '==',
      '+',
      '**',
      ',',
      ':',
      '{',
      '}',
      '1',
      ' not ',
      ' if ',
      'len',
      '__proto__',
      'constructor',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
        const answer = evaluateAssertion(pieces.join(''), names)
        if (!answer.ok) expect(answer.column).toBeGreaterThan(0)
        expect(({} as { a?: unknown }).a).toBeUndefined()
      }),
      { numRuns: 2000 },
    )
  })
})
