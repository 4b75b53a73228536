import { createServer, type Server, type Socket } from 'node:net'
import { LLMock } from '@copilotkit/aimock'
import { CONTRACT_ARGUMENTS, CONTRACT_KEY, CONTRACT_TEXT } from './provider.contract.ts'

/** A server of all dialects that says what the contract asks for, behind a door that counts open answers. */
export interface ContractServer {
  readonly url: string
  readonly mock: LLMock
  busy(): number
  requests(): number
  close(): Promise<void>
}

export async function openContractServer(): Promise<ContractServer> {
  const mock = new LLMock({ port: 0, logLevel: 'silent', chunkSize: 7 })
  const long = { content: CONTRACT_TEXT.repeat(20) }
  mock
    .onMessage('hello', { content: CONTRACT_TEXT })
    .on({ userMessage: 'use a tool', hasToolResult: true }, { content: 'found it' })
    .on(
      { userMessage: 'use a tool', hasToolResult: false },
      { toolCalls: [{ name: 'lookup', arguments: CONTRACT_ARGUMENTS }] },
    )
    .onMessage('too many', { error: { message: 'too fast', type: 'rate_limit_error' }, status: 429, retryAfter: 3 })
    .onMessage('overloaded', { error: { message: 'busy', type: 'overloaded_error' }, status: 529 })
    .onMessage('broken', { error: { message: 'oops', type: 'api_error' }, status: 500 })
    .onMessage('who are you', {
      error: { message: `Incorrect API key provided: ${CONTRACT_KEY}`, type: 'authentication_error' },
      status: 401,
    })
    .onMessage('cut', long, { truncateAfterChunks: 8, streamingProfile: { ttft: 5, tps: 300 } })
    .onMessage('slow', long, { streamingProfile: { ttft: 40, tps: 25 } })
  await mock.start()
  const door = await openDoor(Number(new URL(mock.url).port))
  return {
    url: door.url,
    mock,
    busy: door.busy,
    requests: () => mock.getRequests().length,
    close: async () => {
      await door.close()
      await mock.stop()
    },
  }
}

/** Passes bytes on and knows which connections still wait for the end of an answer. */
async function openDoor(port: number): Promise<{ url: string; busy(): number; close(): Promise<void> }> {
  const { connect } = await import('node:net')
  const open = new Set<Socket>()
  const answering = new Set<Socket>()
  const server = createServer((client) => {
    open.add(client)
    const inner = connect(port, '127.0.0.1')
    client.on('data', () => answering.add(client))
    inner.on('data', (bytes) => {
      if (bytes.includes('0\r\n\r\n')) answering.delete(client)
    })
    client.pipe(inner).pipe(client)
    client.on('close', () => {
      open.delete(client)
      answering.delete(client)
      inner.destroy()
    })
    inner.on('close', () => client.destroy())
    client.on('error', () => inner.destroy())
    inner.on('error', () => client.resetAndDestroy())
  })
  const url = await listen(server)
  return {
    url,
    busy: () => answering.size,
    close: () =>
      new Promise((resolve) => {
        for (const client of open) client.destroy()
        server.close(() => resolve())
      }),
  }
}

/** What a raw server does with a connection once the request's head has arrived. */
export type RawAnswer = (socket: Socket, head: string) => void

/** A server that writes exactly the bytes it is told to. */
export async function openRawServer(
  answer: RawAnswer,
): Promise<{ url: string; open: ReadonlySet<Socket>; close(): Promise<void> }> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    let head = ''
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    socket.on('data', (bytes) => {
      head += bytes.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
      if (end === -1 || head.length < end + 4 + length) return
      const whole = head
      head = ''
      answer(socket, whole)
    })
  })
  const url = await listen(server)
  return {
    url,
    open,
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
}

/** Head of a streamed answer that ends with the connection. */
export function toHead(type = 'text/event-stream', status = '200 OK'): string {
  return `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\nconnection: close\r\n\r\n`
}
