import { OrcError } from '../../events/errors.ts'
import type { JsonObject } from '../../events/values.ts'
import { readStrictObject } from './strict-json.ts'

export const LARGEST_BODY = 10 * 1024 * 1024

/** The JSON object that a request brings; none is an empty one. Throws OrcError. */
export async function readBody(request: Request): Promise<JsonObject> {
  const declared = Number(request.headers.get('content-length') ?? 0)
  if (declared > LARGEST_BODY) throw tooLarge()
  const bytes = await readBytes(request)
  if (bytes.length === 0) return {}
  checkType(request.headers.get('content-type'))
  return readStrictObject(decode(bytes))
}

/** Pages of other origins may send forms and plain text without being asked; JSON they may not. */
function checkType(given: string | null): void {
  const type = given?.split(';')[0]?.trim().toLowerCase()
  if (type === 'application/json' || (type?.startsWith('application/') && type.endsWith('+json'))) return
  const message = `a body of type ${JSON.stringify(type ?? '')} is not taken`
  throw new OrcError({ code: 'media_type_refused', message, hint: 'Send it with Content-Type: application/json.' })
}

async function readBytes(request: Request): Promise<Uint8Array> {
  if (!request.body) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
      length += chunk.length
      if (length > LARGEST_BODY) throw tooLarge()
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof OrcError) throw error
    // Whoever sent it is gone, or sent no chunks; that is no fault of this program.
    throw new OrcError({ code: 'body_invalid', message: 'the body was cut off' })
  }
  return Buffer.concat(chunks)
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new OrcError({ code: 'body_invalid', message: 'the body is not UTF-8' })
  }
}

function tooLarge(): OrcError {
  return new OrcError({ code: 'body_too_large', message: `a body may have at most ${LARGEST_BODY} bytes` })
}
