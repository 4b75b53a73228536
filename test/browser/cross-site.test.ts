import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API } from '../../src/surfaces/http/server.ts'
import { attackFromPage, type Loot, openSandbox, submitWindow, type Target } from './attack.ts'
import { demandChromium, executablePath, openChromium } from './chromium.ts'
import { type HostileSite, openHostileSite, openTurncoatSite } from './hostile-site.ts'
import { type ServedProgram, serveProgram } from './served.ts'

demandChromium('no page of another origin attacked the server')

const RULES = 'MAP rebound.test 127.0.0.1, MAP turncoat.test 127.0.0.2, MAP evil.test 127.0.0.1'

/** Bodies that would do something if they were taken. */
const BODIES: { readonly [path: string]: object } = {
  '/v1/runs': { target: 'echo', input: 'evil' },
  '/run': { prompt: 'evil', model: 'p' },
  '/stream/run': { prompt: 'evil', model: 'p' },
  '/v1/batches': { target: 'echo', inputs: ['evil'] },
  '/v1/keys/create': { name: 'evil', scopes: ['admin'] },
  '/v1/chat/completions': { model: 'ensemble/echo', messages: [{ role: 'user', content: 'evil' }] },
  '/v1/responses': { model: 'ensemble/echo', input: 'evil' },
  '/api/ensembles/{name}/execute': { input: 'evil' },
  '/v1/profiles/{name}/create': { provider: 'scripted', model: 'rehearsal' },
  '/v1/chains/{name}/save': { steps: ['a'] },
  '/v1/runs/prune': { keep: 0 },
  '/v1/cache/clear': { confirm: true },
  '/mcp': { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'invoke', arguments: { ensemble: 'echo' } } },
}

describe.skipIf(!executablePath)('pages of other origins', () => {
  let server: ServedProgram
  let site: HostileSite
  let browser: Browser
  let target: Target

  beforeAll(async () => {
    server = await serveProgram()
    site = await openHostileSite()
    browser = await openChromium([`--host-resolver-rules=${RULES}`])
    target = aimAt(server)
  })

  afterAll(async () => {
    await browser?.close()
    site?.close()
    expect((await server?.stop())?.code).toBe(0)
  })

  /** All statuses with which the server itself answered this page. */
  const listen = (page: Page): number[] => {
    const statuses: number[] = []
    page.on('response', (response) => {
      const { hostname, port } = new URL(response.url())
      if (hostname !== 'evil.test' && Number(port) === server.port) statuses.push(response.status())
    })
    return statuses
  }
  const visit = async (url: string, options: BrowserContextOptions = {}) => {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const statuses = listen(page)
    await page.goto(url)
    return { page, statuses, close: () => context.close() }
  }
  const tell = (title: string, statuses: readonly number[], loot: Loot) =>
    console.info(`${title}: ${loot.sent} sent, ${statuses.length} answered, 0 taken, 0 state changes`)

  test.each([
    ['another site', 'evil.test'],
    ['another port of this machine', '127.0.0.1'],
  ])(
    'S07 S08 %s: forms, fetches, tags, beacons, streams and sockets change nothing and read nothing',
    async (title, host) => {
      const before = server.takeStock()
      const { page, statuses, close } = await visit(`http://${host}:${site.port}/`)
      const loot = await page.evaluate(attackFromPage, target)
      expect(loot).toMatchObject({ read: [], opened: [], ran: 0 })
      // They were sent, and the server itself refused them.
      expect(statuses.length).toBeGreaterThan(target.writes.length * 4)
      expect([...new Set(statuses)]).toEqual([403])
      expect(server.takeStock()).toEqual(before)
      tell(`S07 ${title}`, statuses, loot)
      await close()
    },
  )

  test('S07 S08 a page without an origin: the same', async () => {
    const before = server.takeStock()
    const { page, statuses, close } = await visit(`http://evil.test:${site.port}/`)
    await page.evaluate(openSandbox)
    const frame = page.frames().at(-1)
    if (!frame) throw new Error('there is no frame')
    expect(await frame.evaluate('self.origin')).toBe('null')
    const loot = await frame.evaluate(attackFromPage, target)
    expect(loot).toMatchObject({ read: [], opened: [] })
    expect(statuses.length).toBeGreaterThan(target.writes.length * 4)
    expect([...new Set(statuses)]).toEqual([403])
    expect(server.takeStock()).toEqual(before)
    tell('S07 null origin', statuses, loot)
    await close()
  })

  test('S07 a link or a form that takes the whole window: refused as well', async () => {
    const before = server.takeStock()
    for (const host of ['evil.test', '127.0.0.1', 'localhost']) {
      const { page, statuses, close } = await visit(`http://${host}:${site.port}/`)
      for (const method of ['GET', 'POST']) {
        await page.goto(`http://${host}:${site.port}/`)
        await Promise.all([
          page.waitForURL(`${server.url}/**`),
          page.evaluate(submitWindow, [`${server.url}/v1/runs/doctor`, method] as const),
        ])
      }
      expect(statuses).toEqual([403, 403])
      await close()
    }
    expect(server.takeStock()).toEqual(before)
  })

  test('S06 a name that points here, but is not ours, is refused whatever is asked', async () => {
    const context = await browser.newContext()
    const page = await context.newPage()
    const asked = ['/', ...target.reads]
    for (const path of asked) {
      const response = await page.goto(`http://rebound.test:${server.port}${path}`)
      expect([path, response?.status()]).toEqual([path, 403])
    }
    console.info(`S06 foreign name: ${asked.length} of ${asked.length} refused`)
    await context.close()
  })

  test('S06 S07 DNS rebinding: a page whose own name comes to point here reads nothing and changes nothing', async () => {
    const before = server.takeStock()
    const turncoat = await openTurncoatSite('127.0.0.2', server.port)
    const { page, statuses, close } = await visit(`http://turncoat.test:${server.port}/`)
    statuses.length = 0
    turncoat.turn()
    const loot = await page.evaluate(attackFromPage, { ...target, url: '' })
    // Frames of the same origin load whatever comes; what comes is a refusal.
    expect(loot).toMatchObject({ read: [], opened: [], ran: 0 })
    expect(statuses.length).toBeGreaterThan(target.writes.length * 4)
    expect([...new Set(statuses)]).toEqual([403])
    expect(server.takeStock()).toEqual(before)
    tell('S06 rebinding', statuses, loot)
    await close()
    turncoat.close()
  })

  test('and its own page is served, and does change something: the attacks would have been seen', async () => {
    const before = server.takeStock()
    const { page, statuses, close } = await visit(`${server.url}/health`, { bypassCSP: true })
    const { url: _, ...own } = target
    const body = JSON.stringify(BODIES['/v1/runs'])
    const answer = await page.evaluate(async (text) => {
      const headers = { 'content-type': 'application/json' }
      return (await fetch('/v1/runs?wait=true', { method: 'POST', headers, body: text })).status
    }, body)
    expect(answer).toBe(200)
    const loot = await page.evaluate(attackFromPage, { ...own, url: '', writes: [], reads: ['/v1/runs'] })
    expect(loot.read).toContain('GET /v1/runs 200')
    expect(loot.opened).toContain('/ws/execute ')
    expect(statuses).toContain(200)
    expect(server.takeStock()).not.toEqual(before)
    await close()
  })

  test('S08 with keys: only the right key from the server’s own page opens a socket', async () => {
    const key = await server.makeKey('pages')
    await expect.poll(async () => (await fetch(`${server.url}/v1/version`)).status).toBe(401)
    const before = server.takeStock()
    const protocols = [[], ['llm-orc', 'bearer.orc_0_wrong'], ['llm-orc', `bearer.${key}`]]
    const aim: Target = { ...target, reads: [], writes: [], streams: [], protocols }
    const opened = async (url: string) => {
      const { page, close } = await visit(url, { bypassCSP: true })
      const loot = await page.evaluate(attackFromPage, aim)
      await close()
      return loot.opened
    }
    for (const host of ['evil.test', '127.0.0.1', 'localhost'])
      expect([host, await opened(`http://${host}:${site.port}/`)]).toEqual([host, []])
    expect(await opened(`${server.url}/health`)).toEqual(aim.sockets.map((path) => `${path} llm-orc,bearer.${key}`))
    expect(server.takeStock()).toEqual(before)
  })
})

/** Every address that the server has. */
function aimAt({ url, run }: ServedProgram): Target {
  const named: { readonly [parameter: string]: string } = { run, name: 'echo', ensemble: 'echo' }
  const fill = (path: string) => path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => named[parameter] ?? 'x')
  const all = Object.entries({ ...API.paths, '/mcp': { post: {} } }).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ path, method: method.toUpperCase() })),
  )
  const isLive = (path: string) => /\/(ws|events|execute)$/.test(path)
  return {
    url,
    reads: all.filter(({ method, path }) => method === 'GET' && !isLive(path)).map(({ path }) => fill(path)),
    writes: all
      .filter(({ method }) => method !== 'GET')
      .map(({ method, path }) => ({ method, path: fill(path), body: JSON.stringify(BODIES[path] ?? {}) })),
    sockets: [`/v1/runs/${run}/ws`, '/ws/execute'],
    streams: [`/v1/runs/${run}/events`],
    protocols: [[], ['llm-orc']],
  }
}
