import type { FaceContext } from './means.ts'
import type { Closing, StreamDesk } from './open-streams.ts'

/** ms without a word before a comment says that the line still lives. */
export const HEARTBEAT_MS = 15_000
/** ms for the last words before the connection is cut. */
const LAST_WORDS_MS = 1_000

/** One message of a stream. Without an id it moves no cursor. */
export interface SseMessage {
  readonly id?: number
  readonly event?: string
  /** One line: JSON. */
  readonly data: string
}

export function writeMessage({ id, event, data }: SseMessage): string {
  const head = `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}`
  return `${head}data: ${data}\n\n`
}

/** What a stream says next: text to send; nothing when it is over. */
export interface SseSource {
  next(): Promise<string | Uint8Array | undefined>
  close(why: Closing | 'left'): void
  /** What it says when it is closed from this side before its end; default: the events `overflow` and `shutdown`. */
  farewell?(why: Exclude<Closing, 'ended'>, reason: string): string
}

/**
 * Answers with a stream that is pulled: the source is asked when the connection has taken what it was given, so nothing piles up. A reader
 * that takes nothing for a while is told `overflow` and cut off.
 */
export function answerStream(c: FaceContext, source: SseSource, streams: StreamDesk): Response {
  const encoder = new TextEncoder()
  let stalled: NodeJS.Timeout | undefined
  /** Something was given, and not taken yet. */
  let given = false
  let over = false
  let controller: ReadableStreamDefaultController<Uint8Array>
  const closed = streams.open((why) => finish(why))
  const leave = () => {
    if (over) return
    over = true
    clearTimeout(stalled)
    source.close('left')
    closed('left')
  }
  const finish = (why: Closing) => {
    if (over) return
    over = true
    clearTimeout(stalled)
    source.close(why)
    closed(why)
    if (why !== 'ended') controller.enqueue(encoder.encode(sayFarewell(source, why, streams.stalled_ms)))
    controller.close()
    // Its last words may never be taken.
    if (why !== 'ended') setTimeout(() => c.env?.outgoing?.destroy(), LAST_WORDS_MS).unref()
  }
  const body = new ReadableStream<Uint8Array>(
    {
      start: (opened) => {
        controller = opened
        // At once, so that the reader knows that the stream stands.
        controller.enqueue(encoder.encode(': here\nretry: 1000\n\n'))
      },
      pull: async () => {
        given = false
        try {
          const text = await source.next()
          if (over) return
          if (text === undefined) return finish('ended')
          controller.enqueue(typeof text === 'string' ? encoder.encode(text) : text)
          given = true
          stalled = stalled?.refresh() ?? setTimeout(() => given && finish('overflow'), streams.stalled_ms)
        } catch (error) {
          leave()
          throw error
        }
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  )
  c.req.raw.signal.addEventListener('abort', leave, { once: true })
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream',
      // What stands between may neither keep it nor gather it up to compress it.
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    },
  })
}

function sayFarewell(source: SseSource, why: Exclude<Closing, 'ended'>, stalled_ms: number): string {
  const reason = {
    overflow: `nothing was taken for ${stalled_ms} ms`,
    revoked: 'the key or token is not good any more',
    shutdown: 'this server is shutting down',
  }[why]
  if (source.farewell) return source.farewell(why, reason)
  return writeMessage({ event: why, data: why === 'overflow' ? JSON.stringify({ reason }) : '{}' })
}
