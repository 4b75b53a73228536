import { describe, expect, test } from 'vitest'
import { createRedaction, findHeaderSecrets, findSecrets, Redaction } from './redaction.ts'

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

describe('what is secret', () => {
  test.each([
    ['API_KEY', 'abcdefgh1'],
    ['AWS_SECRET_ACCESS_KEY', 'abcdefgh2'],
    ['GITHUB_PAT', 'abcdefgh3'],
    ['DB_PWD', 'abcdefgh4'],
    ['MY_OWN', 'abcdefgh5'],
    // One in a hundred keys of this kind looks like a path.
    ['AWS_SECRET_ACCESS_KEY', '/bPxRfiCYK7MDENGwJalrXUtnFEMI/0EXAMPLE12'],
  ])('%s', (name, value) => {
    expect(findSecrets([[name, value]], new Set(['MY_OWN']))).toEqual(new Map([[name, value]]))
  })

  test.each([
    ['PWD', '/home/somebody'],
    ['OLDPWD', '/home/somebody'],
    ['GOOGLE_APPLICATION_CREDENTIALS', '/home/somebody/key.json'],
    ['LLM_ORC_IDEMPOTENCY_KEY', 'a'.repeat(64)],
    ['PATH', '/usr/bin:/bin'],
    ['SHORT_TOKEN', 'abc'],
  ])('%s is not', (name, value) => {
    expect(findSecrets([[name, value]]).size).toBe(0)
  })

  test('passwords and keys in addresses, and what headers carry', () => {
    const url = 'postgres://me:pass%2Fword-1@host/db?sslkey=0123456789'
    expect([...findSecrets([['DATABASE_URL', url]]).values()]).toEqual(['pass/word-1', 'pass%2Fword-1', '0123456789'])
    expect([
      ...findHeaderSecrets([
        ['Authorization', 'Bearer abcdefgh'],
        ['X-Trace', 'abcdefghij'],
      ]).values(),
    ]).toEqual(['abcdefgh'])
  })
})

describe('live text', () => {
  const secrets = new Map([['K_TOKEN', 'sk-0123456789-abcdef']])

  test.each([1, 2, 3, 7, 19, 20])('a secret that comes in pieces of %i characters is never shown', (size) => {
    const stream = new Redaction(secrets).stream()
    const text = 'before sk-0123 sk-0123456789-abcdef after c2stMDEyMzQ1Njc4OS1hYmNkZWY= end sk-'
    let shown = ''
    for (let at = 0; at < text.length; at += size) {
      shown += stream.take(text.slice(at, at + size))
      expect(shown).not.toContain('0123456789-abcdef')
    }
    shown += stream.end()
    expect(shown).toMatch(/^before sk-0123 \[secret K_TOKEN\] after \[secret K_TOKEN\].{0,3} end sk-$/)
  })

  test.each([
    ['is short', 'abcdefgha', 'x abcdefghabcd ok'],
    ['is written in hex', 'key-0123456789-abcdef', `${Buffer.from('key-0123456789-abcdef').toString('hex')}b6`],
  ])('nor one that %s and seems to begin again where it ends', (_, secret, text) => {
    const redaction = new Redaction(new Map([['K_TOKEN', secret]]))
    const stream = redaction.stream()
    const shown = [...text].map((character) => stream.take(character)).join('') + stream.end()
    expect(shown).toBe(redaction.redact(text))
  })

  test('text without a secret is not held back', () => {
    const stream = new Redaction(secrets).stream()
    expect(stream.take('nothing here!')).toBe('nothing here!')
  })
})

test('a text that was cut within a secret keeps neither part of it', () => {
  const { redact } = new Redaction(new Map([['K_TOKEN', 'sk-0123456789-abcdef']]))
  expect(redact('the key is sk-0123456789')).toBe('the key is [secret K_TOKEN]')
  expect(redact('23456789-abcdef was it')).toBe('[secret K_TOKEN] was it')
})

test('what is learnt later is taken out from then on, in names of members too', () => {
  const redaction = new Redaction(new Map())
  redaction.learn(new Map([['LATE', 'late-secret-value']]))
  expect(redaction.redactJson({ 'late-secret-value': ['x late-secret-value'] })).toEqual({
    '[secret LATE]': ['x [secret LATE]'],
  })
})
