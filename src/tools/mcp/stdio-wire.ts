import { type OpenProcess, openProcess } from '../../sandbox/open-process.ts'
import { isWireMessage, type Wire, WireFailure, type WireMessage } from './wire.ts'

export interface StdioTarget {
  readonly program: string
  readonly args: readonly string[]
  /** The whole environment. */
  readonly env: { readonly [name: string]: string }
  readonly cwd: string
}

/** Longest message in bytes; a line that goes on beyond it is no message. */
export const LINE_LIMIT = 8 * 1024 * 1024
/** What a server said last on its error output, for people; in characters. */
const LAST_WORDS = 4000

/** Speaks with a program over its pipes, one message a line. The program and all it starts die with us. */
export class StdioWire implements Wire {
  onmessage?: ((message: WireMessage, extra?: unknown) => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  onclose?: (() => void) | undefined
  /** Both tell the protocol library that this is a local pipe, where silence means an older server. */
  readonly stderr = null
  readonly pid = null
  /** The end of what the server said on its error output. */
  lastWords = ''
  /** Why the connection ended, if not by us. */
  failure: WireFailure | undefined
  readonly #target: StdioTarget
  #process: OpenProcess | undefined
  #closed = false

  constructor(target: StdioTarget) {
    this.#target = target
  }

  async start(): Promise<void> {
    const opened = await openProcess(this.#target)
    if (typeof opened === 'string')
      throw new WireFailure('mcp_unreachable', `${this.#target.program} could not be started (${opened})`)
    this.#process = opened
    opened.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.lastWords = (this.lastWords + text).slice(-LAST_WORDS)
    })
    this.#readLines(opened)
    void opened.ended.then(({ exit, signal }) => {
      this.failure ??= new WireFailure('mcp_unreachable', `the server ended (${signal ?? `exit code ${exit}`})`)
      this.#tellClosed()
    })
  }

  async send(message: WireMessage): Promise<void> {
    const opened = this.#process
    if (!opened || this.#closed) throw this.failure ?? new WireFailure('mcp_unreachable', 'the server is not running')
    const line = `${JSON.stringify(message)}\n`
    await new Promise<void>((resolve, reject) => {
      opened.stdin.write(line, (error) => (error ? reject(this.failure ?? error) : resolve()))
    })
  }

  async close(): Promise<void> {
    await this.#process?.close()
    this.#tellClosed()
  }

  #readLines({ stdout }: OpenProcess): void {
    let parts: Buffer[] = []
    let held = 0
    stdout.on('data', (chunk: Buffer) => {
      if (this.#closed) return
      let from = 0
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
        parts.push(chunk.subarray(from, at))
        this.#take(Buffer.concat(parts).toString('utf8'))
        parts = []
        held = 0
        from = at + 1
      }
      const rest = chunk.subarray(from)
      parts.push(rest)
      held += rest.length
      if (held <= LINE_LIMIT) return
      parts = []
      held = 0
      this.breakOff(new WireFailure('mcp_flood', `the server wrote a line of more than ${LINE_LIMIT} bytes`))
    })
  }

  #take(line: string): void {
    if (line.trim() === '' || this.#closed) return
    let message: unknown
    try {
      message = JSON.parse(line)
    } catch {
      this.onerror?.(new WireFailure('mcp_protocol', 'the server wrote a line that is not JSON'))
      return
    }
    if (isWireMessage(message)) this.onmessage?.(message)
    else this.onerror?.(new WireFailure('mcp_protocol', 'the server wrote a line that is not a message'))
  }

  /** Ends the connection for a reason that those who wait are told. */
  breakOff(failure: WireFailure): void {
    this.failure ??= failure
    this.onerror?.(failure)
    void this.close()
    this.#tellClosed()
  }

  #tellClosed(): void {
    if (this.#closed) return
    this.#closed = true
    this.onclose?.()
  }
}
