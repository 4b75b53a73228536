import { createServer, type Server } from 'node:http'
import { isBuiltin } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

/** The code of the page. Throws when anything of Node is in it. */
async function bundlePage(): Promise<string> {
  const bundle = await rolldown({
    input: join(import.meta.dirname, 'page.ts'),
    platform: 'browser',
    onLog(_level, log) {
      throw new Error(log.message)
    },
    plugins: [
      {
        name: 'browser-only',
        resolveId(id, importer) {
          if (isBuiltin(id)) throw new Error(`${importer} imports ${id}`)
          return null
        },
      },
    ],
  })
  const { output } = await bundle.generate({ format: 'iife', minify: true, codeSplitting: false })
  return output[0].code
}

/** Serves the page and the files given, by path, on loopback. The page may speak to nobody else. */
export async function servePage(files: ReadonlyMap<string, Uint8Array>): Promise<{ server: Server; url: string }> {
  const code = await bundlePage()
  const policy = "default-src 'none'; script-src 'self'; connect-src 'self'"
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    const file = files.get(path)
    if (path === '/') {
      response.setHeader('content-security-policy', policy)
      response.setHeader('content-type', 'text/html; charset=utf-8')
      response.end('<!doctype html><title>verify</title><script src="/page.js"></script>')
    } else if (path === '/page.js') {
      response.setHeader('content-type', 'text/javascript; charset=utf-8')
      response.end(code)
    } else if (file) response.end(file)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}
