import { describe, expect, it } from 'vitest'
import { celSteps, checkCel, evaluateCel, looksAt } from './cel.ts'
import { toCel, toCondition } from './older-expression.ts'

const names = new Set(['a', 'quality-check'])
const scope = {
  input: { n: 2, words: ['x', 'y'] },
  steps: {
    a: { output: { n: 3, x: 2.5, f: 'code', list: [1, 2] }, status: 'succeeded' },
    'quality-check': { output: 'text', status: 'failed' },
  },
}

describe('checking an expression', () => {
  it.each([
    'steps.a.output.n > 1',
    'steps["quality-check"].status == "failed"',
    'steps.all(s, steps[s].status == "succeeded")',
    'input.words.map(w, size(w))',
    'type(input) == string',
  ])('accepts %s', (text) => expect(checkCel(text, names)).toEqual([]))

  it.each([
    ['steps.b1c.output', '"b1c" is not a step that it can see', 'It may name a, quality-check.'],
    ['steps.quality-chek.output', '"quality" is not', 'A name with a dash is written steps["quality-check"].'],
    ['steps["quality-chek"].output', '"quality-chek" is not', 'Did you mean "quality-check"?'],
    ['a.output', 'unknown variable: a', 'Write steps.a.output.'],
    ['code == 1', 'unknown variable: code', 'texts stand in quotes'],
    ['1 +', 'the expression ends too early', ''],
    ['1 + "a"', 'this cannot be computed: int + string', ''],
    ['input.contain("x")', 'there is no function contain', 'Did you mean "contains"?'],
  ])('refuses %s', (text, message, hint) => {
    const [fault, ...more] = checkCel(text, names)
    expect(fault?.message).toContain(message)
    expect(fault?.hint ?? '').toContain(hint)
    expect(more).toEqual([])
  })

  it('knows the variables a step kind adds, and where a fault stands', () => {
    expect(checkCel('round > 2', names, ['round'])).toEqual([])
    expect(checkCel('true && steps.zzzzz.output', names)[0]?.at).toBe(8)
  })

  it('refuses what is too long or too deep', () => {
    expect(checkCel('1+'.repeat(6000) + '1', names)[0]?.message).toContain('longer than')
    expect(checkCel(`${'('.repeat(400)}1${')'.repeat(400)}`, names)).toHaveLength(1)
  })

  it('names the steps', () => expect(celSteps('steps.b.output + steps["c d"].output + steps.?b')).toEqual(['b', 'c d']))
})

describe('evaluating', () => {
  it.each([
    ['steps.a.output', scope.steps.a.output],
    ['steps.a.output.x + 1 == 3.5', true],
    ['steps.a.output.n * 2', 6],
    ['size(steps.a.output.list)', 2],
    ['steps.a.output.list.map(x, {"item": x})', [{ item: 1 }, { item: 2 }]],
    ['steps.a.output.f == 3', false],
    ['has(steps.a.output.zz)', false],
    ['steps.a.output.?zz', null],
    ['duration("1h")', '3600s'],
    ['input.words.join("-")', 'x-y'],
    ['"aab".matches("^a+b$")', true],
  ])('%s', (text, value) => expect(evaluateCel(text, scope)).toEqual({ ok: true, value }))

  it.each([
    ['steps.a.output.zz', 'no such key: zz'],
    ['1/0', 'division by zero'],
    ['1.0/0.0', 'not a finite number'],
    ['b"x"', 'not plain data'],
    ['steps.a.constructor', 'no such key'],
    ['"a".matches("(")', 'regular expression'],
  ])('%s fails as data', (text, message) =>
    expect(evaluateCel(text, scope)).toMatchObject({
      ok: false,
      code: 'condition_failed',
      message: expect.stringContaining(message),
    }),
  )
})

describe('what an expression knows of the run', () => {
  const amounts = { cost: 1, tokens: 40, calls: 3, seconds: 2.5 }
  const run = {
    budget: { left: amounts, spent: { ...amounts, cost: 0 }, limit: { ...amounts, cost: 2, calls: Infinity } },
  }

  it.each([
    ['run.budget.left.cost / run.budget.limit.cost', 0.5],
    ['run.budget.left.calls == 3', true],
    ['run.budget.left.tokens > 39 && run.budget.left.seconds < 3', true],
    ['run.budget.limit.calls > 1000000', true],
    ['run.budget.spent.cost + 1', 1],
  ])('%s', (text, value) => expect(evaluateCel(text, scope, { run })).toEqual({ ok: true, value }))

  it.each([
    ['run.budget.left.cost > 0.5', []],
    ['run.budget.rest.cost > 0.5', ['there is no rest here']],
    ['run.budget.left.dollars', ['there is no dollars here']],
    ['run.budget.left.cost.cents', ['a number has no cents']],
    ['run.id == "x"', ['there is no id here']],
  ])('%s is checked before anything runs', (text, messages) =>
    expect(checkCel(text, new Set(), ['run']).map(({ message }) => message)).toEqual(messages),
  )

  it('is found where an expression looks at it', () => {
    expect(looksAt('size(input) > 2 || run.budget.left.calls > 2', 'run')).toBe(true)
    expect(looksAt('steps.run.output == "run.budget"', 'run')).toBe(false)
    expect(looksAt('no (expression', 'run')).toBe(false)
  })
})

describe('the older references', () => {
  it.each([
    ['${a.f} == code', true],
    ["${a.f} != 'code'", false],
    ['${a.n} == 3', true],
    ['${a.list[1]} == 2', true],
    ['${a.missing}', false],
    ['${a.list}', true],
    ['${quality-check.success}', false],
    ['${a.x} == ${a.n}', false],
    ['steps.a.output.n == 3', true],
  ])('%s', (text, value) => expect(evaluateCel(toCondition(text), scope)).toEqual({ ok: true, value }))

  it('gives a value where no condition is meant', () => {
    expect(evaluateCel(toCel('${a.list}'), scope)).toEqual({ ok: true, value: [1, 2] })
    expect(toCel('${a}')).toBe('steps.a.output')
  })
})

it('a fault speaks of the function that was written', () => {
  const result = evaluateCel('steps.a.output.matches("x")', { input: '', steps: { a: { output: { x: 1 } } } })
  expect(result).toMatchObject({ ok: false, message: expect.stringContaining("'map.matches(string)'") })
})
