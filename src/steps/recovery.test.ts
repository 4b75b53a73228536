import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { FakeContext } from '../../test/fixtures/step-context.ts'
import { StepFailure } from '../engine/step.ts'
import { ERROR_CODES } from '../events/errors.ts'
import type { JsonObject } from '../events/values.ts'
import type { Candidate } from '../graph/candidates.ts'
import { readRefusal, readStreamError } from '../providers/failures.ts'
import { agentStep } from './agent.ts'
import { keepPromising, mayFallBack, RECOVERY, SHRINK } from './recovery.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (...file: string[]) => readFileSync(join(root, ...file), 'utf8')

/** Codes that stand in these files as that of a failure. */
function findCodes(files: readonly string[], pattern: RegExp): string[] {
  return files.flatMap((file) => [...read('src', file).matchAll(pattern)].map(([, code = '']) => code))
}

describe('the table of recovery', () => {
  test('has every failure that a model call, its effect or its step can end with', () => {
    const [, union = ''] = /readonly code:\n((?:\s+\| '\w+'\n)+)/.exec(read('src', 'providers', 'provider.ts')) ?? []
    const codes = [
      ...[...union.matchAll(/'(\w+)'/g)].map(([, code = '']) => code),
      ...findCodes(
        ['model', 'breaker', 'governed', 'scoped'].map((name) => `effects/${name}.ts`),
        /(?:code: |fail\()'(\w+)'/g,
      ),
      ...findCodes(['steps/agent.ts', 'steps/tool-loop.ts', 'steps/route.ts'], /new StepFailure\(\s*'(\w+)'/g),
      'budget_exhausted',
      'calls_exhausted',
      'price_unknown',
      'effect_unknown',
      'step_diverged',
      'approval_denied',
    ]
    expect(codes.length).toBeGreaterThan(25)
    expect(codes.filter((code) => !Object.hasOwn(RECOVERY, code))).toEqual([])
  })

  test('names nothing that is no error code', () => {
    // A run that is cancelled gives its steps this word; it is shown to nobody as an error.
    const known = new Set<string>([...Object.keys(ERROR_CODES), 'cancelled'])
    expect(Object.keys(RECOVERY).filter((code) => !known.has(code))).toEqual([])
  })

  test('says of the engine what providers say of their failures', () => {
    const speaker = { name: 'v', secrets: [] }
    const refusals = [400, 401, 402, 404, 408, 409, 413, 429, 500, 502, 503, 504, 529].map((status) =>
      readRefusal({ status, body: 'model' }, speaker),
    )
    for (const { code, retry } of [...refusals, readStreamError({ type: 'overloaded_error' }, speaker)])
      expect([code, RECOVERY[code]?.some((action) => action === 'retry' || action === 'wait')]).toEqual([code, retry])
  })

  test('ends with fallback or stop, and nothing comes after those', () => {
    for (const [code, actions] of Object.entries(RECOVERY)) {
      expect([code, ['fallback', 'stop'].includes(actions.at(-1) ?? '')]).toEqual([code, true])
      expect([code, actions.slice(0, -1).some((action) => action === 'fallback' || action === 'stop')]).toEqual([
        code,
        false,
      ])
    }
    expect(mayFallBack('something_new')).toBe(true)
    expect(mayFallBack('toString')).toBe(true)
  })

  test('is the one of the guide', () => {
    const guide = read('docs', 'guides', 'recovery.md')
    const rows = Object.entries(RECOVERY).map(([code, actions]) => `| \`${code}\` | ${actions.join(', ')} |`)
    expect(rows.filter((row) => !guide.includes(`${row}\n`))).toEqual([])
    expect([...guide.matchAll(/^\| `\w+` \|/gm)]).toHaveLength(rows.length)
    expect(guide).toContain(`${SHRINK.by * 100} %`)
  })
})

const model = (name: string, more: Partial<Candidate> = {}): Candidate => ({ provider: 'p', model: name, ...more })
const reads = (context_window: number) => ({ card: { context_window } as NonNullable<Candidate['card']> })
const costs = (price: number) => ({
  card: { prices: { input: price, output: price } } as NonNullable<Candidate['card']>,
})
const names = (candidates: readonly Candidate[]) => candidates.map(({ model: name }) => name)

describe('who is asked next', () => {
  test('after too long a request, models that can read more or of which nobody knows', () => {
    const left = [model('same', reads(100)), model('unknown'), model('more', reads(200)), model('less', reads(50))]
    expect(names(keepPromising(left, model('x', reads(100)), 'context_overflow'))).toEqual(['unknown', 'more'])
    expect(names(keepPromising(left, model('x'), 'context_overflow'))).toEqual(names(left))
  })

  test('for want of money, cheaper ones, the cheapest first; one that is for that alone never otherwise', () => {
    const cheap = model('cheap', { ...costs(1), only_for: 'budget' })
    const left = [model('dear', costs(9)), model('middle', costs(4)), cheap]
    expect(names(keepPromising(left, model('x', costs(5)), 'budget_exhausted'))).toEqual(['cheap', 'middle'])
    expect(names(keepPromising(left, model('x'), 'price_unknown'))).toEqual(['dear', 'middle', 'cheap'])
    expect(names(keepPromising(left, model('x', costs(5)), 'provider_error'))).toEqual(['dear', 'middle'])
  })
})

describe('the agent step goes by it', () => {
  const ask = async (candidates: readonly Candidate[], codes: readonly string[], read = '') => {
    const ctx = new FakeContext((_, index) => {
      const code = codes[index]
      if (code !== undefined) return new StepFailure(code, 'no')
      return { content: [{ type: 'text', text: 'yes' }], finish: 'stop', usage: {} }
    })
    const spec = { agent: 'a', title: 'A', system: '', candidates, blocks: [] } as unknown as JsonObject
    const dependencies = read === '' ? [] : [{ step: 'd', status: 'succeeded' as const, output: read }]
    const inputs = { input: 'x', dependencies }
    const end = agentStep.run({ id: 'a', kind: 'agent', attempt: 1, spec }, inputs, ctx)
    const said = await end.then(
      ({ output }) => output,
      (failure: StepFailure) => failure.code,
    )
    const asked = ctx.asked.map(({ request }) => (request as { model: string }).model)
    const notes = ctx.recorded.flatMap(({ facts }) => (facts['about'] === 'recovery' ? [facts['action']] : []))
    return { said, asked, notes }
  }
  const chain = [model('a', reads(100)), model('b', reads(50)), model('c', { only_for: 'budget' })]

  test.each(Object.entries(RECOVERY).filter(([code]) => code !== 'context_overflow'))('%s', async (code, actions) => {
    const { said, asked } = await ask(chain, [code])
    if (actions.at(-1) === 'stop') expect([said, asked]).toEqual([code, ['a']])
    else expect([said, asked.length, asked[0]]).toEqual(['yes', 2, 'a'])
  })

  test('F19 when all fail each model has been asked exactly once, in order, and the last failure is told', async () => {
    const codes = ['provider_auth', 'rate_limited', 'model_not_found']
    expect(await ask([model('a'), model('b'), model('c')], codes)).toEqual({
      said: 'model_not_found',
      asked: ['a', 'b', 'c'],
      notes: [],
    })
  })

  test('a request that is too long goes to no model that reads no more', async () => {
    const { said, asked } = await ask(chain, Array<string>(5).fill('context_overflow'))
    expect(said).toBe('context_overflow')
    expect(new Set(asked)).toEqual(new Set(['a']))
  })

  test('what a server finds too long is asked again with less to read, twice, then of a model that reads more', async () => {
    const wide = [model('a', reads(100_000)), model('b', reads(200_000))]
    const long = 'Nobody knows how long this goes on. '.repeat(300)
    const too = 'context_overflow'
    expect(await ask(wide, [too], long)).toEqual({ said: 'yes', asked: ['a', 'a'], notes: ['shrink'] })
    expect(await ask(wide, [too, too, too], long)).toEqual({
      said: 'yes',
      asked: ['a', 'a', 'a', 'b'],
      notes: ['shrink', 'shrink'],
    })
  })
})
