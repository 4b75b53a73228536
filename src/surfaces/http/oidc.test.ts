import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OAuth2Server } from 'oauth2-mock-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { bearer, makeKey } from './access.fixture.ts'
import { makeServedProject, openServer, readStream, type Served } from './serve.fixture.ts'

const ECHO = 'name: echo\ndescription: says it again\nagents:\n- {name: one, model_profile: p}\n'
const AUDIENCE = 'https://orc.example.org'

const serveWith = (oidc: string) =>
  openServer(makeServedProject({ 'ensembles/echo.yaml': ECHO, '~/config.yaml': `serve: { oidc: ${oidc} }\n` }))

const json = async (response: Response) => (await response.json()) as { readonly [field: string]: never }

describe('S10 tokens of a provider of today', () => {
  let idp: Server
  let server: Served
  let issuer: string

  beforeAll(async () => {
    let callback: RequestListener = () => {}
    idp = createServer((request, response) => callback(request, response))
    await new Promise<void>((resolve) => idp.listen(0, '127.0.0.1', resolve))
    issuer = `http://127.0.0.1:${(idp.address() as AddressInfo).port}`
    callback = await openProvider(issuer)
    server = await serveWith(
      `{ issuer: "${issuer}", audience: "${AUDIENCE}", scopes: { "orc.use": [read, run], "orc.all": [admin] } }`,
    )
  })
  afterAll(async () => {
    await server.close()
    idp.close()
    expect(server.violations).toEqual([])
  })

  const fetchToken = async (scope: string, client = 'robot') => {
    const response = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${client}:${client}-secret`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource: AUDIENCE, scope }),
    })
    const { access_token: token, ...rest } = (await response.json()) as { readonly access_token?: string }
    if (token === undefined) throw new Error(JSON.stringify(rest))
    return token
  }

  test('who has none learns where to get one', async () => {
    const refused = await server.ask('/v1/version')
    expect(refused.status).toBe(401)
    const { host } = new URL(server.url)
    const metadata = `http://${host}/.well-known/oauth-protected-resource`
    expect(refused.headers.get('www-authenticate')).toBe(`Bearer realm="llm-orc", resource_metadata="${metadata}"`)
    const described = await json(await server.ask('/.well-known/oauth-protected-resource'))
    expect(described).toMatchObject({
      resource: `http://${host}`,
      authorization_servers: [issuer],
      scopes_supported: ['orc.use', 'orc.all'],
      bearer_methods_supported: ['header'],
    })
    const mcp = await fetch(`${server.url}/mcp`, { method: 'POST' })
    expect(mcp.status).toBe(401)
    expect(mcp.headers.get('www-authenticate')).toContain(`${metadata}/mcp`)
    expect(await json(await fetch(`${metadata}/mcp`))).toMatchObject({ resource: `http://${host}/mcp` })
  })

  test('its scopes are rights here, on requests, streams and sockets', async () => {
    const token = await fetchToken('orc.use')
    const begun = await server.post('/v1/runs?wait=true', { target: 'echo', input: 'x' }, bearer(token))
    expect(begun.status).toBe(200)
    const { run } = (await json(begun)) as unknown as { run: string }
    const [first] = await readStream(await server.ask(`/v1/runs/${run}/events`, { headers: bearer(token) }))
    expect(JSON.parse(first?.data ?? '')).toMatchObject({ data: { principal: 'oidc:robot' } })
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/runs/${run}/ws`, { headers: bearer(token) })
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    socket.close()
    const denied = await server.ask('/v1/keys', { headers: bearer(token) })
    expect(denied.status).toBe(403)
    expect(denied.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
    const other = await fetchToken('orc.use', 'other')
    expect((await server.ask(`/v1/runs/${run}`, { headers: bearer(other) })).status).toBe(404)
    const all = await fetchToken('orc.all', 'other')
    expect((await server.ask(`/v1/runs/${run}`, { headers: bearer(all) })).status).toBe(200)
  })

  test('a token without one of them may do nothing', async () => {
    const token = await fetchToken('orc.other')
    expect((await server.ask('/v1/version', { headers: bearer(token) })).status).toBe(403)
  })

  test('keys work beside tokens', async () => {
    const { key } = await makeKey(server.app, 'beside')
    expect((await server.ask('/v1/version', { headers: bearer(key) })).status).toBe(200)
  })
})

describe('S10 tokens of a simpler provider', () => {
  const issuing = new OAuth2Server()
  let server: Served

  beforeAll(async () => {
    await issuing.issuer.keys.generate('ES256')
    await issuing.start(0, '127.0.0.1')
    server = await serveWith(`{ issuer: "${issuing.issuer.url}", audience: ours, requests_per_minute: 3 }`)
  })
  afterAll(async () => {
    await server.close()
    await issuing.stop().catch(() => {})
  })

  const build = (claims: object) =>
    issuing.issuer.buildToken({
      scopesOrTransform: (_, payload) =>
        void Object.assign(payload, { aud: 'ours', sub: 'ann', scope: 'llm-orc:read read', ...claims }),
    })
  const status = async (claims: object) =>
    (await server.ask('/v1/runs', { headers: bearer(await build(claims)) })).status

  test('without a map only scopes that are named for this program count', async () => {
    expect(await status({})).toBe(200)
    expect(await status({ sub: 'b', scope: 'read admin' })).toBe(403)
    expect(await status({ sub: 'c', scope: 'llm-orc:write' })).toBe(403)
    expect(await status({ aud: 'theirs' })).toBe(401)
    expect(await status({ sub: 'd', scope: undefined, scp: ['llm-orc:admin'] })).toBe(200)
  })

  test('S20 each owner of tokens has its own limits', async () => {
    const statuses: number[] = []
    for (let index = 0; index < 5; index++) statuses.push(await status({ sub: 'busy' }))
    expect(statuses).toEqual([200, 200, 200, 429, 429])
    expect(await status({ sub: 'calm' })).toBe(200)
  })

  test('S09 a stream ends with its token', async () => {
    server.write(
      'ensembles/slow.yaml',
      'name: slow\ndescription: d\nagents:\n- {name: one, script: "sleep 5; echo {}"}\n',
    )
    const exp = Math.floor(Date.now() / 1000) - 28
    const claims = { sub: 'short', scope: 'llm-orc:admin', exp }
    const token = await build(claims)
    const begun = await server.post('/v1/runs', { target: 'slow', input: 'x', allow: ['*'] }, bearer(token))
    const { run } = (await json(begun)) as unknown as { run: string }
    const events = await readStream(await server.ask(`/v1/runs/${run}/events`, { headers: bearer(token) }))
    expect(events.at(-1)?.event).toBe('revoked')
  })

  test('an issuer that only the project names is not believed, and nobody comes in without a token', async () => {
    const strange = await openServer(
      makeServedProject({ 'config.yaml': `serve: { oidc: { issuer: "${issuing.issuer.url}", audience: ours } }\n` }),
    )
    try {
      const refused = await strange.ask('/v1/version', { headers: bearer(await build({})) })
      expect(await json(refused)).toMatchObject({
        code: 'credentials_refused',
        detail: expect.stringContaining('trusts'),
      })
      expect((await strange.ask('/v1/version')).status).toBe(401)
    } finally {
      await strange.close()
    }
  })

  test('S30 when the issuer is gone, nobody new is let in by token, and keys work on', async () => {
    const { key } = await makeKey(server.app, 'always')
    const gone = await serveWith(`{ issuer: "http://127.0.0.1:9", audience: ours }`)
    try {
      const refused = await gone.ask('/v1/version', { headers: bearer(await build({})) })
      expect(refused.status).toBe(503)
      expect(await json(refused)).toMatchObject({ code: 'identity_unreachable' })
      expect((await gone.ask('/v1/version')).status).toBe(401)
    } finally {
      await gone.close()
    }
    expect((await server.ask('/v1/version', { headers: bearer(key) })).status).toBe(200)
  })
})

/** Access tokens as signed JWTs for one resource, for two clients. The package brings no types. */
async function openProvider(issuer: string): Promise<RequestListener> {
  // @ts-expect-error It has no declarations.
  const { default: Provider } = (await import('oidc-provider')) as {
    readonly default: new (issuer: string, options: object) => { callback(): RequestListener }
  }
  const client = (id: string) => ({
    client_id: id,
    client_secret: `${id}-secret`,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  })
  const provider = new Provider(issuer, {
    clients: [client('robot'), client('other')],
    scopes: ['orc.use', 'orc.all', 'orc.other'],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope: 'orc.use orc.all orc.other',
          audience: AUDIENCE,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 60,
        }),
      },
    },
  })
  return provider.callback()
}
