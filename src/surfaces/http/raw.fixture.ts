/** Bytes as they are: what no client library would send. */
import { connect } from 'node:net'

export interface Heard {
  /** Of every answer that came, in order. */
  readonly statuses: readonly number[]
  readonly text: string
  /** The server ended the connection; else we gave up waiting. */
  readonly closed: boolean
}

/** ms of silence after which the other side is taken to keep the line. */
const PATIENCE_MS = 3_000

/** Sends the parts one after the other, each as soon as the last is with the system, and listens until the other side closes. */
export function speakTo(url: string, parts: string | readonly (string | Uint8Array)[], patience_ms = PATIENCE_MS) {
  return new Promise<Heard>((resolve, reject) => {
    const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true })
    let text = ''
    let broken: Error | undefined
    const settle = (closed: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status))
      if (broken && text === '') reject(broken)
      else resolve({ statuses, text, closed })
    }
    const timer = setTimeout(() => settle(false), patience_ms)
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
    socket.on('end', () => settle(true))
    // What is refused may be cut off while it is still being sent.
    socket.on('error', (error) => {
      broken = error
      settle(true)
    })
    for (const part of typeof parts === 'string' ? [parts] : parts)
      socket.write(typeof part === 'string' ? Buffer.from(part, 'latin1') : part)
  })
}
