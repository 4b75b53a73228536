import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WireFailure } from './wire.ts'

const PATH = '/callback'
const PAGE = '<!doctype html><meta charset="utf-8"><title>llm-orc</title><p>You can close this page.</p>'

/** Waits on this machine for the browser that comes back from a login. Takes one answer, and only the one to its own question. */
export class Loopback {
  readonly #server: Server
  #state: string | undefined
  #settle: ((answer: URLSearchParams) => void) | undefined

  private constructor(server: Server) {
    this.#server = server
    server.on('request', (request, response) => this.#take(request, response))
  }

  /** Listens on the port, or on any when that one is taken. Port 0: any. */
  static async open(port: number): Promise<Loopback> {
    const server = createServer()
    // Nobody has to wait for us because a browser never came back.
    server.unref()
    server.listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
    } catch (error) {
      if (port === 0) throw error
      return Loopback.open(0)
    }
    return new Loopback(server)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}${PATH}`
  }

  /** The parameters that come back with this state. Throws WireFailure `mcp_login_needed` when none do. */
  async wait(state: string, { timeout_ms, signal }: { readonly timeout_ms: number; readonly signal: AbortSignal }) {
    this.#state = state
    const ends = AbortSignal.any([signal, AbortSignal.timeout(timeout_ms)])
    return new Promise<URLSearchParams>((resolve, reject) => {
      const fail = () => reject(new WireFailure('mcp_login_needed', 'nobody logged in'))
      if (ends.aborted) return fail()
      ends.addEventListener('abort', fail, { once: true })
      this.#settle = resolve
    })
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const say = (status: number, text: string) =>
      response
        .writeHead(status, {
          'content-type': 'text/html; charset=utf-8',
          connection: 'close',
          'referrer-policy': 'no-referrer',
        })
        .end(text)
    // A page in a browser may send requests here, but not under this name.
    if (request.headers.host !== `127.0.0.1:${this.port}`) return void say(400, 'wrong host')
    const url = URL.parse(request.url ?? '', this.url)
    if (request.method !== 'GET' || url?.pathname !== PATH) return void say(404, 'nothing here')
    const settle = this.#settle
    const given = url.searchParams.get('state')
    if (!settle || !this.#state || given === null || !isSame(given, this.#state)) return void say(400, 'not expected')
    this.#settle = undefined
    this.#state = undefined
    say(200, PAGE)
    settle(url.searchParams)
  }
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)]
  return a.length === b.length && timingSafeEqual(a, b)
}
