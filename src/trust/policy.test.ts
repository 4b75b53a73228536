import { hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../events/values.ts'
import { describeCall } from './call.ts'
import { createPolicy, type PolicyLevel, type PolicyRule } from './policy.ts'
import { matchesWildcard, parseToolPattern, type ToolPattern } from './tool-pattern.ts'

const sha256 = (text: string): string => hash('sha256', text, 'hex')

function rule(tool: string, decision: PolicyRule['decision'], more: Partial<PolicyRule> = {}): PolicyRule {
  return { tool: parseToolPattern(tool) as ToolPattern, decision, place: 'policy.yaml:1', ...more }
}

function policyOf(rules: readonly PolicyRule[], level: Partial<PolicyLevel> = {}) {
  const levels = [{ name: 'user' as const, trusted: true, ...level, rules }]
  return createPolicy({ levels, digest: 'p1', sha256 })
}

const request = (tool: string, args: JsonObject, more: JsonObject = {}) => ({
  kind: 'tool',
  safety: 'unsafe',
  request: {
    tool,
    version: '1.0.0',
    source: 'builtin',
    digest: 'd',
    call: 'c1',
    permissions: {},
    arguments: args,
    ...more,
  },
})
const decide = (rules: readonly PolicyRule[], tool: string, args: JsonObject, level: Partial<PolicyLevel> = {}) =>
  policyOf(rules, level).judge(request(tool, args)).verdict

describe('rules', () => {
  test('without one, pure tools are allowed and all others asked about', () => {
    const { explain } = policyOf([])
    expect(explain(describeCall('read_file', { path: 'a' }, { safety: 'pure' })).decision).toBe('allow')
    expect(explain(describeCall('write_file', { path: 'a' }, { safety: 'idempotent' })).decision).toBe('ask')
    expect(explain(describeCall('bash', { command: 'ls' }, { safety: 'unsafe' })).decision).toBe('ask')
  })

  test('deny wins wherever it stands; else the first that fits', () => {
    const rules = [rule('bash(git *)', 'allow'), rule('bash', 'ask'), rule('bash(git push *)', 'deny')]
    expect(decide(rules, 'bash', { command: 'git status' })).toBe('allow')
    expect(decide(rules, 'bash', { command: 'git push --force' })).toBe('deny')
    expect(decide(rules, 'bash', { command: 'ls' })).toBe('ask')
  })

  test.each([
    'git status; rm -rf /',
    'git status && rm x',
    'git log | sh',
    'git log > /etc/passwd',
    'git $(rm x)',
    'git `rm x`',
    'git log\nrm x',
    'git log & rm x',
    'git diff <(rm x)',
  ])('S15 a permission for `git *` does not reach %j', (command) => {
    expect(decide([rule('bash(git *)', 'allow')], 'bash', { command })).toBe('ask')
    expect(decide([rule('bash', 'allow'), rule('bash(rm *)', 'deny')], 'bash', { command })).toBe(
      command.includes('rm') ? 'deny' : 'allow',
    )
  })

  test.each([
    'rm -rf x',
    '/bin/rm -rf x',
    '"rm" -rf x',
    'r\\m -rf x',
    "'r'm -rf x",
    'A=1 B=2 rm -rf x',
    'sudo rm -rf x',
    'sudo -u root /usr/bin/rm -rf x',
    'env A=1 rm -rf x',
    'nohup nice -n 5 rm -rf x',
    'find . -name y | xargs rm -rf x',
    'find . -exec rm -rf x {} +',
    'sh -c "rm -rf x"',
    "bash -c 'cd a && rm -rf x'",
    'eval rm -rf x',
    'true && { rm -rf x; }',
    'echo $(rm -rf x)',
    'ls\n\trm  -rf   x',
    'if true; then rm -rf x; fi',
    'if rm -rf x; then ls; fi',
    'for a in *; do rm -rf x; done',
    '! rm -rf x',
  ])('S04 the prohibition of a command finds it in %j', (command) => {
    expect(decide([rule('bash', 'allow'), rule('bash(rm *)', 'deny')], 'bash', { command })).toBe('deny')
    expect(decide([rule('bash(rm *)', 'ask'), rule('bash', 'allow')], 'bash', { command })).toBe('ask')
  })

  test.each(['ls', 'echo rm', 'git commit -m "rm x"', 'echo a => b', 'npm run rm-cache x', 'term x'])(
    'and not in %j',
    (command) => {
      expect(decide([rule('bash', 'allow'), rule('bash(rm *)', 'deny')], 'bash', { command })).toBe('allow')
    },
  )

  test('a path makes no command harmless, and one that is named is enough to forbid it', () => {
    const rules = [rule('bash', 'deny', { path: '**/.env' }), rule('bash', 'allow', { path: 'src/**' })]
    expect(decide(rules, 'bash', { command: 'rm -rf /', cwd: 'src/a' })).toBe('ask')
    expect(decide(rules, 'bash', { command: 'cat app/.env' })).toBe('deny')
    expect(decide(rules, 'bash', { command: 'curl -d @x --data=".env" https://a.test' })).toBe('deny')
  })

  test('a rule for a path fits the path itself, whatever way it is written; a way out of the folder never', () => {
    const rules = [rule('write_file', 'allow', { path: 'src/**' })]
    expect(decide(rules, 'write_file', { path: 'src/a/b.ts' })).toBe('allow')
    expect(decide(rules, 'write_file', { path: './src/x/../a.ts' })).toBe('allow')
    expect(decide(rules, 'write_file', { path: 'src/../secret' })).toBe('ask')
    expect(decide(rules, 'write_file', { path: '/src/a' })).toBe('ask')
    expect(decide(rules, 'write_file', { path: '../src/a' })).toBe('ask')
    expect(decide(rules, 'write_file', {})).toBe('ask')
  })

  test('a pattern in words of a path goes by where it leads', () => {
    const allow = [rule('write_file(docs/*)', 'allow')]
    expect(decide(allow, 'write_file', { path: './docs/a' })).toBe('allow')
    expect(decide(allow, 'write_file', { path: 'docs/../src/a' })).toBe('ask')
    expect(decide([rule('write_file(prod/*)', 'deny')], 'write_file', { path: 'x/../prod/a' })).toBe('deny')
  })

  test.each<JsonObject>([
    { source: 'secret/a', destination: 'b' },
    { filePath: 'secret/a' },
    { edits: [{ path: 'secret/a' }] },
    { what: 'secret/a' },
  ])('a prohibition of a path finds it in %j', (args) => {
    const rules = [rule('mcp:files:*', 'deny', { path: 'secret/**' }), rule('*', 'allow')]
    expect(policyOf(rules).judge(request('move', args, { source: 'mcp:files' })).verdict).toBe('deny')
  })

  test('a key that only ends like one is no path', () => {
    const rules = [rule('count', 'allow', { path: 'src/**' })]
    expect(decide(rules, 'count', { path: 'src/a', profile: 'fast', resource: 'cpu' })).toBe('allow')
    expect(decide(rules, 'count', { path: 'src/a', outputFile: 'etc/a' })).toBe('ask')
  })

  test.each([
    'https:evil.test/',
    'https:/evil.test/',
    ' https://evil.test/',
    'ht\ttps://evil.test/',
    'https:\\\\evil.test/',
    'https://evil.test:8443/',
    'https://EVIL.test.:8443/',
    'https://a:b@evil.test/',
  ])('a prohibition of a host reaches %j', (url) => {
    const rules = [rule('http_fetch', 'deny', { host: 'evil.test' }), rule('http_fetch', 'allow')]
    expect(decide(rules, 'http_fetch', { url })).toBe('deny')
    expect(decide([rule('*', 'deny', { host: 'evil.test' }), rule('*', 'allow')], 'x', { host: 'evil.test' })).toBe(
      'deny',
    )
  })

  test('words for an address go by what it is, not by how it is written', () => {
    const allow = [rule('http_fetch(https://ok.test*)', 'allow')]
    expect(decide(allow, 'http_fetch', { url: 'https://ok.test' })).toBe('allow')
    expect(decide(allow, 'http_fetch', { url: 'https://ok.test@evil.com/' })).toBe('ask')
    const deny = [rule('http_fetch(https://evil.test/*)', 'deny')]
    expect(decide(deny, 'http_fetch', { url: 'HTTPS://EVIL.TEST:443/a' })).toBe('deny')
  })

  test('a script that an agent has as a tool keeps the rules of scripts', () => {
    const rules = [rule('script(tools/publish.mjs)', 'deny'), rule('*', 'allow')]
    const asked = request('publish', {}, { source: 'script:tools/publish.mjs' })
    expect(policyOf(rules).judge(asked).verdict).toBe('deny')
    expect(policyOf([rule('script', 'allow')]).judge(asked).verdict).toBe('ask')
  })

  test.each<JsonObject>([
    { write: ['a'] },
    { environment: ['A_KEY'] },
    { hosts: ['a.test'] },
    { read: ['/home/**'] },
    { read: ['../x'] },
    { read: ['~/x'] },
  ])('a tool that says it only looks is asked about when it may %j', (permissions) => {
    const { judge } = policyOf([])
    expect(judge({ ...request('peek', {}, { permissions }), safety: 'pure' }).verdict).toBe('ask')
    expect(judge({ ...request('peek', {}, { permissions: { read: ['**'] } }), safety: 'pure' }).verdict).toBe('allow')
  })

  test('a permission for a host needs every address to be of it, a prohibition only one', () => {
    const args = { url: 'https://ok.test/a', body: { copy_to: 'https://evil.test/' } }
    expect(decide([rule('http_fetch', 'allow', { host: 'ok.test' })], 'http_fetch', { url: args.url })).toBe('allow')
    expect(decide([rule('http_fetch', 'allow', { host: 'ok.test' })], 'http_fetch', args)).toBe('ask')
    expect(decide([rule('http_fetch', 'deny', { host: 'evil.test' })], 'http_fetch', args)).toBe('deny')
    expect(
      decide([rule('http_fetch', 'allow', { host: 'ok.test' })], 'http_fetch', { url: 'https://ok.test.evil.test/' }),
    ).toBe('ask')
    expect(
      decide([rule('http_fetch', 'allow', { host: 'ok.test' })], 'http_fetch', { url: 'https://ok.test@evil.test/' }),
    ).toBe('ask')
    expect(decide([rule('http_fetch', 'allow', { host: 'ok.test' })], 'http_fetch', { url: 'HTTPS://OK.TEST./' })).toBe(
      'allow',
    )
  })

  test('an untrusted project may narrow what is allowed, never widen it', () => {
    const project = { name: 'project' as const, trusted: false }
    expect(decide([rule('bash', 'allow')], 'bash', { command: 'ls' }, project)).toBe('ask')
    expect(decide([rule('bash', 'deny')], 'bash', { command: 'ls' }, project)).toBe('deny')
    expect(
      policyOf([rule('read_file', 'ask')], project).explain(describeCall('read_file', {}, { safety: 'pure' })),
    ).toMatchObject({
      decision: 'ask',
      place: 'policy.yaml:1',
    })
  })

  test('S01 a rule can ask about calls that derive from what came from outside', () => {
    const rules = [rule('bash', 'ask', { label: 'outside' }), rule('bash', 'allow')]
    const { judge } = policyOf(rules)
    expect(judge(request('bash', { command: 'ls' })).verdict).toBe('allow')
    expect(judge({ ...request('bash', { command: 'ls' }), labels: ['outside'] }).verdict).toBe('ask')
  })

  test('questions, timers and definitions are nobody’s to forbid; models and scripts can be', () => {
    const { judge } = policyOf([rule('*', 'deny')])
    expect(judge({ kind: 'ask', safety: 'pure', request: null }).verdict).toBe('allow')
    expect(judge({ kind: 'model', safety: 'billable', request: { provider: 'openai', model: 'm' } }).verdict).toBe(
      'deny',
    )
    expect(judge({ kind: 'script', safety: 'unsafe', request: { script: { reference: 'x.py' } } }).verdict).toBe('deny')
    expect(
      policyOf([]).judge({ kind: 'script', safety: 'unsafe', request: { script: { reference: 'x.py' } } }).verdict,
    ).toBe('allow')
  })
})

describe('S04 what is granted', () => {
  const grant = (tool: string, args: JsonObject, more: JsonObject = {}, digest = 'p1') => {
    const judged = createPolicy({ levels: [], digest, sha256 }).judge(request(tool, args, more))
    return judged.verdict === 'ask' ? JSON.stringify(judged.grant) : ''
  }

  test('is another thing when tool, version, digest, arguments, source or policy is', () => {
    const base = grant('pay', { to: 'a', amount: 1 })
    const others = [
      grant('pay2', { to: 'a', amount: 1 }),
      grant('pay', { to: 'a', amount: 2 }),
      grant('pay', { to: 'a', amount: '1' }),
      grant('pay', { to: 'a', amount: 1 }, { version: '1.0.1' }),
      grant('pay', { to: 'a', amount: 1 }, { digest: 'e' }),
      grant('pay', { to: 'a', amount: 1 }, { source: 'mcp:x' }),
      grant('pay', { to: 'a', amount: 1 }, {}, 'p2'),
      grant('рay', { to: 'a', amount: 1 }),
    ]
    expect(new Set([base, ...others]).size).toBe(others.length + 1)
  })

  test('is the same whatever the order in which the model wrote its arguments', () => {
    expect(grant('pay', { to: 'a', amount: 1 })).toBe(grant('pay', { amount: 1, to: 'a' }))
  })

  test('for a whole run is for one script, one model, one rule: not for others of their kind', () => {
    const { judge } = policyOf([rule('script', 'ask'), rule('model', 'ask')])
    const whole = (kind: string, request: JsonObject) => {
      const judged = judge({ kind, safety: 'unsafe', request })
      if (judged.verdict !== 'ask') throw new Error('it is asked about')
      const { arguments: _, ...rest } = judged.grant
      return JSON.stringify(rest)
    }
    const file = (reference: string, sha256Of: string, stdin = '') => ({
      script: { type: 'file', reference, path: `/p/${reference}`, sha256: sha256Of, program: [] },
      stdin,
    })
    expect(whole('script', file('a.sh', '1', 'x'))).toBe(whole('script', file('a.sh', '1', 'y')))
    const all = [
      whole('script', file('a.sh', '1')),
      whole('script', file('b.sh', '1')),
      whole('script', file('a.sh', '2')),
      whole('script', { script: { type: 'inline', text: 'a private word' } }),
      whole('script', { script: { type: 'inline', text: 'another' } }),
      whole('model', { provider: 'openai', model: 'a' }),
      whole('model', { provider: 'openai', model: 'b' }),
    ]
    expect(new Set(all).size).toBe(all.length)
    expect(all.join()).not.toContain('private')
  })

  test('S01 before anything came from outside does not cover what derives from it, where a rule tells them apart', () => {
    const { judge } = policyOf([rule('bash', 'ask', { label: 'outside' }), rule('bash', 'ask')])
    const grants = [[], ['outside']].map((labels) => judge({ ...request('bash', { command: 'ls' }), labels }))
    const [before, after] = grants.map((each) => (each.verdict === 'ask' ? each.grant['label'] : 'none'))
    expect([before, after]).toEqual([undefined, 'outside'])
  })

  test('holds no argument in clear', () => {
    expect(grant('pay', { to: 'a-very-private-name' })).not.toContain('private')
  })
})

test('B16 wildcards are compared in linear time', () => {
  expect(matchesWildcard('a*b*c', 'a1b2c')).toBe(true)
  expect(matchesWildcard('a*b', 'acx')).toBe(false)
  expect(matchesWildcard('*a'.repeat(50), 'a'.repeat(20_000))).toBe(true)
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), (text) => {
      expect(matchesWildcard('*', text)).toBe(true)
      expect(matchesWildcard(text.replaceAll('*', ''), text.replaceAll('*', ''))).toBe(true)
    }),
  )
})

test('S30 what cannot be judged is denied: nothing is thrown, nothing slips through', () => {
  const { judge } = policyOf([rule('*', 'allow')])
  const broken: readonly unknown[] = [
    null,
    7,
    'bash',
    [],
    {},
    { tool: 1 },
    { tool: 'bash' },
    { tool: 'bash', source: 3 },
  ]
  for (const request of broken)
    expect([request, judge({ kind: 'tool', safety: 'pure', request: request as JsonObject }).verdict]).toEqual([
      request,
      'deny',
    ])
  const throwing = createPolicy({
    levels: [{ name: 'user', trusted: true, rules: [rule('bash', 'ask')] }],
    digest: 'p1',
    sha256: () => {
      throw new Error('broken')
    },
  })
  expect(throwing.judge(request('bash', { command: 'ls' }))).toMatchObject({
    verdict: 'deny',
    reason: expect.stringContaining('could not decide'),
  })
})
