import { type ModelRequest, textOf } from '../events/messages.ts'
import { composeAnswer } from './embedded/answer.ts'
import { readMaterial } from './embedded/material.ts'
import { countPieces } from './embedded/words.ts'
import type { ModelPart, Provider, ProviderFailure } from './provider.ts'

const MODEL = 'extractive'

/**
 * The offline default: quotes the sentences of the request's own text that fit the instruction best, with their source, and
 * says when nothing fits. No model, no network, no clock: equal requests give equal answers.
 * Usage counts its own word pieces (`raw.counted_by`); `max_tokens` is kept in the same pieces.
 */
export function createEmbedded(): Provider {
  return {
    id: 'embedded',
    models: async () => [{ id: MODEL, name: 'Extractive quotes (not a language model)' }],
    stream: streamAnswer,
  }
}

async function* streamAnswer(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelPart> {
  const refusal = signal.aborted ? ABORTED : refuse(request)
  if (refusal !== undefined) {
    yield { type: 'failed', failure: refusal }
    return
  }
  yield { type: 'meta', model: MODEL }
  const limit = request.max_tokens ?? Number.POSITIVE_INFINITY
  let output = 0
  let finish: 'stop' | 'length' = 'stop'
  let gap = ''
  for (const line of composeAnswer(readMaterial(request))) {
    if (signal.aborted) {
      yield { type: 'failed', failure: ABORTED }
      return
    }
    const pieces = countPieces(line)
    if (output + pieces > limit) {
      finish = 'length'
      break
    }
    output += pieces
    yield { type: 'text', text: `${gap}${line}` }
    gap = '\n'
  }
  const input = request.messages.reduce((sum, { content }) => sum + countPieces(textOf(content)), 0)
  yield { type: 'finish', reason: finish, usage: { input, output, raw: { counted_by: 'embedded' } } }
}

const ABORTED: ProviderFailure = { code: 'aborted', message: 'the call was cancelled', retry: false, touched: 'no' }

/** What it could only pretend to do is refused: another model's name, and an answer in a given shape. */
function refuse(request: ModelRequest): ProviderFailure | undefined {
  if (request.model !== MODEL) {
    return {
      code: 'model_not_found',
      message: `the embedded provider has no model "${request.model}"; its only one is "${MODEL}"`,
      retry: false,
      touched: 'no',
    }
  }
  if (request.response_schema !== undefined) {
    return {
      code: 'request_refused',
      message: 'the embedded provider only quotes text and cannot follow a response schema; choose a language model',
      retry: false,
      touched: 'no',
    }
  }
  return undefined
}
