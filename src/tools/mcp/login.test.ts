import { hash } from 'node:crypto'
import { request } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { createServerFetch } from './http-fetch.ts'
import { Login, type LoginSpec } from './login.ts'

const { signal } = new AbortController()
const logins: Login[] = []

afterEach(() => {
  for (const login of logins.splice(0)) login.close()
})

function createLogin(spec: LoginSpec = {}, show: (url: string) => boolean | Promise<boolean> = () => true): Login {
  const login = new Login('server', { spec, show })
  logins.push(login)
  return login
}

/** Goes as far as the library does before somebody has to log in. */
async function begin(login: Login): Promise<{ readonly page: URL; readonly redirect: URL }> {
  await login.prepare()
  const page = new URL('https://issuer.example/authorize')
  const verifier = `verifier-${Math.random()}`
  page.searchParams.set('state', login.state())
  page.searchParams.set('code_challenge', hash('sha256', verifier, 'base64url'))
  login.saveCodeVerifier(verifier)
  login.redirectToAuthorization(page)
  return { page, redirect: new URL(login.redirectUrl as string) }
}

function answerTo(redirect: URL, given: { readonly [name: string]: string }): URL {
  const url = new URL(redirect)
  for (const [name, value] of Object.entries(given)) url.searchParams.set(name, value)
  return url
}

function metadata(endpoints: { readonly [name: string]: string }, issuer = 'https://issuer.example'): object {
  const usual = { issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` }
  return { authorizationServerUrl: issuer, authorizationServerMetadata: { ...usual, ...endpoints } }
}

describe('S11 the login of a server', () => {
  test('the browser that comes back with our state is heard, once; nobody else is', async () => {
    const login = createLogin()
    const { page, redirect } = await begin(login)
    const state = page.searchParams.get('state') as string
    const statuses: number[] = []
    let code: string | null = null
    const finished = login.complete(async (answer) => {
      code = answer.get('code')
      expect(login.codeVerifier()).toMatch(/^verifier-/)
    }, signal)
    const tries: readonly [URL, RequestInit?][] = [
      [answerTo(redirect, { code: 'stolen' })],
      [answerTo(redirect, { code: 'stolen', state: 'guess' })],
      [answerTo(redirect, { code: 'stolen', state: `${state}x` })],
      [answerTo(new URL('/other', redirect), { code: 'stolen', state })],
      [answerTo(redirect, { code: 'stolen', state }), { method: 'POST' }],
    ]
    for (const [url, init] of tries) statuses.push((await fetch(url, init)).status)
    statuses.push(await getAs('evil.example', answerTo(redirect, { code: 'stolen', state })))
    expect(code).toBeNull()
    statuses.push((await fetch(answerTo(redirect, { code: 'right', state }))).status)
    await finished
    expect({ code, statuses }).toEqual({ code: 'right', statuses: [400, 400, 400, 404, 404, 400, 200] })
    await expect(fetch(answerTo(redirect, { code: 'again', state }))).rejects.toThrow()
    expect(() => login.codeVerifier()).toThrow()
  })

  test('it listens on this machine alone, on its own port again, and says when nobody logs in', async () => {
    const login = createLogin({}, () => false)
    const first = await begin(login)
    expect(first.redirect.hostname).toBe('127.0.0.1')
    await expect(login.complete(async () => {}, signal)).rejects.toMatchObject({ code: 'mcp_login_needed' })
    const second = await begin(login)
    expect(second.redirect.port).toBe(first.redirect.port)
    const stop = new AbortController()
    const waiting = createLogin()
    await begin(waiting)
    const done = waiting.complete(async () => {}, stop.signal)
    stop.abort()
    await expect(done).rejects.toMatchObject({ code: 'mcp_login_needed' })
  })

  test('a port that somebody else has taken costs the registration, not the login', async () => {
    const one = createLogin()
    const { redirect } = await begin(one)
    const other = createLogin({ redirect_port: Number(redirect.port) })
    other.saveClientInformation({ client_id: 'registered with that port' })
    await other.prepare()
    expect(new URL(other.redirectUrl as string).port).not.toBe(redirect.port)
    expect(other.clientInformation()).toBeUndefined()
  })

  test('calls that find out at once show one page, with the verifier that belongs to it', async () => {
    const shown: string[] = []
    const login = createLogin({}, (url) => shown.push(url) > 0)
    await login.prepare()
    const pages = ['a', 'b', 'c'].map((verifier) => {
      const page = new URL('https://issuer.example/authorize')
      page.searchParams.set('state', login.state())
      page.searchParams.set('code_challenge', hash('sha256', verifier, 'base64url'))
      login.saveCodeVerifier(verifier)
      return page
    })
    for (const page of [pages[1], pages[0], pages[2]]) login.redirectToAuthorization(page as URL)
    const redirect = new URL(login.redirectUrl as string)
    let verifier = ''
    const done = login.complete(async () => {
      verifier = login.codeVerifier()
    }, signal)
    expect(
      (await fetch(answerTo(redirect, { code: 'c', state: pages[0]?.searchParams.get('state') as string }))).status,
    ).toBe(400)
    await fetch(answerTo(redirect, { code: 'c', state: pages[1]?.searchParams.get('state') as string }))
    await done
    expect({ shown: shown.length, verifier }).toEqual({ shown: 1, verifier: 'b' })
  })

  test('endpoints lie at the issuer, or where the user says', () => {
    const login = createLogin({ origins: ['https://tokens.example'] })
    expect(() => login.saveDiscoveryState(metadata({}))).not.toThrow()
    expect(() => login.saveDiscoveryState(metadata({ token_endpoint: 'https://tokens.example/t' }))).not.toThrow()
    for (const endpoint of [
      'https://evil.example/t',
      'http://issuer.example/t',
      'javascript:alert(1)',
      'file:///etc/passwd',
      'https://issuer.example.evil.example/',
    ])
      for (const key of ['authorization_endpoint', 'token_endpoint', 'registration_endpoint'])
        expect(() => login.saveDiscoveryState(metadata({ [key]: endpoint }))).toThrow(
          expect.objectContaining({ code: 'mcp_login_refused' }),
        )
  })

  test('what the user gave as client is not replaced, and dies with nothing else', () => {
    const login = createLogin({ client_id: 'mine', client_secret: 'hidden', issuer: 'https://issuer.example' })
    login.saveClientInformation({ client_id: 'theirs', client_secret: 'other' })
    expect(login.clientInformation()).toEqual({
      client_id: 'mine',
      client_secret: 'hidden',
      issuer: 'https://issuer.example',
    })
    login.saveTokens({ access_token: 't', token_type: 'Bearer' })
    login.invalidateCredentials('all')
    expect([login.tokens(), login.clientInformation()?.client_id]).toEqual([undefined, 'mine'])
  })

  test('client credentials ask nobody', async () => {
    const login = createLogin({ grant: 'client_credentials', client_id: 'm', scope: 'a b' })
    await login.prepare()
    expect([login.redirectUrl, String(login.prepareTokenRequest?.('c'))]).toEqual([
      undefined,
      'grant_type=client_credentials&scope=a+b',
    ])
  })
})

describe('S11 addresses', () => {
  test('a server elsewhere cannot send us to them, nor to a place without TLS', async () => {
    const hooks = { beforeLogin: async () => {}, onFlood: () => {} }
    const far = createServerFetch(new URL('https://93.184.216.34/mcp'), hooks)
    for (const url of [
      'http://93.184.216.35/x',
      'https://127.0.0.1/x',
      'https://localhost/x',
      'https://[::1]/x',
      'https://[::ffff:a00:1]/',
      'https://2130706433/',
      'https://169.254.169.254/latest',
      'http://localhost:1/',
      'file:///etc/passwd',
      'data:,x',
    ])
      await expect(far(url)).rejects.toMatchObject({ code: 'mcp_login_refused' })
  })
})

/** A request under another name, as a page in a browser would send it. */
function getAs(host: string, url: URL): Promise<number> {
  return new Promise((resolve) => {
    request(url, { headers: { host } }, (response) => resolve(response.statusCode ?? 0)).end()
  })
}
