import { embedTexts } from '../../../app/operations/embed-texts.ts'
import { makeRunId } from '../../../app/runs.ts'
import type { Json, JsonObject } from '../../../events/values.ts'
import { readBody } from '../body.ts'
import type { FaceRoutes } from '../means.ts'
import { RUN_HEADER } from './answer.ts'
import { readLimit, readText, refuseField, refuseUnknown } from './fields.ts'
import { failRun } from './reply.ts'

const MOST_TEXTS = 2048
const KNOWN: ReadonlySet<string> = new Set(['dimensions', 'encoding_format', 'input', 'model', 'user'])

/** `POST /v1/embeddings` */
export function addEmbeddings(routes: FaceRoutes): void {
  routes.post('/v1/embeddings', async (c) => {
    const { encoding, ...wish } = readEmbeddingsRequest(await readBody(c.req.raw))
    const run = makeRunId()
    const { app, principal, host: keeper } = c.get('means')
    const caller = { app, principal, signal: c.req.raw.signal, keeper }
    const result = await embedTexts.run({ ...wish, run }, caller)
    const output = result.report.agents[0]?.output as { readonly vectors?: readonly string[] } | undefined
    if (output?.vectors === undefined) throw failRun(result)
    const { input = 0 } = result.report.totals.usage
    const answer = {
      object: 'list',
      data: output.vectors.map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: encoding === 'base64' ? vector : decodeVector(vector),
      })),
      model: wish.model,
      usage: { prompt_tokens: input, total_tokens: input },
    }
    return c.body(JSON.stringify(answer), 200, { 'content-type': 'application/json', [RUN_HEADER]: run })
  })
}

function readEmbeddingsRequest(body: JsonObject) {
  refuseUnknown(body, KNOWN)
  const encoding = body['encoding_format'] ?? 'float'
  if (encoding !== 'float' && encoding !== 'base64') refuseField('encoding_format', 'float or base64 is expected')
  const dimensions = readLimit(body, ['dimensions'])
  return {
    model: readText(body['model'], 'model'),
    texts: readTexts(body['input']),
    encoding,
    ...(dimensions === undefined ? {} : { dimensions }),
  }
}

function readTexts(input: Json | undefined): string[] {
  const texts = Array.isArray(input) ? input : [input]
  if (texts.length === 0 || texts.length > MOST_TEXTS) refuseField('input', `1 to ${MOST_TEXTS} texts are expected`)
  return texts.map((text: Json | undefined, index) =>
    typeof text === 'string' && text !== '' ? text : refuseText(text, `input[${index}]`),
  )
}

/** Some clients count tokens themselves, with the vocabulary of a model that is not asked here. */
function refuseText(text: Json | undefined, field: string): never {
  if (text === '') refuseField(field, 'it is empty')
  const tokens = typeof text === 'number' || Array.isArray(text)
  refuseField(field, 'a text is expected', tokens ? 'Tokens are not taken: let your client send texts.' : undefined)
}

function decodeVector(base64: string): number[] {
  const bytes = Buffer.from(base64, 'base64')
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => bytes.readFloatLE(index * 4))
}
