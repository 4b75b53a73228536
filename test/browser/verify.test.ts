import type { Server } from 'node:http'
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nodeTools } from '../../src/journal/bundle-file.ts'
import { listGolden } from '../golden/releases.ts'
import { verifyBundle } from '../golden/verify-bundle.ts'
import { demandChromium, executablePath, openChromium } from './chromium.ts'
import type { VerifyInPage } from './page.ts'
import { servePage } from './serve-page.ts'

demandChromium('nothing was verified in a browser')

const golden = listGolden()
const pathOf = ({ release, name }: (typeof golden)[number]) => `/${release}/${name}.bundle`

describe.skipIf(!executablePath)('verification in a browser', () => {
  let server: Server
  let browser: Browser
  let page: Page
  const complaints: string[] = []

  beforeAll(async () => {
    const served = await servePage(new Map(golden.map((one) => [pathOf(one), one.bytes])))
    server = served.server
    browser = await openChromium()
    page = await browser.newPage()
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.goto(served.url)
  })

  afterAll(async () => {
    await browser?.close()
    server?.close()
    expect(complaints).toEqual([])
  })

  const verifyThere = (path: string, flip?: number) =>
    page.evaluate(([where, at]) => (globalThis as unknown as { verify: VerifyInPage }).verify(where, at), [
      path,
      flip,
    ] as [string, number | undefined])

  test.each(golden)('$release $name: the same verdict and head as in Node', async (one) => {
    const inPage = await verifyThere(pathOf(one))
    expect(inPage).toMatchObject({ equal: true, head: one.head, events: one.events, taken: [], redacted: [] })
    const means = { ...nodeTools, drain: () => setImmediate(), wait: (ms: number) => setTimeout(ms) }
    expect(inPage).toEqual(await verifyBundle(one.bytes, means))
  })

  test('a flipped byte is found, and its event named', async () => {
    const [one] = golden as [(typeof golden)[number]]
    const text = Buffer.from(one.bytes).toString('latin1')
    const lines = text.split('\n')
    let offset = 0
    for (const [index, line] of lines.entries()) {
      if (index > 0 && index <= one.events) {
        const found = await verifyThere(pathOf(one), offset + Math.floor(line.length / 2))
        expect(found).toMatchObject({ problems: [{ code: 'bundle_damaged' }] })
        expect(JSON.stringify(found)).toContain(`event ${index}`)
      }
      offset += line.length + 1
    }
    const last = await verifyThere(pathOf(one), one.bytes.length - 5)
    expect(last).toMatchObject({ problems: [{ code: 'bundle_damaged' }] })
  })
})
