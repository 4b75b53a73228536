import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NASTY_OUTPUTS } from '../../src/events/views/sample-events.ts'
import { drawMermaid } from '../../src/graph/picture/mermaid.ts'
import { pictureOf } from '../../src/graph/picture/picture.ts'
import { drawSvg } from '../../src/graph/picture/svg.ts'
import type { GraphStep } from '../../src/graph/step-graph.ts'
import { demandChromium, executablePath, openChromium } from './chromium.ts'
import { renderPermissively } from './permissive-markdown.ts'
import { type ServedProgram, serveProgram } from './served.ts'

demandChromium('no output of a model was shown in a browser')

/** What stands where a page may run it, and calls home by itself. */
const OUTPUTS = [
  ...NASTY_OUTPUTS,
  '<svg onload=alert(1)><image href="http://beacon.test/svg"/></svg>',
  '<iframe srcdoc="<script>parent.alert(1)</script>" src="http://beacon.test/frame"></iframe>',
  '<meta http-equiv="refresh" content="0;url=http://beacon.test/meta">',
  '<link rel="stylesheet" href="http://beacon.test/style"><style>@import "http://beacon.test/import";</style>',
  '</text></svg><script>fetch("http://beacon.test/script")</script>',
  '"><script>alert(1)</script>',
  "' onmouseover=alert(1) x='",
  '\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>',
  'event: message\ndata: <script>alert(1)</script>\n\n',
  'data:text/html,<script>alert(1)</script>',
]
/** Contents above 4 KiB have an address of their own. */
const FILLER = 'long '.repeat(1_000)

describe.skipIf(!executablePath)('S21 what models write, in a browser', () => {
  let server: ServedProgram
  let browser: Browser
  let page: Page
  /** What the page did beyond what it was sent to. */
  let deeds: string[] = []
  let shown = 0

  beforeAll(async () => {
    server = await serveProgram()
    browser = await openChromium(['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'])
    page = await browser.newPage()
    page.on('dialog', (dialog) => {
      deeds.push(`dialog ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('request', (request) => {
      if (!request.isNavigationRequest() || request.frame() !== page.mainFrame())
        deeds.push(`${request.resourceType()} ${request.url()}`)
    })
    page.on('framenavigated', (frame) => {
      if (
        frame === page.mainFrame() &&
        !frame.url().startsWith(server.url) &&
        !/^(about:blank|http:\/\/127)/.test(frame.url())
      )
        deeds.push(`went to ${frame.url()}`)
    })
  })

  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    console.info(`S21: ${OUTPUTS.length} outputs, ${shown} pages shown: 0 scripts run, 0 requests`)
  })

  const visit = async (path: string) => {
    // What is no page may be taken for a download; then nothing of it is shown.
    const response = await page.goto(server.url + path).catch((error: Error) => {
      if (!/Download is starting|ERR_ABORTED/.test(error.message)) throw error
      return undefined
    })
    shown += 1
    return response?.headers()['content-type'] ?? ''
  }
  /** A page without any policy that would hide a fault. */
  const show = async (type: string, body: string) => {
    await page.route('http://127.0.0.1:1/shown', (route) => route.fulfill({ contentType: type, body }))
    await page.goto('http://127.0.0.1:1/shown')
    await page.unroute('http://127.0.0.1:1/shown')
    shown += 1
  }

  test('every address that gives them back, and every refusal that repeats them', async () => {
    for (const output of OUTPUTS) {
      const { run } = await server.ask('/v1/runs?wait=true', {
        target: 'echo',
        input: `${output.toWellFormed()}\n${FILLER}`,
      })
      const events = await (
        await fetch(`${server.url}/v1/runs/${String(run)}/events`, { headers: { accept: 'application/json' } })
      ).text()
      const digests = [...new Set([...events.matchAll(/"sha256":"([\da-f]{64})"/g)].map(([, digest]) => digest))]
      const values = digests.map((digest) => `/v1/runs/${String(run)}/values/${String(digest)}`)
      const word = encodeURIComponent(output.toWellFormed())
      const echoes = ['/', '/v1/errors/', '/api/ensembles/']
      const asked = [`/v1/runs/${String(run)}`, `/v1/runs/${String(run)}/events`, '/v1/artifacts/echo', ...values]
      expect(values.length).toBeGreaterThan(0)
      for (const path of [...asked, ...echoes.map((echo) => echo + word)]) {
        const type = await visit(path)
        expect([path, deeds]).toEqual([path, []])
        expect([path, type]).toEqual([path, expect.not.stringMatching(/html|svg|xml/)])
      }
    }
    for (const path of ['/docs', '/metrics', '/health', '/v1/openapi.json', '/v1/runs?all=true']) await visit(path)
    expect(deeds).toEqual([])
  }, 180_000)

  test('the reports that runs leave, in the most trusting reader of Markdown', async () => {
    const folder = join(server.cwd, '.llm-orc', 'artifacts', 'echo')
    const reports = readdirSync(folder).filter((name) => name !== 'latest')
    expect(reports.length).toBeGreaterThanOrEqual(OUTPUTS.length)
    for (const name of reports) {
      await show('text/html', renderPermissively(readFileSync(join(folder, name, 'execution.md'), 'utf8')))
      expect([name, deeds]).toEqual([name, []])
      const active = 'a,img,script,iframe,object,embed,svg,style,link,meta,base,form,video,audio'
      expect([name, await page.locator(active).count()]).toEqual([name, 0])
    }
  })

  test('drawings of graphs: opened by themselves, and inside a page', async () => {
    for (const output of OUTPUTS) {
      const agent = (id: string, after: GraphStep['after'] = []): GraphStep => ({
        id,
        kind: 'agent',
        spec: { candidates: [{ provider: output, model: output }] },
        after,
      })
      const when: GraphStep = { id: 'b/when', kind: 'condition', spec: { expression: output } }
      const steps = [
        agent(output),
        agent('b', [
          { step: output, on: 'failure' },
          { step: 'b/when', on: 'verdict' },
        ]),
        when,
      ]
      const picture = pictureOf({ name: output, steps })
      const drawing = drawSvg(picture)
      for (const [type, body] of [
        ['image/svg+xml', drawing],
        ['text/html', `<!doctype html>${drawing}`],
        ['text/html', renderPermissively(`\`\`\`mermaid\n${drawMermaid(picture)}\n\`\`\``)],
      ] as const) {
        await show(type, body)
        expect([output, deeds]).toEqual([output, []])
        expect(await page.locator('script,image,iframe,a,foreignObject,parsererror').count()).toBe(0)
      }
    }
  })

  test('shown as they are, they would have done something: it would have been seen', async () => {
    const settled = shown
    for (const output of OUTPUTS)
      for (const body of [output, renderPermissively(output)]) await show('text/html', body).catch(() => {})
    await page.goto(`${server.url}/health`)
    shown = settled
    expect(deeds.some((deed) => deed.startsWith('dialog'))).toBe(true)
    expect(deeds.some((deed) => deed.includes('evil.example'))).toBe(true)
    expect(deeds.filter((deed) => deed.includes('beacon.test')).length).toBeGreaterThan(2)
    deeds = []
  })
})
