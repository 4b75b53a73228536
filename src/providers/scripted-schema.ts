import { z } from 'zod'
import { OrcError } from '../events/errors.ts'

const text = z.string()
const count = z.int().nonnegative()
const ms = count.max(86_400_000)
const pattern = text.max(1000).refine((value) => isPattern(value), 'is not a regular expression')

const codes = [
  'provider_unreachable',
  'provider_timeout',
  'stream_stalled',
  'stream_truncated',
  'rate_limited',
  'provider_overloaded',
  'provider_error',
  'provider_auth',
  'provider_quota',
  'model_not_found',
  'context_overflow',
  'request_refused',
  'malformed_response',
  'aborted',
] as const

const failure = z.strictObject({
  code: z.enum(codes).optional().meta({ description: 'Our error code; without it, what the status means.' }),
  status: z.int().min(100).max(599).optional(),
  message: text.optional(),
  detail: text.optional().meta({ description: 'What the server is supposed to have said.' }),
  retry: z.boolean().optional(),
  retry_after_ms: count.optional(),
  touched: z.enum(['no', 'maybe', 'yes']).optional(),
  after: count.optional().meta({ description: 'Chunks delivered before it fails; default 0.' }),
})

const call = z.strictObject({
  name: text.min(1),
  id: text.min(1).optional(),
  arguments: z
    .union([text, z.record(text, z.json())])
    .default('{}')
    .meta({ description: 'Raw text, or an object.' }),
})

const usage = z.union([
  z.literal('none'),
  z.strictObject({
    input: z.number().optional(),
    output: z.number().optional(),
    cache_read: z.number().optional(),
    cache_write: z.number().optional(),
    reasoning: z.number().optional(),
    raw: z.json().optional(),
  }),
])

const answer = z
  .strictObject({
    text: text.optional().meta({
      description: 'May hold {{model}}, {{input}}, {{input:40}}, {{system}}, {{call}}, {{match}}, {{match.1}}.',
    }),
    reasoning: text.optional(),
    tool_calls: z.array(call).optional(),
    files: z.array(z.strictObject({ media_type: text, data: z.base64() })).optional(),
    finish: z.enum(['stop', 'length', 'tool-calls', 'content-filter', 'other']).optional(),
    usage: usage.optional().meta({ description: 'Default: counted from the texts, four characters a token.' }),
    model: text.optional(),
    request_id: text.optional(),
    delay_ms: ms.optional().meta({ description: 'Before the first part.' }),
    between_ms: ms.optional().meta({ description: 'Before each further chunk.' }),
    chunks: z
      .union([z.int().positive(), z.array(z.int().positive()).min(1)])
      .optional()
      .meta({ description: 'Characters of each chunk, repeated from the start; default: words.' }),
    duplicate: z.int().min(2).max(1000).optional().meta({ description: 'Deliver every part so many times.' }),
    truncate_after: count.optional().meta({ description: 'Chunks, then the stream is cut.' }),
    stall_after: count.optional().meta({ description: 'Chunks, then silence until the caller gives up.' }),
    vanish_after: count.optional().meta({ description: 'Chunks, then an end without a word: a broken provider.' }),
    error: failure.optional(),
  })
  .meta({ description: 'One answer of the model.' })

const calls = z.union([
  z.int().positive(),
  z.strictObject({ from: z.int().positive().optional(), to: z.int().positive().optional() }),
])

const rule = z.strictObject({
  model: text.optional().meta({ description: 'The model name; `*` stands for anything.' }),
  contains: z
    .union([text, z.array(text)])
    .optional()
    .meta({ description: 'All in the last user message.' }),
  matches: pattern.optional().meta({ description: 'A regular expression for the last user message.' }),
  system_contains: z.union([text, z.array(text)]).optional(),
  system_matches: pattern.optional(),
  after_tool: z.boolean().optional().meta({ description: 'Whether the last message is a result of a tool.' }),
  calls: calls.optional().meta({ description: 'Which of the calls that fit so far, counted from 1.' }),
  answer: answer.optional(),
  then: z.array(answer).min(1).optional().meta({ description: 'One answer a call; the last repeats.' }),
})

const script = z.strictObject({
  rules: z.array(rule).default([]),
  default: answer.optional().meta({ description: 'When no rule fits.' }),
})

export type Script = z.output<typeof script>
export type ScriptRule = z.output<typeof rule>
export type ScriptAnswer = z.output<typeof answer>
export type ScriptFailure = z.output<typeof failure>

/** Checks plain data (from YAML or JSON) and throws an `OrcError` that names each wrong place. */
export function parseScript(data: unknown, file?: string): Script {
  const read = script.safeParse(data)
  if (read.success) return read.data
  throw new OrcError(
    read.error.issues.map(({ path, message }) => ({
      code: 'script_invalid',
      message: `${path.length > 0 ? path.join('.') : 'The script'}: ${message}`,
      ...(file !== undefined && { file }),
    })),
  )
}

/** JSON Schema of the script format, for editors. */
export function describeScript(): object {
  return z.toJSONSchema(script, { io: 'input' })
}

function isPattern(source: string): boolean {
  try {
    new RegExp(source, 'u')
    return true
  } catch {
    return false
  }
}
