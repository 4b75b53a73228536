import type { Message, MessagePart, ModelRequest } from '../events/messages.ts'
import type { Json } from '../events/values.ts'

/** What a message costs beside its text: role and separators. */
const PER_MESSAGE = 8
/** A picture or another file; vendors count by size, none of those in use takes more for one page. */
const PER_FILE = 2_000

/** At most so many tokens are in the text, for every tokenizer in common use; usual prose takes about two thirds of it. */
export function countAtMost(text: string): number {
  let ascii = 0
  let others = 0
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code < 0x80) ascii += 1
    // A character outside of the Latin scripts may be as many tokens as it has bytes.
    else others += code < 0x800 ? 1 : 2
  }
  return Math.ceil(ascii / 2.5) + others
}

/** An upper bound of the tokens that a whole request is, with its tools and the form of its answer. */
export function countRequestAtMost({ messages, tools = [], response_schema }: ModelRequest): number {
  let tokens = PER_MESSAGE
  for (const message of messages) tokens += countMessageAtMost(message)
  if (tools.length > 0) tokens += countJsonAtMost(tools as unknown as Json)
  if (response_schema) tokens += countJsonAtMost(response_schema)
  return tokens
}

export function countMessageAtMost({ content }: Message): number {
  let tokens = PER_MESSAGE
  for (const part of content) tokens += countPartAtMost(part)
  return tokens
}

function countPartAtMost(part: MessagePart): number {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return countAtMost(part.text)
    case 'file':
      return PER_FILE
    case 'tool-call':
      return PER_MESSAGE + countAtMost(part.name) + countAtMost(part.arguments)
    case 'tool-result':
      return PER_MESSAGE + countAtMost(part.name) + countJsonAtMost(part.output)
  }
}

function countJsonAtMost(json: Json): number {
  return countAtMost(typeof json === 'string' ? json : JSON.stringify(json))
}
