import { describe, expect, it } from 'vitest'
import { checkSections, readChains, readWorkflows } from './chains.ts'
import { makeWorld } from './world.fixture.ts'

async function configOf(files: { readonly [path: string]: string }, env: { readonly [name: string]: string } = {}) {
  const world = await makeWorld(files)
  return world.config({ env: { HOME: world.home, ...env } })
}

describe('chains and workflows in the configuration', () => {
  it('the nearest level wins by name, and each knows where it stands', async () => {
    const config = await configOf({
      '@/config.yaml': 'chains:\n  review: ["Plan>/Default)-a"]\n',
      '~/config.yaml': 'chains:\n  review: ["Plan>/Default)-b"]\n  other:\n    - Critique>/Tester)-c\n',
    })
    const chains = readChains(config)
    expect([...chains.values()].map(({ name, level, steps }) => [name, level, steps])).toEqual([
      ['review', 'project', ['Plan>/Default)-a']],
      ['other', 'user', ['Critique>/Tester)-c']],
    ])
    expect(chains.get('other')?.place([0])).toMatchObject({ line: 4, column: 7 })
  })

  it('broken ones are named with line and column and hide no others', async () => {
    const config = await configOf({
      '@/config.yaml': `chains:
  good: ["Plan>/Default)-a"]
  text: "Plan>/Default)-a"
  mixed:
    - Plan>/Default)-a
    - 12
    - Plan>Default)-a
  empty: []
  ../up: ["Plan>/Default)-a"]
`,
    })
    const problems = [...readChains(config).values()].flatMap((chain) => chain.problems)
    expect(problems.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`)).toEqual([
      '3:9 chain_invalid the chain "text" should be a list of steps',
      '6:7 chain_invalid step 2 should be text',
      '7:7 chain_invalid step 3, column 5: ">/" is missing after the role "Plan"',
      '8:10 chain_invalid the chain has no steps',
      expect.stringContaining('9:3 name_refused the chain: the name "../up"'),
    ])
    expect(readChains(config).get('good')?.problems).toEqual([])
  })

  it('workflows are read the same way, and a parameter without a value is one', async () => {
    const config = await configOf({
      '@/config.yaml': `workflows:
  ask:
    params: {topic: }
    steps:
      - {name: a, tool: model_call, inputs: {prompt: "{{params.topic}}"}}
  bad:
    steps:
      - {name: a, tool: nothing}
`,
    })
    const workflows = readWorkflows(config)
    expect(workflows.get('ask')?.workflow?.params).toEqual([{ name: 'topic', required: true }])
    expect(workflows.get('bad')?.problems).toMatchObject([{ code: 'workflow_invalid', line: 8, column: 25 }])
  })

  it('a section that is no map is named', async () => {
    const config = await configOf({ '@/config.yaml': 'chains: [a]\nworkflows: 3\n' })
    expect(readChains(config).size + readWorkflows(config).size).toBe(0)
    expect(checkSections(config).map(({ line, message }) => `${line} ${message}`)).toEqual([
      '1 chains should be a map of names',
      '2 workflows should be a map of names',
    ])
  })
})
