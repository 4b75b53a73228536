import type { LanguageModelV4Content, LanguageModelV4GenerateResult, LanguageModelV4StreamPart } from '@ai-sdk/provider'

/** An answer that came whole, in the parts that a stream of it would have had. */
export function streamWhole({ content, finishReason, usage, response }: LanguageModelV4GenerateResult): {
  readonly stream: ReadableStream<LanguageModelV4StreamPart>
  readonly response: LanguageModelV4GenerateResult['response']
} {
  const parts: LanguageModelV4StreamPart[] = [
    ...(response ? [{ type: 'response-metadata' as const, ...response }] : []),
    ...content.flatMap(toStreamParts),
    { type: 'finish', finishReason, usage },
  ]
  return { stream: ReadableStream.from(parts), response }
}

function toStreamParts(part: LanguageModelV4Content, index: number): LanguageModelV4StreamPart[] {
  const id = String(index)
  if (part.type === 'text') return [{ type: 'text-delta', id, delta: part.text }]
  if (part.type !== 'reasoning') return [part]
  const signed = part.providerMetadata ? { providerMetadata: part.providerMetadata } : {}
  return [
    { type: 'reasoning-start', id, ...signed },
    { type: 'reasoning-delta', id, delta: part.text },
    { type: 'reasoning-end', id },
  ]
}
