import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutRights, type Rights } from '../events/tool-call.ts'
import type { JsonObject } from '../events/values.ts'
import { describeCall } from './call.ts'
import { createPolicy, type PolicyRule } from './policy.ts'
import { parseToolPattern, type ToolPattern } from './tool-pattern.ts'

function explainWith(text: string, decision: PolicyRule['decision']) {
  const rules = [{ tool: parseToolPattern(text) as ToolPattern, decision, place: 'policy.yaml:1' }]
  return createPolicy({ levels: [{ name: 'user', trusted: true, rules }], digest: 'p1', sha256: (all) => all }).explain
}

test('S03 a script as a tool is the script that was named, not whatever tool has its name', () => {
  const star = { text: '*', name: '*', argument: undefined }
  const rules = [{ tool: star, decision: 'allow' as const, place: '--allow *' }]
  const levels = [{ name: 'command line' as const, trusted: true, rules }]
  const { judge } = createPolicy({ levels, digest: '', sha256: (text) => text })
  const request = { tool: 'send', source: 'script:bin/send.sh', arguments: {}, permissions: {} }
  const may = (mine: Rights) => judge({ kind: 'tool', safety: 'unsafe', request, rights: mine }).verdict === 'allow'
  expect(may({ allow: [['send']], deny: [] })).toBe(false)
  expect(may({ allow: [['script:bin/send.sh']], deny: [] })).toBe(true)
  expect(may({ allow: [['script:bin/other.sh']], deny: [] })).toBe(false)
  expect(may({ allow: [['*']], deny: ['script:bin/*'] })).toBe(false)
  expect(may({ allow: [['*']], deny: ['send'] })).toBe(false)
})

describe('S03 rights', () => {
  const tools = fc.constantFrom('read_file', 'write_file', 'bash', 'http_fetch', 'mcp:a:x', 'calculator')
  const versions = fc.constantFrom('1.0.0', '1.2.0', '2.0.0', '2.0.0-beta.1', '0.0.0', 'not a version', undefined)
  const patterns = fc.constantFrom(
    'read_file',
    'bash',
    'bash(git *)',
    'http_fetch(https://a.test/*)',
    'mcp:*',
    '*',
    'write_file(src/*)',
    ')broken(',
    'calculator',
    'calculator@^1',
    'calculator@1.0.0',
    'calculator@>=1.1 <3',
    'calculator@2.x(*)',
    'calculator@stable',
    '*@^1',
  )
  const rights = fc.record({
    allow: fc.array(fc.array(patterns, { maxLength: 3 }), { maxLength: 3 }),
    deny: fc.array(patterns, { maxLength: 2 }),
  })
  const args = fc.constantFrom<JsonObject>(
    { command: 'git log' },
    { command: 'rm x' },
    { path: 'src/a' },
    { url: 'https://a.test/x' },
    {},
  )
  const explain = explainWith('*', 'allow')
  const may = (mine: Rights | undefined, name: string, given: JsonObject, version?: string) =>
    explain(describeCall(name, given, { safety: 'unsafe', rights: mine, version })).decision === 'allow'

  test('a child, at any depth, may do only what every step above it may', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(rights, { nil: undefined }), { minLength: 2, maxLength: 6 }),
        tools,
        args,
        versions,
        (line, tool, given, version) => {
          const held = line.reduce<Rights | undefined>((above, own) => cutRights(above, own), undefined)
          if (may(held, tool, given, version))
            for (const each of line) expect(may(each, tool, given, version)).toBe(true)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('500 tries to do what the parent may not: none succeeds', () => {
    let succeeded = 0
    const parent: Rights = { allow: [['read_file', 'bash(git *)']], deny: ['bash(git push*)'] }
    for (let n = 0; n < 500; n++) {
      const own: Rights = { allow: [[n % 2 === 0 ? '*' : `bash(${'x'.repeat(n % 7)}*)`]], deny: [] }
      const command = ['rm -rf x', 'git push', 'git log; rm x', 'sh -c x', `git log ${'\n'}rm`][n % 5] as string
      const [tool, given] =
        n % 3 === 0 ? (['write_file', { path: `a${n}` }] as const) : (['bash', { command }] as const)
      if (may(cutRights(parent, own), tool, given)) succeeded += 1
    }
    expect(succeeded).toBe(0)
  })

  test('500 tries to use another version than the parent may: none succeeds', () => {
    let succeeded = 0
    const parent: Rights = { allow: [['calculator@^1', 'read_file']], deny: ['calculator@1.3.x'] }
    const own = [
      '*',
      'calculator',
      'calculator@^2',
      'calculator@2.0.0',
      'calculator@>=1',
      'calc*@>=0',
      'calculator@stable',
    ]
    const tried = [
      '2.0.0',
      '2.1.0-beta.1',
      '0.9.0',
      '1.3.0',
      '1.3.1-alpha.1',
      '1.5.0-rc.1',
      '10.0.0',
      '1',
      'stable',
      '',
      undefined,
    ]
    for (let n = 0; n < 500; n++) {
      const mine: Rights = { allow: [[own[n % own.length] as string]], deny: [] }
      if (may(cutRights(parent, mine), 'calculator', {}, tried[n % tried.length])) succeeded += 1
    }
    expect(succeeded).toBe(0)
    expect(may(cutRights(parent, { allow: [['calculator@1.2.0']], deny: [] }), 'calculator', {}, '1.2.0')).toBe(true)
  })
})

describe('versions in rules', () => {
  const call = (version?: string) => describeCall('calculator', {}, { safety: 'unsafe', version })
  const decideOn = (text: string, decision: PolicyRule['decision'], version?: string) =>
    explainWith(text, decision)(call(version)).decision

  test('what allows needs a version that fits, what forbids only one that may', () => {
    expect(decideOn('calculator@^1', 'allow', '1.9.0')).toBe('allow')
    expect(decideOn('calculator@^1', 'allow', '2.0.0')).toBe('ask')
    expect(decideOn('calculator@^1', 'allow')).toBe('ask')
    expect(decideOn('calculator@>=1 <2', 'allow', '1.9.0')).toBe('allow')
    expect(decideOn('calculator@2.x(*)', 'deny', '2.0.0')).toBe('deny')
    expect(decideOn('calculator@^1', 'deny', '1.5.0-beta.1')).toBe('deny')
    expect(decideOn('calculator@^1', 'deny', '2.0.0')).toBe('ask')
    expect(decideOn('calculator@^1', 'deny')).toBe('deny')
  })

  test('a name of a version is no pattern, and an @ of a server or a script is a part of its name', () => {
    for (const text of ['calculator@stable', 'calculator@', '@^1', 'calc ulator@^1'])
      expect(parseToolPattern(text)).toBe(undefined)
    expect(parseToolPattern('mcp:a:x@2')).toMatchObject({ name: 'mcp:a:x@2' })
    expect(parseToolPattern('script:a@b.sh')).toMatchObject({ name: 'script:a@b.sh' })
    expect(parseToolPattern('bash(git log @{u})')).toMatchObject({ name: 'bash', argument: 'git log @{u}' })
  })
})
