import type { Json, JsonObject } from '../../events/values.ts'
import { Bucket } from './bucket.ts'
import { tameSchema } from './schema.ts'
import { cleanText } from './text.ts'
import { isRecord } from './wire.ts'

/** What a server wants to know of the person, made safe to show. */
export interface Elicitation {
  readonly server: string
  readonly message: string
  /** A flat object of texts, numbers, booleans and choices. */
  readonly schema: JsonObject
}

export type ElicitationAnswer =
  | { readonly action: 'accept'; readonly content: { readonly [name: string]: Json } }
  | { readonly action: 'decline' | 'cancel' }

/** Asks a person. Nobody else answers. */
export type AskPerson = (asked: Elicitation, signal: AbortSignal) => Promise<ElicitationAnswer>

/** Five questions a minute, and never for a secret: there is no way back from having answered one. */
const RATE = { burst: 5, per_second: 5 / 60 }
const FIELDS_LIMIT = 50
const SECRET =
  /pass[\s_-]?(?:word|phrase|code)|\bpasswd\b|\bpwd\b|secret|token|api[\s_-]?key|access[\s_-]?key|private[\s_-]?key|credential|\bpin\b|\bcvv\b|\bcvc\b|card[\s_-]?number|security[\s_-]?code|one[\s_-]?time|\botp\b|\bssn\b|social[\s_-]?security|seed[\s_-]?phrase|mnemonic|\biban\b/i

/** Answers a server's questions through a person, within bounds; `note` is told of what was refused. */
export function createElicitation(server: string, ask: AskPerson, note: (text: string) => void) {
  const bucket = new Bucket(RATE)
  return async (params: unknown, signal: AbortSignal): Promise<ElicitationAnswer> => {
    if (!bucket.take()) {
      note(`${server} asks too much; its question was declined`)
      return { action: 'decline' }
    }
    const asked = readElicitation(server, params)
    if ('refused' in asked) {
      note(`a question of ${server} was declined: ${asked.refused}`)
      return { action: 'decline' }
    }
    return ask(asked.elicitation, signal)
  }
}

function readElicitation(
  server: string,
  params: unknown,
): { readonly elicitation: Elicitation } | { readonly refused: string } {
  if (!isRecord(params) || typeof params['message'] !== 'string') return { refused: 'it asks nothing' }
  if (params['mode'] === 'url') return { refused: 'it wants a page to be opened' }
  const tamed = tameSchema(params['requestedSchema'])
  if ('refused' in tamed) return tamed
  const { schema } = tamed
  const properties = isRecord(schema['properties']) ? Object.entries(schema['properties']) : []
  if (properties.length > FIELDS_LIMIT) return { refused: `it has more than ${FIELDS_LIMIT} fields` }
  const message = cleanText(params['message'], 4000)
  const texts = [message, ...properties.map(([name, field]) => `${spread(name)} ${JSON.stringify(field)}`)]
  if (texts.some((text) => SECRET.test(text.normalize('NFKC')))) return { refused: 'it asks for a secret' }
  return { elicitation: { server, message, schema } }
}

/** `userPassword` is said like `user Password`. */
function spread(name: string): string {
  return `${name} ${name.replaceAll(/(?<=[a-z])(?=[A-Z])|_/g, ' ')}`
}
