/** A chat server that says one word and then nothing, and tells how long its line stays open. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HangingServer {
  readonly url: string
  /** Resolves when a call has begun; its answer resolves with the time (`performance.now`) at which its line was cut. */
  begun(): Promise<{ readonly cut: Promise<number> }>
  close(): Promise<void>
}

export async function openHangingServer(): Promise<HangingServer> {
  let tell: (call: { readonly cut: Promise<number> }) => void = () => {}
  const server: Server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: {"choices":[{"index":0,"delta":{"content":"Well"}}]}\n\n')
    tell({ cut: new Promise((resolve) => response.once('close', () => resolve(performance.now()))) })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    begun: () =>
      new Promise((resolve) => {
        tell = resolve
      }),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
