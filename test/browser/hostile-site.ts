import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

const PAGE = '<!doctype html><meta charset="utf-8"><title>hostile</title><body></body>'

export interface HostileSite {
  readonly port: number
  close(): void
}

/** An empty page at every address, for a test to act in. */
export async function openHostileSite(): Promise<HostileSite> {
  const server = createHttpServer((_, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(PAGE)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

export interface TurncoatSite extends HostileSite {
  /** From now on whoever asks for this name reaches the victim: what a name server does that changes its answer. */
  turn(): void
}

/**
 * A site at the victim's port, but at another address of this machine. After it has turned its bytes are the victim's; for the browser the
 * origin stays the same.
 */
export async function openTurncoatSite(host: string, victim: number): Promise<TurncoatSite> {
  const open = new Set<Socket>()
  let turned = false
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {}).on('close', () => open.delete(socket))
    if (turned) {
      const through = connect(victim, '127.0.0.1')
      through.on('error', () => socket.destroy())
      socket.pipe(through).pipe(socket)
      return
    }
    socket.once('data', () => {
      const head = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: ${PAGE.length}`
      socket.end(`${head}\r\n\r\n${PAGE}`)
    })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(victim, host, resolve))
  return {
    port: victim,
    turn: () => {
      turned = true
      for (const socket of open) socket.destroy()
    },
    close: () => {
      for (const socket of open) socket.destroy()
      server.close()
    },
  }
}
