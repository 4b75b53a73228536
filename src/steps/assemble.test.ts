import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json, JsonObject } from '../events/values.ts'
import type { AssembleSpec } from '../graph/assemble.ts'
import type { GraphStep } from '../graph/step-graph.ts'
import { agent, candidate, type Model, recordsOf, runGraph } from './judgement.fixture.ts'

function assemble(after: readonly string[], spec: Omit<AssembleSpec, 'blocks'>): GraphStep {
  const blocks = after.map((step) => ({ step, label: step }))
  return {
    id: 'end',
    kind: 'assemble',
    spec: { blocks, ...spec },
    after: after.map((step) => ({ step, on: 'always' })),
  }
}

/** Agents that each say a text, and a step that makes one of them. */
function gather(
  answers: { readonly [name: string]: string | undefined },
  spec: Omit<AssembleSpec, 'blocks'>,
  model?: Model,
) {
  const names = Object.keys(answers)
  const graph = [...names.map((name) => agent(name)), assemble(names, spec)]
  const speak: Model = (asked) =>
    asked.model in answers ? (answers[asked.model] ?? { code: 'provider_auth' }) : (model?.(asked) ?? 'ok')
  return runGraph(graph, { model: speak })
}

describe('putting together', () => {
  test('concatenate: in the order of depends_on', async () => {
    expect((await gather({ b: 'two', a: 'one' }, { method: 'concatenate' })).output).toBe('two\n\none')
    expect((await gather({ b: 'two', a: 'one' }, { method: 'concatenate', separator: ' | ' })).output).toBe('two | one')
  })

  test('merge: numbered parts; what is missing is named', async () => {
    const { output, report } = await gather({ a: 'one', b: undefined, c: 'three' }, { method: 'merge' })
    expect(output).toContain('## 1. a\n\none\n\n## 2. c\n\nthree\n\n## Missing\n\n- b: it failed (provider_auth: ')
    expect(report.status).toBe('partial')
  })

  test('a single dependency that is a list counts as its items', async () => {
    const items = JSON.stringify({
      data: ['x', null, { success: true, output: 'z' }],
      status: 'partial',
      items: [{ index: 0 }, { index: 1, error: { code: 'timeout', message: 'slow' } }, { index: 2 }],
    })
    expect((await gather({ a: items }, { method: 'merge' })).output).toBe(
      '## 1. a[0]\n\nx\n\n## 2. a[2]\n\nz\n\n## Missing\n\n- a[1]: it failed (timeout: slow)',
    )
  })

  test('synthesize: a model reads all answers, the failed ones too', async () => {
    const model: Model = ({ prompt }) =>
      prompt.includes('No answer of b') && prompt.includes('```\none\n```') ? 'both' : ''
    const spec = { method: 'synthesize', candidates: [candidate('pen')] } as const
    const { output, report } = await gather({ a: 'one', b: undefined }, spec, model)
    expect(output).toBe('both')
    expect(report.agents.at(-1)).toMatchObject({ name: 'end/synthesis', parent: 'end' })
  })

  test('nothing to assemble', async () => {
    const { report } = await gather({ a: undefined }, { method: 'concatenate' })
    expect(report.errors.at(-1)).toMatchObject({ agent: 'end', code: 'nothing_to_assemble' })
  })
})

describe('choosing', () => {
  test('best: the longest', async () => {
    expect((await gather({ a: 'xx', b: 'xxxx', c: 'x' }, { method: 'best' })).output).toBe('xxxx')
  })

  test('best: a judge chooses among letters', async () => {
    const model: Model = ({ prompt }) => JSON.stringify({ reasons: 'short', choice: letterOf(prompt, 'x') })
    const { output, events } = await gather(
      { a: 'xx', b: 'xxxx', c: 'x' },
      { method: 'best', voters: [[candidate('judge')]] },
      model,
    )
    expect(output).toBe('x')
    expect(recordsOf(events, 'ballot-cast')).toEqual([
      {
        step: 'end',
        method: 'majority',
        voter: 'end/voter-1',
        model: 'p/judge',
        status: 'cast',
        content: { ranking: ['c'], reasons: 'short' },
      },
    ])
  })

  test('vote: equal answers are counted, whatever their case and marks', async () => {
    const { output, events } = await gather(
      { a: 'Paris', b: 'Rome', c: '**paris.**', d: undefined },
      { method: 'vote' },
    )
    expect(['Paris', '**paris.**']).toContain(output)
    expect(recordsOf(events, 'ballot-cast').map(({ voter }) => voter)).toEqual(['a', 'b', 'c'])
    expect(recordsOf(events, 'note-written').at(-1)).toMatchObject({
      about: 'tally',
      method: 'majority',
      content: { scores: { paris: 2, rome: 1 }, tied: [] },
    })
  })

  test('vote over a field; who has none abstains', async () => {
    const answers = { a: '{"verdict": "yes", "why": 1}', b: '{"verdict": "no"}', c: '{"verdict": "YES"}', d: 'yes' }
    const { output, events } = await gather(answers, { method: 'vote', over: ['verdict'] })
    expect([answers.a, answers.c]).toContain(output)
    expect(recordsOf(events, 'ballot-cast').at(-1)).toMatchObject({
      voter: 'd',
      status: 'abstained',
      content: { why: 'it has no verdict' },
    })
  })

  test('vote by models: anonymous, each in an order of its own; a failed voter abstains', async () => {
    const voters = ['v1', 'v2', 'v3'].map((model) => [candidate(model)])
    const model: Model = ({ model, prompt }) =>
      model === 'v2'
        ? { code: 'rate_limited' }
        : JSON.stringify({ choice: letterOf(prompt, model === 'v1' ? 'one' : 'three') })
    const { output, report, events, calls } = await gather(
      { a: 'one', b: 'two', c: 'three' },
      { method: 'vote', voters, instruct: 'Be kind.' },
      model,
    )
    expect(['one', 'three']).toContain(output)
    expect(report.status).toBe('succeeded')
    const ballots = recordsOf(events, 'ballot-cast')
    expect(ballots.map(({ status }) => status)).toEqual(['cast', 'abstained', 'cast'])
    expect(ballots[1]).toMatchObject({ model: 'p/v2', content: { why: expect.stringContaining('rate_limited') } })
    const papers = calls.filter((call) => call.model.startsWith('v')).map(({ prompt }) => prompt)
    expect(papers[0]).toContain('Be kind.\n\nChoose the best of the 3 answers.')
    expect(papers.join()).not.toMatch(/Answer of|## [abc]\b/)
  })

  test('nobody votes', async () => {
    const { report } = await gather(
      { a: 'one', b: 'two' },
      { method: 'vote', voters: [[candidate('v')]] },
      () => 'A, I think',
    )
    expect(report.errors.find(({ agent: name }) => name === 'end')).toMatchObject({ code: 'no_ballots' })
  })

  test.each(['borda', 'instant-runoff', 'condorcet'] as const)('rank by %s', async (count) => {
    // most first places are shared by two; the second choices decide
    const orders = {
      v1: 'one two three',
      v2: 'one two three',
      v3: 'two three one',
      v4: 'two three one',
      v5: 'three two one',
    }
    const voters = Object.keys(orders).map((model) => [candidate(model)])
    const model: Model = ({ model, prompt }) =>
      JSON.stringify({
        ranking: (orders[model as keyof typeof orders] ?? '').split(' ').map((text) => letterOf(prompt, text)),
      })
    const { output, events } = await gather(
      { a: 'one', b: 'two', c: 'three' },
      { method: 'rank', count, voters },
      model,
    )
    const tally = recordsOf(events, 'note-written').at(-1)?.['content'] as JsonObject
    if (count === 'instant-runoff') expect((tally['rounds'] as Json[]).length).toBeGreaterThan(1)
    expect(output).toBe('two')
  })

  test('rank over a field of the answers', async () => {
    const answers = {
      a: '{"order": ["x", "y", "z"]}',
      b: '{"order": ["Y", "x"]}',
      c: '{"order": ["y"]}',
      d: '{"order": []}',
    }
    const { output, events } = await gather(answers, { method: 'rank', count: 'condorcet', over: ['order'] })
    expect(output).toEqual({ winner: 'Y', ranking: ['Y', 'x', 'z'] })
    expect(recordsOf(events, 'ballot-cast').at(-1)).toMatchObject({ voter: 'd', status: 'abstained' })
  })
})

test('a second attempt asks anew', async () => {
  let asked = 0
  const step = assemble(['a', 'b'], { method: 'vote', voters: [[candidate('v')]] })
  const graph = [agent('a'), agent('b'), { ...step, retry: { attempts: 2 } }]
  const model: Model = ({ model: name, prompt }) =>
    name !== 'v' ? name : ++asked === 1 ? { code: 'provider_auth' } : JSON.stringify({ choice: letterOf(prompt, 'b') })
  const { report } = await runGraph(graph, { model, cuts: 0 })
  expect(report.agents.find(({ name }) => name === 'end')).toMatchObject({
    status: 'succeeded',
    attempts: 2,
    output: 'b',
  })
  expect(report.agents.map(({ name }) => name)).toEqual(['a', 'b', 'end', 'end/voter-1', 'end/voter-1~1'])
})

test('the order of voters and of candidates changes nothing, ties included', async () => {
  const answers = { a: 'one', b: 'two', c: 'three', d: 'four' }
  const likes: { readonly [voter: string]: string } = { v1: 'one', v2: 'two', v3: 'three', v4: 'four' }
  const model: Model = ({ model, prompt }) =>
    model in answers
      ? (answers[model as keyof typeof answers] ?? '')
      : JSON.stringify({ choice: letterOf(prompt, likes[model] ?? '') })
  const elect = async (names: readonly string[], voters: readonly string[]) => {
    const spec = { method: 'vote', voters: voters.map((voter) => [candidate(voter)]) } as const
    const graph = [...names.map((name) => agent(name)), assemble(names, spec)]
    return (await runGraph(graph, { model, seed: 'fixed', cuts: 0 })).output
  }
  const usual = await elect(Object.keys(answers), Object.keys(likes))
  const names = fc.shuffledSubarray(Object.keys(answers), { minLength: 4 })
  const voters = fc.shuffledSubarray(Object.keys(likes), { minLength: 4 })
  await fc.assert(
    fc.asyncProperty(names, voters, async (ns, vs) => {
      expect(await elect(ns, vs)).toBe(usual)
    }),
    { numRuns: 15 },
  )
})

/** The letter under which a voter sees an answer. */
function letterOf(prompt: string, answer: string): string {
  return new RegExp(`## Answer ([A-Z]+)\\n\\n\`\`\`\\n${answer}\\n\`\`\``).exec(prompt)?.[1] ?? '?'
}
