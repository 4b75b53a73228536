import { describe, expect, test } from 'vitest'
import { createRedaction, findSecrets } from './redaction.ts'

const canary = 'sk-canary+/"value"-äöü-0123456789'
const redact = createRedaction(new Map([['SOME_API_KEY', canary]]))

describe('I18 a known secret never leaves', () => {
  test.each([
    ['raw', canary],
    ['in JSON', JSON.stringify({ error: `bad key ${canary}` })],
    ['in a URL', `https://host/?key=${encodeURIComponent(canary)}`],
    ['in hex', Buffer.from(canary).toString('hex')],
    ['in upper-case hex', Buffer.from(canary).toString('hex').toUpperCase()],
    ...[0, 1, 2, 3].map(
      (before) =>
        [
          `in base64 after ${before} bytes`,
          Buffer.from('x'.repeat(before) + canary + 'tail').toString('base64'),
        ] as const,
    ),
    ['in base64url', Buffer.from(canary).toString('base64url')],
  ] as const)('%s', (_, text) => {
    const clean = redact(`before ${text} after`)
    expect(clean).toContain('[secret SOME_API_KEY]')
    expect(clean).toContain('before ')
    for (const form of [canary, encodeURIComponent(canary), Buffer.from(canary).toString('hex')])
      expect(clean.toLowerCase()).not.toContain(form.toLowerCase())
  })

  test('secrets are found by the names of variables; short values and other variables are not touched', () => {
    const secrets = findSecrets([
      ['OPENAI_API_KEY', 'a-long-enough-key'],
      ['GITHUB_TOKEN', 'short'],
      ['PATH', '/usr/bin:/usr/local/bin'],
      ['DB_PASSWORD', 'correct horse battery'],
    ])
    expect([...secrets.keys()]).toEqual(['OPENAI_API_KEY', 'DB_PASSWORD'])
    expect(createRedaction(new Map())('nothing to hide')).toBe('nothing to hide')
  })
})
