import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, exportSPKI, generateKeyPair, importJWK, type JWTPayload, SignJWT } from 'jose'
import { OAuth2Server } from 'oauth2-mock-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BearerTokens, type Issuer } from './bearer.ts'

const AUDIENCE = 'https://orc.example.org'
const issuing = new OAuth2Server()
let wish: Issuer
let looks = 0
let tokens: BearerTokens
let own: Awaited<ReturnType<typeof generateKeyPair>>

beforeAll(async () => {
  await issuing.issuer.keys.generate('RS256', { kid: 'rsa' })
  await issuing.issuer.keys.generate('ES256', { kid: 'ec' })
  await issuing.start(0, '127.0.0.1')
  wish = { issuer: issuing.issuer.url as string, audience: AUDIENCE }
  tokens = new BearerTokens(wish)
  own = await generateKeyPair('RS256', { extractable: true })
})

afterAll(() => issuing.stop())

type Header = { [name: string]: unknown; alg: string }
type Change = (header: Header, payload: JWTPayload) => void

const now = () => Math.floor(Date.now() / 1000)
const good = (): JWTPayload => ({
  iss: wish.issuer,
  aud: AUDIENCE,
  sub: 'ann',
  scope: 'a b',
  iat: now(),
  nbf: now() - 1,
  exp: now() + 60,
})

/** Signed by the issuer itself, unless another key is given. */
async function sign(change: Change = () => {}, key?: Parameters<SignJWT['sign']>[0], kid = 'rsa'): Promise<string> {
  const header: Header = { alg: kid === 'ec' ? 'ES256' : 'RS256', kid, typ: 'at+jwt' }
  const payload = good()
  change(header, payload)
  const jwk = issuing.issuer.keys.toJSON(true).find((each) => each.kid === kid)
  const signing = new SignJWT(payload).setProtectedHeader(header)
  return signing.sign(key ?? (await importJWK(jwk as never, header.alg)), { crit: { x: true } })
}

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')

test('S10 good tokens say who it is, and what they are for', async () => {
  expect(await tokens.verify(await sign())).toMatchObject({ ok: true, subject: 'ann', scopes: ['a', 'b'] })
  expect(await tokens.verify(await sign(undefined, undefined, 'ec'))).toMatchObject({ ok: true })
  for (const typ of ['JWT', 'application/at+jwt', 'AT+JWT', undefined])
    expect(await tokens.verify(await sign((header) => Object.assign(header, { typ })))).toMatchObject({ ok: true })
  expect(
    await tokens.verify(await sign((_, payload) => Object.assign(payload, { scope: undefined, scp: ['x'] }))),
  ).toMatchObject({
    scopes: ['x'],
  })
  const several = await sign((_, payload) => Object.assign(payload, { aud: ['other', AUDIENCE] }))
  expect(await tokens.verify(several)).toMatchObject({ ok: true })
})

test('S10 clocks may differ by half a minute, not more', async () => {
  const at = (exp: number, nbf = -5) =>
    sign((_, payload) => Object.assign(payload, { exp: now() + exp, nbf: now() + nbf }))
  expect(await tokens.verify(await at(-20))).toMatchObject({ ok: true })
  expect(await tokens.verify(await at(-40))).toMatchObject({ ok: false, message: 'it has expired' })
  expect(await tokens.verify(await at(60, 20))).toMatchObject({ ok: true })
  expect(await tokens.verify(await at(60, 40))).toMatchObject({ ok: false })
})

const set =
  (claims: object): Change =>
  (_, payload) =>
    void Object.assign(payload, claims)
const head =
  (parameters: object): Change =>
  (header) =>
    void Object.assign(header, parameters)

const BAD: readonly (readonly [string, () => Promise<string> | string])[] = [
  ['nothing', () => ''],
  ['a word', () => 'token'],
  ['two parts', () => 'a.b'],
  ['four parts', async () => `${await sign()}.x`],
  ['other letters', async () => `${await sign()}=`],
  ['a very long one', () => `${'a'.repeat(20_000)}.b.c`],
  ['no JSON', () => `${Buffer.from('x').toString('base64url')}.e30.x`],
  ['another issuer', () => sign(set({ iss: 'https://evil.test' }))],
  ['an issuer with a slash more', () => sign(set({ iss: `${wish.issuer}/` }))],
  ['an issuer in other letters', () => sign(set({ iss: wish.issuer.toUpperCase() }))],
  ['no issuer', () => sign(set({ iss: undefined }))],
  ['issuers as a list', () => sign(set({ iss: [wish.issuer] }))],
  ['another audience', () => sign(set({ aud: 'https://other.example.org' }))],
  ['a longer audience', () => sign(set({ aud: `${AUDIENCE}.evil.test` }))],
  ['no audience', () => sign(set({ aud: undefined }))],
  ['audiences without ours', () => sign(set({ aud: ['a', 'b'] }))],
  ['an audience that is an object', () => sign(set({ aud: { 0: AUDIENCE } }))],
  ['the past', () => sign(set({ exp: now() - 3600 }))],
  ['no end', () => sign(set({ exp: undefined }))],
  ['an end in words', () => sign(set({ exp: 'tomorrow' }))],
  ['the future', () => sign(set({ nbf: now() + 3600 }))],
  ['a beginning in words', () => sign(set({ nbf: 'today' }))],
  ['nobody', () => sign(set({ sub: undefined }))],
  ['an empty name', () => sign(set({ sub: '' }))],
  ['a name with line feeds', () => sign(set({ sub: 'ann\nadmin' }))],
  ['a number as a name', () => sign(set({ sub: 1 }))],
  ['no signature', () => `${encode({ alg: 'none' })}.${encode(good())}.`],
  ['alg none with some signature', () => `${encode({ alg: 'none' })}.${encode(good())}.AAAA`],
  ['alg None', () => `${encode({ alg: 'None', kid: 'rsa' })}.${encode(good())}.AAAA`],
  ['a shared secret', () => sign(head({ alg: 'HS256' }), new TextEncoder().encode('x'.repeat(32)))],
  [
    'the public key as a secret',
    async () => sign(head({ alg: 'HS256' }), new TextEncoder().encode(await exportedKey())),
  ],
  [
    'the public key as JSON as a secret',
    () => sign(head({ alg: 'HS256' }), new TextEncoder().encode(JSON.stringify(publicKey()))),
  ],
  ['another key of the same name', () => sign(undefined, own.privateKey)],
  ['a key nobody knows', () => sign(head({ kid: 'other' }), own.privateKey)],
  ['a key by a path', () => sign(head({ kid: '../../dev/null' }), own.privateKey)],
  ['its own key', async () => sign(head({ jwk: await exportJWK(own.publicKey), kid: undefined }), own.privateKey)],
  ['the address of its own keys', () => sign(head({ jku: 'http://127.0.0.1:1/jwks', kid: 'x' }), own.privateKey)],
  ['the address of a certificate', () => sign(head({ x5u: 'http://127.0.0.1:1/x', kid: 'x' }), own.privateKey)],
  ['an algorithm of another key', async () => reheaded(await sign(), { alg: 'ES256', kid: 'rsa', typ: 'at+jwt' })],
  ['a changed body', async () => rebodied(await sign(), { ...good(), sub: 'boss' })],
  ['a cut signature', async () => (await sign()).slice(0, -8)],
  ['something critical that nobody knows', () => sign(head({ crit: ['x'], x: 1 }))],
  ['an ID token by its type', () => sign(head({ typ: 'id+jwt' }))],
  ['a logout token', () => sign(head({ typ: 'logout+jwt' }))],
  ['a proof', () => sign(head({ typ: 'dpop+jwt' }))],
  ['an ID token by its nonce', () => sign(set({ nonce: 'n' }))],
  ['an ID token by its hash', () => sign(set({ at_hash: 'x' }))],
  ['an ID token by its claim', () => sign(set({ typ: 'ID' }))],
  ['a refresh token', () => sign(set({ typ: 'Refresh' }))],
  ['one bound to a key', () => sign(set({ cnf: { jkt: 'x' } }))],
]

test.each(BAD)('S10 a token with %s is refused', async (_, make) => {
  expect(await tokens.verify(await make())).toMatchObject({ ok: false, why: 'refused' })
})

test('S10 there are at least 45 of them', () => {
  expect(BAD.length).toBeGreaterThanOrEqual(45)
})

test('S10 only the ways of signing that are configured', async () => {
  const narrow = new BearerTokens({ ...wish, algorithms: ['ES256', 'HS256', 'none'] })
  expect(await narrow.verify(await sign())).toMatchObject({ ok: false })
  expect(await narrow.verify(await sign(undefined, undefined, 'ec'))).toMatchObject({ ok: true })
  const secret = await sign(head({ alg: 'HS256' }), new TextEncoder().encode('x'.repeat(32)))
  expect(await narrow.verify(secret)).toMatchObject({ ok: false })
})

describe('an issuer of keys', () => {
  let server: Server
  let base: string
  let answer: (path: string) => { readonly status?: number; readonly location?: string; readonly body?: unknown }

  beforeAll(async () => {
    server = createServer((request, response) => {
      looks += 1
      const { status = 200, location, body = {} } = answer(request.url ?? '')
      response.writeHead(status, location === undefined ? {} : { location }).end(JSON.stringify(body))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => server.close())

  const keysOf = (...kids: string[]) => ({ keys: issuing.issuer.keys.toJSON().filter(({ kid }) => kids.includes(kid)) })

  test('S10 is asked again for keys that are new, but not by every wrong token', async () => {
    let kids = ['rsa']
    answer = () => ({ body: keysOf(...kids) })
    looks = 0
    const at = new BearerTokens({ ...wish, jwks_url: `${base}/jwks` }, { look_again_ms: 200 })
    expect(await at.verify(await sign())).toMatchObject({ ok: true })
    for (let index = 0; index < 100; index++) await at.verify(await sign(head({ kid: `x${index}` }), own.privateKey))
    expect(looks).toBeLessThanOrEqual(5)
    kids = ['ec']
    await new Promise((resolve) => setTimeout(resolve, 250))
    expect(await at.verify(await sign(undefined, undefined, 'ec'))).toMatchObject({ ok: true })
    // The old key is gone with the rotation.
    expect(await at.verify(await sign())).toMatchObject({ ok: false, why: 'refused' })
  })

  test('S10 S30 that does not answer lets nobody in, and is left alone for a while', async () => {
    answer = () => ({ status: 500 })
    looks = 0
    const at = new BearerTokens({ ...wish, jwks_url: `${base}/jwks` }, { look_again_ms: 60_000 })
    for (let index = 0; index < 50; index++)
      expect(await at.verify(await sign())).toMatchObject({ ok: false, why: 'unreachable' })
    expect(looks).toBe(1)
  })

  test('S10 that is down keeps nobody out whose key is known already', async () => {
    answer = () => ({ body: keysOf('rsa') })
    const at = new BearerTokens({ ...wish, jwks_url: `${base}/jwks` }, { look_again_ms: 0 })
    expect(await at.verify(await sign())).toMatchObject({ ok: true })
    answer = () => ({ status: 500 })
    expect(await at.verify(await sign(undefined, undefined, 'ec'))).toMatchObject({ ok: false })
    expect(await at.verify(await sign())).toMatchObject({ ok: true })
  })

  test.each([
    ['no JSON object', { body: 'x' }],
    ['no keys', { body: {} }],
    ['keys that are none', { body: { keys: [1, null] } }],
    ['a very long answer', { body: { keys: [], filler: 'x'.repeat(1_000_000) } }],
  ])('S30 with %s lets nobody in', async (_, given) => {
    answer = () => given
    const at = new BearerTokens({ ...wish, jwks_url: `${base}/jwks` })
    expect(await at.verify(await sign())).toMatchObject({ ok: false })
  })

  test('S05 is not followed elsewhere', async () => {
    let hits = 0
    const canary = createServer((_, response) => {
      hits += 1
      response.end(JSON.stringify(keysOf('rsa')))
    })
    await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve))
    const elsewhere = `http://127.0.0.1:${(canary.address() as AddressInfo).port}/`
    for (const status of [301, 302, 303, 307, 308]) {
      answer = () => ({ status, location: elsewhere })
      expect(await new BearerTokens({ ...wish, jwks_url: `${base}/jwks` }).verify(await sign())).toMatchObject({
        ok: false,
      })
      expect(await new BearerTokens({ ...wish, issuer: base }).verify(await sign())).toMatchObject({ ok: false })
    }
    expect(hits).toBe(0)
    canary.close()
  })

  test('S05 has to speak of itself, and safely', async () => {
    const about = (issuer: string, jwks_uri: unknown) => {
      answer = (path) => (path.includes('well-known') ? { body: { issuer, jwks_uri } } : { body: keysOf('rsa') })
      return new BearerTokens({ issuer: base, audience: AUDIENCE })
    }
    const token = await sign((_, payload) => Object.assign(payload, { iss: base }))
    expect(await about(base, `${base}/jwks`).verify(token)).toMatchObject({ ok: true })
    for (const [issuer, address] of [
      ['https://evil.test', `${base}/jwks`],
      [base, 'http://10.0.0.1/jwks'],
      [base, 'file:///etc/passwd'],
      [base, 'javascript:1'],
      [base, `${base.replace('http://', 'http://a:b@')}/jwks`],
      [base, undefined],
    ] as const)
      expect(await about(issuer, address).verify(token), String(address)).toMatchObject({
        ok: false,
        why: 'unreachable',
      })
    expect(
      await new BearerTokens({ issuer: 'http://idp.example.org', audience: AUDIENCE }).verify(token),
    ).toMatchObject({ ok: false })
  })
})

async function exportedKey(): Promise<string> {
  const key = await importJWK(publicKey() as never, 'RS256', { extractable: true })
  return exportSPKI(key as Parameters<typeof exportSPKI>[0])
}

function publicKey() {
  return issuing.issuer.keys.toJSON().find(({ kid }) => kid === 'rsa')
}

function reheaded(token: string, header: object): string {
  return [encode(header), ...token.split('.').slice(1)].join('.')
}

function rebodied(token: string, payload: object): string {
  const [header, , signature] = token.split('.')
  return [header, encode(payload), signature].join('.')
}
