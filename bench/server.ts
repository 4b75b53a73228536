/**
 * A lean fake of a chat-completions server, in a process of its own: HTTP/1.1 over bare sockets, so that it costs little beside
 * what is measured. The path says how it answers: `/latency/200/v1`, `/spread/200/v1` (up to 200 ms, by the prompt),
 * `/chunks/200/gap/40/v1`. Every prompt holds numbers (`n=5`); the answer is `n=` and `nextNumber` of their sum.
 * `GET /stats` tells what was asked since it was last read; `GET /forget` also forgets the prompts; `GET /watch/50` prints
 * `reached` when the 50th answer was written.
 */
import { createServer, type Socket } from 'node:net'
import { pathToFileURL } from 'node:url'
import { nextNumber } from './work.ts'

/** What `GET /stats` tells about the time since it was last read. */
export interface ServerStats {
  readonly requests: number
  readonly answered: number
  /** Requests whose prompt had been asked before, since the last `/forget`. */
  readonly repeated: number
  /** When the first and the last request arrived: microseconds of the monotonic clock all processes share; 0 = never. */
  readonly first: number
  readonly last: number
}

/** Microseconds of the monotonic clock that all processes of a machine share. */
export function clockMicros(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

interface Manner {
  readonly latency: number
  readonly spread: number
  readonly chunks: number
  /** ms between two chunks; 0: as fast as the socket takes them. */
  readonly gap: number
}

const SSE = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
/** Chunks written together when there is no gap, about what a fast server's kernel would merge anyway. */
const MERGED = 5

const prompts = new Set<string>()
let requests = 0
let repeated = 0
let answered = 0
let first = 0
let last = 0
let watched = 0

function readManner(path: string): Manner {
  const number = (name: string) => Number(new RegExp(`/${name}/(\\d+)`).exec(path)?.[1] ?? 0)
  return { latency: number('latency'), spread: number('spread'), chunks: number('chunks'), gap: number('gap') }
}

const manners = new Map<string, Manner>()

function take(socket: Socket, head: string, body: string): void {
  const path = head.slice(head.indexOf(' ') + 1, head.indexOf(' HTTP/'))
  if (head.startsWith('GET')) {
    control(socket, path)
    return
  }
  last = clockMicros()
  first ||= last
  requests++
  let manner = manners.get(path)
  if (!manner) manners.set(path, (manner = readManner(path)))
  let sum = 0
  let prompt = ''
  for (const [, digits] of body.matchAll(/n=(\d+)/g)) {
    sum += Number(digits)
    prompt += `${digits} `
  }
  if (prompts.has(prompt)) repeated++
  else prompts.add(prompt)
  const wait = manner.latency + (manner.spread && (nextNumber(sum) % manner.spread) + 1)
  const number = nextNumber(sum)
  const answer = () => {
    if (manner.chunks > 0) stream(socket, manner, number)
    else write(socket, body.includes('"stream":true') ? asEvents(number) : asJson(number))
  }
  if (wait > 0) setTimeout(answer, wait)
  else answer()
}

function control(socket: Socket, path: string): void {
  if (path.startsWith('/watch/')) watched = Number(path.slice('/watch/'.length))
  const stats: ServerStats = { requests, answered, repeated, first, last }
  if (path === '/stats' || path === '/forget') requests = repeated = answered = first = last = watched = 0
  if (path === '/forget') prompts.clear()
  const text = JSON.stringify(stats)
  socket.write(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`,
    () => socket.end(),
  )
}

function write(socket: Socket, reply: string): void {
  if (socket.destroyed) return
  socket.write(reply)
  countAnswer()
}

function countAnswer(): void {
  answered++
  if (answered === watched) process.stdout.write('reached\n')
}

const USAGE = '"usage":{"prompt_tokens":20,"completion_tokens":4,"total_tokens":24}'

function asJson(number: number): string {
  const text = `{"id":"fake","object":"chat.completion","created":0,"model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":"n=${number}"},"finish_reason":"stop"}],${USAGE}}`
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`
}

function asEvents(number: number): string {
  return `${SSE}${frame(delta(`n=${number}`) + ENDING)}0\r\n\r\n`
}

function delta(content: string): string {
  return `data: {"id":"fake","object":"chat.completion.chunk","created":0,"model":"bench","choices":[{"index":0,"delta":{"role":"assistant","content":"${content}"},"finish_reason":null}]}\n\n`
}

const ENDING = `data: {"id":"fake","object":"chat.completion.chunk","created":0,"model":"bench","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: {"id":"fake","object":"chat.completion.chunk","created":0,"model":"bench","choices":[],${USAGE}}\n\ndata: [DONE]\n\n`

function frame(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`
}

/** Each chunk tells when it was written (`@MICROS `), the last one the number. */
function stream(socket: Socket, { chunks, gap }: Manner, number: number): void {
  socket.write(SSE)
  let sent = 0
  const end = () => write(socket, `${frame(ENDING)}0\r\n\r\n`)
  const next = () => delta(++sent === chunks ? `@${clockMicros()} n=${number}` : `@${clockMicros()} `)
  if (gap > 0) {
    const timer = setInterval(() => {
      if (socket.destroyed) return clearInterval(timer)
      socket.write(frame(next()))
      if (sent < chunks) return
      clearInterval(timer)
      end()
    }, gap)
    return
  }
  const pour = () => {
    let open = true
    while (open && sent < chunks) {
      let text = ''
      for (let i = 0; i < MERGED && sent < chunks; i++) text += next()
      open = socket.write(frame(text))
    }
    if (sent >= chunks) end()
    else socket.once('drain', pour)
  }
  pour()
}

/** One socket's requests, one after another. */
function serve(socket: Socket): void {
  let held = ''
  socket.setNoDelay(true).setEncoding('latin1')
  socket.on('error', () => {})
  socket.on('data', (text: string) => {
    held += text
    for (;;) {
      const end = held.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = held.slice(0, end)
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
      if (held.length < end + 4 + length) return
      const body = held.slice(end + 4, end + 4 + length)
      held = held.slice(end + 4 + length)
      take(socket, head, body)
    }
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const server = createServer(serve)
  server.listen({ port: 0, host: '127.0.0.1', backlog: 2048 }, () => {
    const address = server.address()
    if (typeof address === 'object' && address) process.stdout.write(`${address.port}\n`)
  })
  process.stdin.on('end', () => process.exit(0)).resume()
}
