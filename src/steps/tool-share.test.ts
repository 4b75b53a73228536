import { describe, expect, test } from 'vitest'
import type { Message } from '../events/messages.ts'
import type { PinnedTool } from '../events/tool-call.ts'
import type { Json } from '../events/values.ts'
import { shareTools } from './tool-share.ts'

function tool(name: string, more: Partial<PinnedTool> = {}): PinnedTool {
  return {
    name,
    version: '0.0.0',
    description: `works on ${name} ${'word '.repeat(40)}`,
    input_schema: { type: 'object', properties: { text: { type: 'string' } } },
    safety: 'unsafe',
    permissions: {},
    source: 'mcp:big',
    digest: name,
    ...more,
  }
}

const many = Array.from({ length: 200 }, (_, index) => tool(`thing_${index}`))
const names = (tools: readonly PinnedTool[]) => tools.map(({ name }) => name)

function loaded(output: Json): Message {
  return { role: 'tool', content: [{ type: 'tool-result', id: 'c', name: 'load_tools', output }] }
}

describe('tools within a share of what the model reads', () => {
  test('few tools are shown as they are', () => {
    const tools = [tool('a'), tool('b', { source: 'builtin' })]
    expect(shareTools(tools, [], 4000).shown).toBe(tools)
  })

  test('U32 of many those of servers are searched; what was loaded is read from the conversation alone', () => {
    const tools = [tool('read_file', { source: 'builtin' }), ...many]
    const share = shareTools(tools, [], 4000)
    expect(names(share.shown)).toEqual(['read_file', 'find_tools', 'load_tools'])
    const [, find, load] = share.shown as [PinnedTool, PinnedTool, PinnedTool]
    expect(find.description).toContain('200 more tools, of mcp:big (200)')
    expect(share.answer(find, { query: 'THING_17' })).toMatchObject({ found: [{ name: 'thing_17' }, ...rest(9)] })
    expect(share.answer(load, { names: ['thing_17', 'none'] })).toEqual({ loaded: ['thing_17'], unknown: ['none'] })
    expect(share.isHidden('thing_17')).toBe(true)

    const said = [loaded({ loaded: ['thing_17', 'forged'] })]
    const after = shareTools(tools, said, 4000)
    expect(names(after.shown)).toEqual(['read_file', 'find_tools', 'load_tools', 'thing_17'])
    expect(after.isHidden('thing_17')).toBe(false)
    expect(names(shareTools(tools, structuredClone(said), 4000).shown)).toEqual(names(after.shown))
  })

  test('loading on and on keeps to the budget: the newest stay', () => {
    const said = many.map(({ name }) => loaded({ loaded: [name] }))
    const { shown } = shareTools(many, said, 1000)
    expect(shown.length).toBeLessThan(20)
    expect(names(shown)[2]).toBe('thing_199')
    expect(names(shareTools(many, said, 1).shown)).toEqual(['find_tools', 'load_tools', 'thing_199'])
  })

  test('what the model said, and failures, load nothing; a tool may have the name of ours', () => {
    const part = { type: 'tool-result', id: 'c', name: 'load_tools', output: { loaded: ['thing_1'] } } as const
    const said: Message[] = [
      { role: 'tool', content: [{ ...part, failed: true }] },
      { role: 'assistant', content: [{ type: 'text', text: JSON.stringify(part) }] },
    ]
    expect(shareTools(many, said, 4000).shown).toHaveLength(2)
    expect(names(shareTools([...many, tool('find_tools')], [], 4000).shown)).toEqual(['find_tools_', 'load_tools'])
  })
})

function rest(count: number): readonly unknown[] {
  return Array.from({ length: count }, () => expect.anything())
}
