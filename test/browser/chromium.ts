import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

/** Where Debian puts it; undefined where there is none. */
export const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path))

const FLAGS =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'

/** Throws on a machine that is to test everything; elsewhere it says what was not tested. */
export function demandChromium(what: string): void {
  if (executablePath) return
  const message = `NOT TESTED: there is no chromium here, so ${what} (apt-get install chromium)`
  if (process.env.CI) throw new Error(message)
  console.error(message)
}

export function openChromium(flags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: executablePath as string, args: [...FLAGS.split(' '), ...flags] })
}
