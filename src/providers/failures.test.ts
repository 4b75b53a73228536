import { describe, expect, test } from 'vitest'
import { readHttpFailure, readRefusal, readStreamError, type Speaker } from './failures.ts'
import { HttpFailure } from './http-failure.ts'
import { redact } from './redaction.ts'
import { readRetryAfter } from './retry-after.ts'

const speaker: Speaker = { name: 'acme', secrets: ['s3cret/key+1'], key_name: 'ACME_API_KEY' }
const body = (message: string, more: object = {}) => JSON.stringify({ error: { message, ...more } })

describe('F16 Retry-After', () => {
  const now = Date.UTC(2026, 10, 21, 12, 0, 0)
  test.for([
    ['3', 3000],
    [' 1.5 ', 1500],
    ['0', 0],
    ['259200', 259_200_000],
    ['Sat, 21 Nov 2026 12:00:30 GMT', 30_000],
    ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
    ['-5', undefined],
    ['soon', undefined],
    ['', undefined],
    ['NaN', undefined],
    ['1e9', undefined],
    ['99999999999999999999', undefined],
    ['2026', 2_026_000],
    ['Sat, 99 Nov 2026 99:99:99 GMT', undefined],
  ] as const)('"%s" is %s ms', ([value, ms]) => expect(readRetryAfter({ 'retry-after': value }, now)).toBe(ms))

  test('milliseconds win, and a body may say it too', () => {
    expect(readRetryAfter({ 'retry-after-ms': '250', 'retry-after': '9' }, now)).toBe(250)
    const told = readRefusal({ status: 429, body: body('x', { details: [{ retryDelay: '34.5s' }] }) }, speaker)
    expect(told).toMatchObject({ code: 'rate_limited', retry_after_ms: 34_500 })
  })
})

describe('what a status means', () => {
  test.for([
    [400, 'bad', 'request_refused', false],
    [400, 'API key not valid. Please pass a valid API key.', 'provider_auth', false],
    [400, 'Your credit balance is too low', 'provider_quota', false],
    [400, 'prompt is too long: 210000 tokens > 200000 maximum', 'context_overflow', false],
    [400, "This model's maximum context length is 8192 tokens", 'context_overflow', false],
    [400, 'The input token count (1048577) exceeds the maximum number of tokens', 'context_overflow', false],
    [500, 'the request exceeds the available context size', 'context_overflow', false],
    [401, '', 'provider_auth', false],
    [402, '', 'provider_quota', false],
    [403, '', 'provider_auth', false],
    [404, 'model "x" not found, try pulling it first', 'model_not_found', false],
    [404, '404 page not found', 'provider_error', false],
    [302, '', 'provider_error', false],
    [408, '', 'provider_timeout', true],
    [429, 'slow', 'rate_limited', true],
    [429, 'insufficient_quota', 'provider_quota', false],
    [429, 'You exceeded your current quota', 'provider_quota', false],
    [500, '', 'provider_error', true],
    [503, '', 'provider_overloaded', true],
    [504, '', 'provider_timeout', true],
    [529, '', 'provider_overloaded', true],
  ] as const)('%s "%s" is %s', ([status, message, code, retry]) => {
    expect(readRefusal({ status, body: body(message) }, speaker)).toMatchObject({ code, retry, touched: 'yes', status })
  })

  test('the message is ours, theirs is the detail, wherever it stood', () => {
    for (const said of [
      body('their words'),
      '{"error":"their words"}',
      '{"detail":"their words"}',
      '[{"error":{"message":"their words"}}]',
      'their words',
    ]) {
      const told = readRefusal({ status: 400, body: said }, speaker)
      expect(told.detail).toBe('their words')
      expect(told.message).not.toContain('their')
    }
  })

  test('nothing a server streams as an error makes us throw', () => {
    for (const error of [
      null,
      undefined,
      0,
      '',
      [],
      {},
      { code: {} },
      { type: [] },
      new Error('x'),
      Symbol.iterator.toString(),
    ]) {
      expect(readStreamError(error, speaker).code).toBe('provider_error')
    }
  })

  test('only what passes by itself is tried again', () => {
    const retry = (reason: string, more: Partial<Speaker> = {}) =>
      readHttpFailure(new HttpFailure('unreachable', 'no', { reason }), { ...speaker, ...more }).retry
    expect([
      retry('ECONNREFUSED'),
      retry('ECONNREFUSED', { local: true }),
      retry('ENOTFOUND'),
      retry('UND_ERR_CONNECT_TIMEOUT'),
    ]).toEqual([true, false, false, true])
    expect([retry('CERT_HAS_EXPIRED'), retry('DEPTH_ZERO_SELF_SIGNED_CERT')]).toEqual([false, false])
  })
})

describe('secrets', () => {
  test.for([
    'key s3cret/key+1 is wrong',
    'at ?key=s3cret%2Fkey%2B1',
    '{"k":"s3cret/key+1"}',
    'Authorization: Bearer s3cret/key+1',
    'authorization: "Basic czNjcmV0"',
    'x-api-key: abcdef123456',
    'Incorrect API key provided: sk-proj-abcdefghijklmnop',
    'AIzaSyA1234567890abcdefghijklmnopq',
  ])('%s leaves none behind', (text) => {
    const clean = redact(text, speaker.secrets)
    expect(clean).toContain('[redacted]')
    expect(clean).not.toMatch(/s3cret|czNj|abcdef/)
  })

  test('a key across the cut is gone too, and halves of characters are whole', () => {
    expect(redact(`${'x'.repeat(1995)}s3cret/key+1`, speaker.secrets)).not.toContain('s3c')
    expect(redact(`${'x'.repeat(1999)}🌍`, []).isWellFormed()).toBe(true)
  })
})
