import type { MessagePart, ModelRequest, Usage } from '../events/messages.ts'
import { textOf } from '../events/messages.ts'
import type { Json } from '../events/values.ts'
import { writeVector } from './embed.ts'
import { describeAbort, describeTruncation, readRefusal } from './failures.ts'
import type { ModelPart, Provider, ProviderFailure } from './provider.ts'
import type { Script, ScriptAnswer, ScriptFailure, ScriptRule } from './scripted-schema.ts'
import { makeVector } from './scripted-vector.ts'
import { toUsage } from './tokens.ts'

export interface ScriptedOptions {
  readonly name?: string
  /** Resolves after so many ms, or early when the signal aborts. Give a virtual clock's here. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
}

/**
 * A model that says what the script says: the same calls in the same order give the same parts. It counts calls in the instance,
 * never in the module. Without a fitting rule it names the model and quotes the first words it was asked.
 */
export function createScripted(script: Script = { rules: [] }, options: ScriptedOptions = {}): Provider {
  const id = options.name ?? 'scripted'
  const sleep = options.sleep ?? sleepForReal
  const seen = new Map<ScriptRule, number>()
  const used = new Map<ScriptRule, number>()
  let total = 0

  return {
    id,
    embeds: true,
    models: async () => {
      const named = script.rules.flatMap(({ model }) => (model && !model.includes('*') ? [model] : []))
      return [...new Set(['scripted', ...named])].map((model) => ({ id: model }))
    },
    // Counting happens here, not at the first read: the order of the calls decides, however they are read.
    stream: (request, signal) => {
      if (request.embed) return embed(request)
      const scene = readScene(request)
      total++
      for (const rule of script.rules) {
        const match = fits(rule, scene)
        if (!match) continue
        const nth = countIn(seen, rule)
        if (!isCalled(rule.calls, nth)) continue
        const turn = countIn(used, rule)
        const answer = rule.then ? (rule.then[turn - 1] ?? rule.then.at(-1)) : rule.answer
        return perform(answer ?? {}, { scene, match, call: turn, id, sleep, signal })
      }
      return perform(script.default ?? {}, { scene, match: [], call: total, id, sleep, signal })
    },
  }
}

async function* embed({ messages, embed: wish }: ModelRequest): AsyncGenerator<ModelPart, void, undefined> {
  const texts = messages.map(({ content }) => textOf(content))
  for (const text of texts) yield writeVector(makeVector(text, wish?.dimensions))
  yield { type: 'finish', reason: 'stop', usage: { input: toTokens(texts.join('')), output: 0 } }
}

interface Scene {
  readonly model: string
  readonly input: string
  readonly system: string
  readonly whole: string
  /** All that a model reads: `whole`, and the results of tools. */
  readonly read: string
  readonly after_tool: boolean
}

interface Performance {
  readonly scene: Scene
  readonly match: readonly (string | undefined)[]
  readonly call: number
  readonly id: string
  readonly sleep: NonNullable<ScriptedOptions['sleep']>
  readonly signal: AbortSignal
}

function readScene(request: ModelRequest): Scene {
  const { messages, model } = request
  const texts = (role: string) =>
    messages.filter((message) => message.role === role).map(({ content }) => textOf(content))
  const last = messages.at(-1)
  const whole = messages.map(({ content }) => textOf(content)).join('\n')
  return {
    model,
    input: texts('user').at(-1) ?? '',
    system: texts('system').join('\n'),
    whole,
    read: [whole, ...messages.flatMap(({ content }) => content.flatMap(readResult))].join('\n'),
    after_tool: last?.content.some((part) => part.type === 'tool-result') ?? false,
  }
}

function readResult(part: MessagePart): readonly string[] {
  if (part.type !== 'tool-result') return []
  return [typeof part.output === 'string' ? part.output : JSON.stringify(part.output)]
}

/** The groups of `matches`, an empty list when it has none, `undefined` when the rule does not fit. */
function fits(rule: ScriptRule, scene: Scene): readonly (string | undefined)[] | undefined {
  if (rule.model !== undefined && !matchesName(rule.model, scene.model)) return undefined
  if (rule.after_tool !== undefined && rule.after_tool !== scene.after_tool) return undefined
  if (!containsAll(scene.input, rule.contains) || !containsAll(scene.system, rule.system_contains)) return undefined
  if (rule.system_matches !== undefined && !new RegExp(rule.system_matches, 'u').test(scene.system)) return undefined
  return rule.matches === undefined ? [] : (new RegExp(rule.matches, 'u').exec(scene.input) ?? undefined)
}

function matchesName(pattern: string, name: string): boolean {
  return new RegExp(`^${pattern.replace(/[\\^$.|?+()[\]{}]/g, '\\$&').replaceAll('*', '.*')}$`, 's').test(name)
}

function containsAll(text: string, wanted: string | readonly string[] = []): boolean {
  return (typeof wanted === 'string' ? [wanted] : wanted).every((piece) => text.includes(piece))
}

function isCalled(calls: ScriptRule['calls'], nth: number): boolean {
  if (calls === undefined) return true
  if (typeof calls === 'number') return nth === calls
  return nth >= (calls.from ?? 1) && nth <= (calls.to ?? Number.POSITIVE_INFINITY)
}

function countIn(counts: Map<ScriptRule, number>, rule: ScriptRule): number {
  const next = (counts.get(rule) ?? 0) + 1
  counts.set(rule, next)
  return next
}

async function* perform(answer: ScriptAnswer, play: Performance): AsyncGenerator<ModelPart, void, undefined> {
  const { signal, sleep, scene } = play
  const parts = toParts(answer, play)
  const cut = Math.min(
    answer.truncate_after ?? Infinity,
    answer.vanish_after ?? Infinity,
    answer.stall_after ?? Infinity,
  )
  const stop = Math.min(cut, answer.error ? (answer.error.after ?? 0) : Infinity)
  if (answer.delay_ms) await sleep(answer.delay_ms, signal)
  if (signal.aborted) {
    yield { type: 'failed', failure: describeAbort('maybe') }
    return
  }
  const met = stop > 0 && (answer.request_id !== undefined || answer.model !== undefined)
  if (met) yield toMeta(answer, scene)
  for (const [index, part] of parts.slice(0, stop === Infinity ? undefined : stop).entries()) {
    if (index > 0 && answer.between_ms) await sleep(answer.between_ms, signal)
    for (let copy = 0; copy < (answer.duplicate ?? 1); copy++) {
      if (signal.aborted) {
        yield { type: 'failed', failure: describeAbort('yes') }
        return
      }
      yield part
    }
  }
  if (stop === Infinity) yield { type: 'finish', reason: toReason(answer), usage: toCounts(answer, play, parts) }
  else if (answer.error && stop === (answer.error.after ?? 0))
    yield { type: 'failed', failure: toFailure(answer.error, play.id) }
  else if (stop === answer.truncate_after) {
    yield { type: 'failed', failure: describeTruncation({ name: play.id, secrets: [] }) }
  } else if (stop === answer.stall_after) {
    await waitForAbort(signal)
    yield { type: 'failed', failure: describeAbort('yes') }
  }
}

function toMeta({ request_id, model }: ScriptAnswer, scene: Scene): ModelPart {
  return { type: 'meta', model: model ?? scene.model, ...(request_id !== undefined && { request_id }) }
}

function toParts(answer: ScriptAnswer, play: Performance): ModelPart[] {
  const { text, reasoning, tool_calls = [], files = [], error } = answer
  const says = text !== undefined || reasoning !== undefined || tool_calls.length > 0 || files.length > 0
  const spoken = text !== undefined ? fill(text, play) : says || (error && !error.after) ? '' : echo(play.scene)
  return [
    ...split(reasoning === undefined ? '' : fill(reasoning, play), answer.chunks).map(
      (piece): ModelPart => ({ type: 'reasoning', text: piece }),
    ),
    ...split(spoken, answer.chunks).map((piece): ModelPart => ({ type: 'text', text: piece })),
    ...files.map((file): ModelPart => ({ type: 'file', ...file })),
    ...tool_calls.map(
      ({ id, name, arguments: given }, index): ModelPart => ({
        type: 'tool-call',
        id: id ?? `call_${play.call}_${index + 1}`,
        name,
        arguments: typeof given === 'string' ? fill(given, play) : JSON.stringify(given),
      }),
    ),
  ]
}

function echo({ model, input }: Scene): string {
  const words = input.trim().split(/\s+/)
  return `[${model}] ${words.slice(0, 12).join(' ')}${words.length > 12 ? ' ...' : ''}`
}

/** `{{name}}`, `{{name:40}}` cut to so many characters, `{{match.1}}` a group. Unknown names stay as they are. */
function fill(template: string, { scene, match, call }: Performance): string {
  const known = new Map<string, string>([
    ['model', scene.model],
    ['input', scene.input],
    ['system', scene.system],
    ['call', String(call)],
    ['match', match[0] ?? ''],
    ...match.map((group, index): [string, string] => [`match.${index}`, group ?? '']),
  ])
  return template.replace(/\{\{[^{}]*\}\}/g, (slot) => {
    const [name = '', limit] = slot.slice(2, -2).split(':', 2)
    return known.get(name.trim())?.slice(0, limit === undefined ? undefined : Number(limit)) ?? slot
  })
}

/** Chunks of the given sizes in code points, or words with the space before them. */
function split(text: string, sizes: ScriptAnswer['chunks']): string[] {
  if (text === '') return []
  if (sizes === undefined) return text.match(/\s*\S+(\s+$)?|\s+$/g) ?? []
  const list = typeof sizes === 'number' ? [sizes] : sizes
  const points = [...text]
  const chunks: string[] = []
  for (let at = 0, turn = 0; at < points.length; turn++) {
    const size = list[turn % list.length] ?? 1
    chunks.push(points.slice(at, at + size).join(''))
    at += size
  }
  return chunks
}

function toReason(answer: ScriptAnswer): 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'other' {
  return answer.finish ?? ((answer.tool_calls?.length ?? 0) > 0 ? 'tool-calls' : 'stop')
}

function toCounts({ usage }: ScriptAnswer, { scene }: Performance, parts: readonly ModelPart[]): Usage {
  if (usage === 'none') return {}
  if (usage) return toUsage({ ...usage, raw: usage.raw as Json | undefined })
  const spoken = parts.map((part) =>
    part.type === 'text' || part.type === 'reasoning' ? part.text : part.type === 'tool-call' ? part.arguments : '',
  )
  return { input: toTokens(scene.read), output: toTokens(spoken.join('')) }
}

function toTokens(text: string): number {
  return Math.ceil(text.length / 4)
}

const PASSING: ReadonlySet<string> = new Set([
  'provider_unreachable',
  'provider_timeout',
  'stream_truncated',
  'rate_limited',
  'provider_overloaded',
  'provider_error',
  'malformed_response',
])

function toFailure(error: ScriptFailure, name: string): ProviderFailure {
  const { code, status, message, detail, retry_after_ms } = error
  const meant = status === undefined ? undefined : readRefusal({ status, body: detail ?? '' }, { name, secrets: [] })
  const told = code ?? meant?.code ?? 'provider_error'
  return {
    code: told,
    message: message ?? (code === undefined ? meant?.message : undefined) ?? `The script of ${name} says ${told}.`,
    retry: error.retry ?? (code === undefined && meant ? meant.retry : PASSING.has(told)),
    touched: error.touched ?? (told === 'provider_unreachable' ? 'no' : 'yes'),
    ...(status !== undefined && { status }),
    ...(detail !== undefined && { detail }),
    ...(retry_after_ms !== undefined && { retry_after_ms }),
  }
}

function waitForAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function sleepForReal(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
