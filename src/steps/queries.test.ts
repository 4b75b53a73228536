import { describe, expect, it } from 'vitest'
import { act, actStep, after } from '../../test/fixtures/control.ts'
import { runWithLaws } from '../../test/laws.ts'
import type { GraphStep } from '../graph/step-graph.ts'
import { queriesStep } from './queries.ts'

const query = (value: string, fails?: string) => ({
  step: act('query', value, fails === undefined ? {} : { fails }),
  provider: 'p',
  model: value,
})

async function run(queries: readonly ReturnType<typeof query>[], width = 2) {
  const spec = { queries, width } as unknown as GraphStep['spec']
  const steps: GraphStep[] = [act('topic', '"tea"'), { id: 'ask', kind: 'queries', spec, ...after('topic') }]
  const { events } = await runWithLaws(
    { name: 'queries', steps },
    { kinds: { act: actStep, queries: queriesStep }, executors: () => ({}), orderInsensitive: true },
  )
  const end = events.find(
    (event) => (event.type === 'step-finished' || event.type === 'step-failed') && event.data.step === 'ask',
  )
  if (end?.type !== 'step-finished' && end?.type !== 'step-failed') throw new Error('the step did not end')
  const output = end.data.output?.inline?.text
  const added = events.flatMap((event) =>
    event.type === 'steps-added' && 'steps' in event.data ? event.data.steps.map(({ id }) => id) : [],
  )
  const last = events.at(-1)
  return {
    status: last?.type === 'run-finished' ? last.data.status : undefined,
    output: output === undefined ? undefined : (JSON.parse(output) as unknown),
    added,
  }
}

describe('queries to several models', () => {
  it('are children in their order, see what the step sees, and are gathered in the order written', async () => {
    const done = await run([query('steps.topic.output + " A"'), query('"B"'), query('"C"')])
    expect(done.added).toEqual(['ask[0]', 'ask[1]', 'ask[2]'])
    expect(done.status).toBe('succeeded')
    expect(done.output).toEqual({
      outputs: [
        { output: 'tea A', provider: 'p', model: 'steps.topic.output + " A"' },
        { output: 'B', provider: 'p', model: '"B"' },
        { output: 'C', provider: 'p', model: '"C"' },
      ],
      query_count: 3,
      successful_queries: 3,
    })
  })

  it('one that fails is null with its code, and the run is partial', async () => {
    const done = await run([query('"A"'), query('"B"', 'true')])
    expect(done.status).toBe('partial')
    expect(done.output).toMatchObject({
      outputs: [{ output: 'A' }, { output: null, error: 'planned' }],
      successful_queries: 1,
    })
  })

  it('it fails when all of them do', async () => {
    expect(await run([query('"A"', 'true'), query('"B"', 'true')], 1)).toMatchObject({ status: 'failed' })
  })
})
