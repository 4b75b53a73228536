import type { Message } from '../events/messages.ts'
import { textOfPart } from './count.ts'

/** Fewer characters than this are not taken for a token of their own, on average. */
const LONG_TOKEN = 6
/** No tokenizer has so long a word of a script that is written without blanks. */
const LONG_WORD = 16

/**
 * At least so many tokens are in the text, for every tokenizer: none makes one token of two words with a blank between. What is
 * estimated at four characters a token stays above it, too.
 */
export function countAtLeast(text: string): number {
  let words = 0
  let characters = 0
  let wide = 0
  let isInside = false
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    // Only letters of scripts with blanks make words here: marks and digits may belong to any token.
    const isWord = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a
    if (isWord) {
      characters += 1
      if (!isInside) words += 1
      isInside = true
    } else if (code === 0x20) {
      characters += 1
      isInside = false
    } else if (code <= 0x20) isInside = false
    else {
      // Whatever follows a word without a blank is taken as a part of it.
      if (code >= 0x3040 && code <= 0xd7a3) wide += 1
      isInside = true
    }
  }
  return Math.min(words, Math.floor(characters / LONG_TOKEN)) + Math.floor(wide / LONG_WORD)
}

/** A lower bound of what a server must have read. Reasoning is left out: not all of it is sent, or shown to the model. */
export function countMessagesAtLeast(messages: readonly Message[]): number {
  let tokens = 0
  for (const { content } of messages)
    for (const part of content)
      if (part.type === 'text' || part.type === 'tool-result') tokens += countAtLeast(textOfPart(part))
  return tokens
}
