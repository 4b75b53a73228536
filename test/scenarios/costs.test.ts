import { describe, expect, test } from 'vitest'
import { runInside } from '../inside.ts'
import { runProgram } from '../processes.ts'
import { makeProject } from './project.ts'

const agent = (name: string, more = '') => `  - {name: ${name}, provider: openai, model: gpt-4o-mini${more}}\n`
const files = {
  'ensembles/priced.yaml': `name: priced\ndescription: d\nagents:\n${agent('draft', ', max_tokens: 100')}`,
  'ensembles/listed.yaml': `name: listed\ndescription: d\nagents:\n${agent('draft')}${agent('each', ', fan_out: true, depends_on: [draft]')}`,
  'ensembles/free.yaml': 'name: free\ndescription: d\nagents:\n  - {name: a, provider: scripted, model: m}\n',
}

describe('costs from the command line', () => {
  test('F3: quote and run --quote say the same and run nothing', async () => {
    const project = makeProject(files)
    const quoted = await runProgram(['quote', 'priced', 'a text', '--output', 'json'], project)
    const run = await runInside(['run', 'priced', 'a text', '--quote', '--output', 'json'], project)
    expect([quoted.code, run.code]).toEqual([0, 0])
    expect(JSON.parse(run.stdout)).toEqual(JSON.parse(quoted.stdout))
    const { steps, total, unbounded, ok } = JSON.parse(quoted.stdout)
    expect({ steps: steps.length, unbounded, ok }).toEqual({ steps: 1, unbounded: [], ok: true })
    expect(total.least.cost).toBeLessThan(total.expected.cost)
    expect(total.expected.cost).toBeLessThan(total.worst.cost)
    const { stdout } = await runInside(['runs', 'list', '--output', 'json'], project)
    expect(JSON.parse(stdout).runs).toEqual([])
  })

  test('F3: a cap: exceeded ends with 1, unbounded is refused with 5', async () => {
    const project = makeProject(files)
    const low = await runProgram(['quote', 'priced', 'a text', '--max-cost', '0.000001'], project)
    expect([low.code, low.stdout.includes('exceeds the cap')]).toEqual([1, true])
    expect((await runInside(['quote', 'priced', 'a text', '--max-cost', '1'], project)).code).toBe(0)
    const endless = await runInside(['quote', 'listed', 'a text'], project)
    expect(endless.stdout).toContain('unbounded cost: each: how many items draft answers is known only when it runs')
    const refused = await runInside(['quote', 'listed', 'a text', '--max-cost', '1'], project)
    expect([refused.code, refused.stderr.includes('quote_unbounded')]).toEqual([5, true])
  })

  test('I08, I09: usage adds up what has run', async () => {
    const project = makeProject(files)
    for (const text of ['one', 'two']) await runInside(['run', 'free', text], project)
    const { stdout } = await runInside(['usage', '--by', 'ensemble', '--output', 'json'], project)
    const { lines, total } = JSON.parse(stdout)
    expect(lines).toMatchObject([{ key: 'free', runs: 2, succeeded: 2, success_rate: 1, calls: 2, cost: 0 }])
    expect(total).toMatchObject({ runs: 2, calls: 2, cost: 0, unpriced: 0 })
    const agents = await runInside(['usage', '--by', 'agent'], project)
    expect(agents.stdout).toContain('free/a')
    const quoted = await runInside(['quote', 'free', 'three', '--output', 'json'], project)
    expect(JSON.parse(quoted.stdout)).toMatchObject({ runs: 2, steps: [{ basis: 'history' }] })
    expect((await runInside(['usage', '--since', 'soon'], project)).code).toBe(2)
  })
})
