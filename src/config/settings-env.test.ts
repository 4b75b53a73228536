import { expect, test } from 'vitest'
import { OLDER_NAMES, readSettingsVariables } from './settings-env.ts'

const read = (values: { readonly [name: string]: string }) => readSettingsVariables(new Map(Object.entries(values)))

test('the older names of settings mean the same settings', () => {
  const { data, problems } = read({
    AI3_PLANNER_MODEL: 'claude-3-7-sonnet-latest',
    AI3_PLANNER_MAXTOK: '4096',
    AI3_PLANNER_TEMPERATURE: '0.0',
    AI3_MAX_CONCURRENCY: '5',
    AI3_MAX_CONCURRENCY_PER_PROVIDER: '3',
    AI3_VERIFY: 'on',
    AI3_REPAIR_LIMIT: '1',
  })
  expect(problems).toEqual([])
  expect(data).toEqual({
    plan: { model: 'claude-3-7-sonnet-latest', max_tokens: 4096, temperature: 0, max_concurrent: 5 },
    performance: { concurrency: { max_per_provider: 3 } },
    verify: { enabled: true, repair_limit: 1 },
  })
  expect(Object.keys(OLDER_NAMES)).toHaveLength(7)
})

test('our own name wins, an empty variable says nothing, and a problem names the variable that was set', () => {
  expect(read({ AI3_REPAIR_LIMIT: '1', LLM_ORC_VERIFY_REPAIR_LIMIT: '3' }).data).toEqual({
    verify: { repair_limit: 3 },
  })
  expect(read({ AI3_REPAIR_LIMIT: '1', LLM_ORC_VERIFY_REPAIR_LIMIT: '' }).data).toEqual({ verify: { repair_limit: 1 } })
  expect(read({ LLM_ORC_PLAN_ASSEMBLE: 'synthesize' }).data).toEqual({ plan: { assemble: 'synthesize' } })
  const wrong = read({ AI3_MAX_CONCURRENCY: 'many', LLM_ORC_PLAN_ASSEMBLE: 'shuffle' })
  expect(wrong.data).toEqual({ plan: {} })
  expect(wrong.problems.map(({ file }) => file).sort()).toEqual(['$AI3_MAX_CONCURRENCY', '$LLM_ORC_PLAN_ASSEMBLE'])
})
