import { expect, test } from 'vitest'
import type { Rights } from '../events/tool-call.ts'
import { createPolicy } from './policy.ts'

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
