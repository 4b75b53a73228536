import { describe, expect, test } from 'vitest'
import { inline, makeRandomRun, planned, SampleJournal, seedRandom } from './sample-events.ts'
import { createSpansView, type Span, type SpansWish } from './spans.ts'
import { foldEvents } from './view.ts'

const spansOf = (journal: SampleJournal, wish?: SpansWish) => foldEvents(createSpansView(wish), journal.events).ended
const nameAll = (spans: readonly Span[]) => spans.map(({ name, parent }) => `${name} < ${parent ?? ''}`)

const ASKED = { provider: 'acme', model: 'm-1', messages: [{ role: 'user', content: [{ type: 'text', text: 'why' }] }] }
const ANSWERED = { content: [{ type: 'text', text: 'because' }], finish: 'stop', usage: {}, model: 'm-1-b' }

/** One agent: its model calls a tool that fails, is asked again after a failure, and answers. */
function makeAgentRun(): SampleJournal {
  const journal = new SampleJournal().start([planned('ada')], { name: 'pair' }).begin('ada')
  journal.route('ada', { provider: 'acme', model: 'm-1' })
  const intend = (key: string, kind: string, request: object, redo?: number) =>
    journal.add('effect-intended', {
      step: 'ada',
      attempt: 1,
      key,
      kind,
      safety: 'billable',
      request: inline(request as never),
      ...(redo === undefined ? {} : { redo }),
    })
  const failed = { message: 'no', touched: 'maybe', retry: true } as const
  intend('ada@1/model', 'model', ASKED).add('effect-failed', { key: 'ada@1/model', code: 'rate_limited', ...failed })
  intend('ada@1/model', 'model', ASKED, 1).add('effect-done', {
    key: 'ada@1/model',
    answer: inline(ANSWERED),
    usage: { input: 7, output: 3, cache_read: 2 },
    cost: 40,
  })
  intend('ada/tool:c1', 'tool', { tool: 'look', call: 'c1', source: 'builtin', arguments: { at: 'sky' } })
  journal.add('effect-failed', { key: 'ada/tool:c1', code: 'tool_failed', ...failed })
  return journal.finish('ada').end('succeeded')
}

describe('spans', () => {
  test('a run is a workflow, its steps are agents, and beneath them models and tools are asked', () => {
    const spans = spansOf(makeAgentRun())
    expect(nameAll(spans)).toEqual([
      'chat m-1 < step ada',
      'chat m-1 < step ada',
      'execute_tool look < step ada',
      'invoke_agent ada < run',
      'invoke_workflow pair < ',
    ])
    expect(spans.map(({ error }) => error?.code)).toEqual([
      'rate_limited',
      undefined,
      'tool_failed',
      undefined,
      undefined,
    ])
    expect(spans[1]?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'acme',
      'gen_ai.request.model': 'm-1',
      'gen_ai.response.model': 'm-1-b',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 7,
      'gen_ai.usage.output_tokens': 3,
      'gen_ai.usage.cache_read.input_tokens': 2,
      'llm_orc.cost.nano_usd': 40,
      'llm_orc.effect.redo': 1,
    })
    expect(spans.at(-1)?.attributes).toMatchObject({ 'llm_orc.run.status': 'succeeded', 'llm_orc.cost.nano_usd': 40 })
  })

  test('contents are only told on demand', () => {
    expect(JSON.stringify(spansOf(makeAgentRun()))).not.toMatch(/why|because|sky/)
    const [, call, tool] = spansOf(makeAgentRun(), { content: true })
    expect(JSON.parse(String(call?.attributes['gen_ai.input.messages']))).toEqual([
      { role: 'user', parts: [{ type: 'text', content: 'why' }] },
    ])
    expect(JSON.parse(String(call?.attributes['gen_ai.output.messages']))).toEqual([
      { role: 'assistant', parts: [{ type: 'text', content: 'because' }], finish_reason: 'stop' },
    ])
    expect(tool?.attributes['gen_ai.tool.call.arguments']).toBe('{"at":"sky"}')
  })

  test('proposed steps stand below their proposer; failures and what was cut off carry their code', () => {
    const journal = new SampleJournal().start([planned('all', [], 'each')]).begin('all')
    journal.add('steps-added', { step: 'all', attempt: 1, proposal: 'items', steps: [planned('all[0]')] })
    journal.begin('all[0]').intend('all[0]', 'all[0]@1/model').fail('all[0]')
    const spans = spansOf(journal.end('failed'))
    expect(nameAll(spans)).toEqual([
      'invoke_agent all[0] < step all',
      'chat < step all[0]',
      'each all < run',
      'invoke_workflow demo < ',
    ])
    expect(spans.map(({ error }) => error?.code)).toEqual(['provider_error', 'abandoned', 'cancelled', 'failed'])
  })

  test('a step that is tried again is one span', () => {
    const journal = new SampleJournal()
      .start([planned('a')])
      .begin('a')
      .fail('a', { retry_at: 1 })
    journal.add('step-retried', { step: 'a', attempt: 2, version: 1 }).finish('a')
    const [span] = spansOf(journal.end('succeeded'))
    expect(span?.attributes['llm_orc.step.attempts']).toBe(2)
  })

  test('of what a fork copied nothing is told again; it begins where it was forked', () => {
    const journal = new SampleJournal()
      .start([planned('a'), planned('b')])
      .begin('a')
      .finish('a')
      .begin('b')
    const at = (journal.events.at(-1)?.at ?? 0) + 10
    journal.add('run-forked', {
      parent: 'run-0',
      at_seq: 5,
      parent_hash: '',
      started_by: 'code',
      kinds: {},
      files: [],
      change: {},
    })
    const spans = spansOf(journal.finish('b').end('succeeded'))
    expect(nameAll(spans)).toEqual(['invoke_agent b < run', 'invoke_workflow demo < '])
    expect(spans.map(({ start }) => start)).toEqual([at, at])
    expect(spans[1]?.attributes['llm_orc.run.parent']).toBe('run-0')
  })

  test('whatever the run, no span ends before it begins, and every parent is there', () => {
    for (let seed = 0; seed < 200; seed += 1) {
      const events = makeRandomRun(seedRandom(seed))
      const { ended, run } = foldEvents(createSpansView({ content: true }), events)
      const ids = new Set(ended.map(({ id }) => id))
      expect(ids.size).toBe(ended.length)
      for (const { start, end } of ended) expect(end).toBeGreaterThanOrEqual(start)
      if (run === undefined) for (const { parent } of ended) expect(parent === undefined || ids.has(parent)).toBe(true)
    }
  })
})
