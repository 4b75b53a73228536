import { describe, expect, test } from 'vitest'
import type { PinnedTool } from '../events/tool-call.ts'
import type { AgentSpec } from './agent-spec.ts'
import { compileEnsemble } from './ensemble-compile.ts'
import { parseEnsemble } from './ensemble-parse.ts'
import type { Lookup } from './lookup.ts'

const profile = { name: 'p', provider: 'scripted', model: 'm' }

function tool(name: string, more: Partial<PinnedTool> = {}): PinnedTool {
  const plain = { version: '1.0.0', description: '', input_schema: {}, safety: 'pure', permissions: {} } as const
  return { name, ...plain, source: 'builtin', digest: `digest of ${name}`, ...more }
}

const SHELF: { readonly [reference: string]: readonly PinnedTool[] } = {
  read_file: [tool('read_file')],
  'add@^1': [tool('add', { version: '1.4.0' })],
  'add@stable': [tool('add', { version: '1.2.0' })],
  'mcp:calc:*': [tool('add', { source: 'mcp:calc', digest: 'other' })],
}

function compile(agents: string, top = '') {
  const { ensemble, problems, references } = parseEnsemble(`name: t\n${top}agents:\n${agents}`, 't.yaml')
  if (!ensemble) throw new Error(JSON.stringify(problems))
  const lookup: Lookup = {
    profile: () => profile,
    profileNames: () => ['p'],
    defaultProfile: () => profile,
    script: () => undefined,
    role: () => undefined,
    tools: (reference) => SHELF[reference] ?? { code: 'tool_missing', message: 'there is none' },
  }
  return { ...compileEnsemble(ensemble, lookup), references }
}

const specsOf = (made: ReturnType<typeof compile>) => made.graph?.steps.map(({ spec }) => spec as unknown as AgentSpec)

describe('tools of an ensemble', () => {
  test('an agent has the tools it names, pinned; the names of all are collected', () => {
    const made = compile('  - {name: a, model_profile: p, tools: {use: [read_file, "add@^1"], max_turns: 4}}')
    expect(made.problems).toEqual([])
    expect(made.references.tools).toEqual(['read_file', 'add@^1'])
    expect(specsOf(made)?.[0]).toMatchObject({
      tools: [{ name: 'read_file' }, { name: 'add', version: '1.4.0' }],
      max_turns: 4,
    })
  })

  test('tools of the file go to every agent that names none, also inside loops', () => {
    const made = compile(
      '  - {name: a, model_profile: p}\n  - {name: b, model_profile: p, tools: []}\n' +
        '  - {name: c, loop: {body: [{name: d, model_profile: p}], max_iterations: 2}}',
      'tools: [read_file]\n',
    )
    expect(made.problems).toEqual([])
    expect(specsOf(made)?.map(({ tools }) => tools?.length)).toEqual([1, undefined, undefined])
    expect(JSON.stringify(made.graph?.steps[2])).toContain('digest of read_file')
  })

  test('S03 of an agent that runs others they are all that may be used inside', () => {
    const made = compile(
      '  - {name: c, tools: ["add@^1", read_file], loop: {body: [{name: d, model_profile: p}], max_iterations: 2}}',
    )
    expect(made.graph?.steps[0]?.rights).toEqual({ allow: [['add@^1', 'read_file']], deny: [] })
  })

  test('S03 they keep their versions; a name of one means what it is now, the newest means any', () => {
    const tools = '["add@>=1 <3", "add@stable", "sum@latest", "script:a@b.sh", "mcp:calc:x@1", "gone@old"]'
    const made = compile(
      `  - {name: c, tools: ${tools}, loop: {body: [{name: d, model_profile: p, tools: []}], max_iterations: 2}}`,
    )
    const all = ['add@>=1 <3', 'add@stable', 'add@1.2.0', 'sum', 'script:a@b.sh', 'mcp:calc:x@1', 'gone@old']
    expect(made.graph?.steps[0]?.rights?.allow).toEqual([all])
  })

  test('a tool that does not exist, and two of one name, are named with their place', () => {
    const made = compile('  - {name: a, model_profile: p, tools: [nothing, "add@^1", "mcp:calc:*"]}')
    expect(made.problems).toMatchObject([
      { code: 'tool_missing', message: '"a" cannot use nothing: there is none', line: 3 },
      { code: 'tool_ambiguous', line: 3 },
    ])
  })
})
