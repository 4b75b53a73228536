/** S10 at the faces: what a bad token is answered with over HTTP, WebSocket and MCP, and how often the issuer is asked under attack. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { bearer } from './access.fixture.ts'
import { makeServedProject, openServer, type Served } from './serve.fixture.ts'

const AUDIENCE = 'https://orc.example.org'
type Pair = Awaited<ReturnType<typeof generateKeyPair>>

let idp: Server
let issuer: string
let pair: Pair
let other: Pair
let looks = 0
let down = false
let server: Served

beforeAll(async () => {
  pair = await generateKeyPair('ES256', { extractable: true })
  other = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }
  idp = createServer((request, response) => {
    if (request.url === '/jwks') looks += 1
    if (down) return void response.writeHead(500).end()
    const document = { issuer, jwks_uri: `${issuer}/jwks` }
    response.end(JSON.stringify(request.url === '/jwks' ? { keys: [jwk] } : document))
  })
  await new Promise<void>((resolve) => idp.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(idp.address() as AddressInfo).port}`
  server = await open()
})

afterAll(async () => {
  await server.close()
  idp.close()
  expect(server.violations).toEqual([])
  expect(server.log.join('\n')).not.toContain('eyJ')
})

const open = () =>
  openServer(
    makeServedProject({
      '~/config.yaml': `serve:\n  oidc: { issuer: "${issuer}", audience: "${AUDIENCE}" }\n`,
    }),
  )

const now = () => Math.floor(Date.now() / 1000)
function sign(claims: JWTPayload = {}, header: object = {}, key = pair.privateKey): Promise<string> {
  const payload = {
    iss: issuer,
    aud: AUDIENCE,
    sub: 'ann',
    scope: 'llm-orc:read',
    iat: now(),
    exp: now() + 60,
    ...claims,
  }
  return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'at+jwt', ...header }).sign(key)
}

const BAD: readonly (readonly [string, () => Promise<string>])[] = [
  ['another issuer', () => sign({ iss: 'https://evil.test' })],
  ['another audience', () => sign({ aud: 'https://other.test' })],
  ['no time left', () => sign({ exp: now() - 600 })],
  ['a time to come', () => sign({ nbf: now() + 600 })],
  ['another key of the same name', () => sign({}, {}, other.privateKey)],
  ['a key nobody knows', () => sign({}, { kid: 'x' }, other.privateKey)],
  ['the type of an ID token', () => sign({}, { typ: 'id+jwt' })],
  ['the nonce of an ID token', () => sign({ nonce: 'n' })],
  ['no signature', async () => `${(await sign({}, {})).split('.').slice(0, 2).join('.')}.`],
  ['a holder’s key, which would have to be proved (DPoP)', () => sign({ cnf: { jkt: 'x' } })],
  ['a holder’s certificate (mTLS)', () => sign({ cnf: { 'x5t#S256': 'x' } })],
]

const openSocket = (token: string) =>
  new Promise<{ readonly status: number; readonly asked: string | undefined }>((resolve) => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/runs/x/ws`, { headers: bearer(token) })
    socket.once('unexpected-response', (_, { statusCode = 0, headers }) =>
      resolve({ status: statusCode, asked: headers['www-authenticate'] }),
    )
    socket.once('open', () => resolve({ status: 101, asked: undefined })).on('error', () => {})
  })

const openMcp = (token: string) =>
  fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: { ...bearer(token), 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    }),
  })

describe('S10 a token', () => {
  test('that is good opens all three', async () => {
    const token = await sign()
    expect((await server.ask('/v1/version', { headers: bearer(token) })).status).toBe(200)
    // There is no such run, but whoever may ask is told so.
    expect(await openSocket(token)).toMatchObject({ status: 404 })
    expect((await openMcp(token)).status).toBe(200)
  })

  test('without the right is 403, and says which scope would do', async () => {
    for (const [scope, path] of [
      ['llm-orc:read', '/v1/keys'],
      ['llm-orc:write', '/v1/version'],
      ['admin', '/v1/version'],
      ['', '/v1/version'],
    ] as const) {
      const denied = await server.ask(path, { headers: bearer(await sign({ scope })) })
      expect(denied.status, scope).toBe(403)
      expect(denied.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
    }
  })

  test('that says it is of DPoP is none, with or without its proof, the first time and again', async () => {
    const token = await sign({ cnf: { jkt: 'x' } })
    const proof = await new SignJWT({ htm: 'GET', htu: `${server.url}/v1/version`, jti: 'once', iat: now() })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(other.publicKey) })
      .sign(other.privateKey)
    const forms = [
      { authorization: `DPoP ${token}`, dpop: proof },
      { authorization: `DPoP ${token}` },
      { authorization: `DPoP ${await sign()}`, dpop: proof },
      { authorization: `Bearer ${token}`, dpop: proof },
      { authorization: `Bearer ${proof}` },
    ]
    // Beyond ten a minute the address has to wait as well: never is it let in.
    for (const headers of [...forms, ...forms])
      expect([401, 429]).toContain((await server.ask('/v1/version', { headers })).status)
  })

  test.each(BAD)('with %s is 401 over HTTP, WebSocket and MCP', async (_, make) => {
    const own = await open()
    const before = server
    server = own
    try {
      const token = await make()
      const refused = await own.ask('/v1/version', { headers: bearer(token) })
      expect(refused.status).toBe(401)
      expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token"/)
      const { status, asked } = await openSocket(token)
      expect(status).toBe(401)
      expect(asked).toContain('error="invalid_token"')
      const mcp = await openMcp(token)
      expect(mcp.status).toBe(401)
      expect(mcp.headers.get('www-authenticate')).toContain('error="invalid_token"')
      expect(await refused.text()).not.toContain(token)
    } finally {
      await own.close()
      server = before
    }
  })

  test('of 500 unknown keys makes the issuer be asked once', async () => {
    const own = await open()
    looks = 0
    try {
      const tokens = await Promise.all(
        Array.from({ length: 500 }, (_, index) => sign({}, { kid: `x${index}` }, other.privateKey)),
      )
      for (let index = 0; index < tokens.length; index += 25) {
        const asked = tokens.slice(index, index + 25).map((token) => own.ask('/v1/version', { headers: bearer(token) }))
        for (const { status } of await Promise.all(asked)) expect([401, 429]).toContain(status)
      }
      expect(looks).toBe(1)
      expect((await own.ask('/v1/version', { headers: bearer(await sign()) })).status).toBe(200)
      console.log(`S10: 500 tokens, ${looks} looks at the keys of the issuer`)
    } finally {
      await own.close()
    }
  })

  test('S30 lets nobody in while the keys of the issuer cannot be read', async () => {
    down = true
    looks = 0
    const own = await open()
    try {
      for (let index = 0; index < 20; index += 1)
        expect((await own.ask('/v1/version', { headers: bearer(await sign()) })).status).toBe(503)
      expect(looks).toBeLessThanOrEqual(1)
    } finally {
      down = false
      await own.close()
    }
  })
})
