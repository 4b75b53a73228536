import type { ModelFacts } from '../events/model-facts.ts'

/** What holds for all models of a name, as their vendors document it; the catalogue of prices does not say these things. */
interface Family {
  readonly vendor: string
  readonly name: RegExp
  readonly facts: ModelFacts
}

const CLAUDE = { tools: true, vision: true }
const CLAUDE_4 = { ...CLAUDE, reasoning: true }
const CURRENT_CLAUDE = { ...CLAUDE_4, json: true, max_output: 128_000 }
const GPT = { tools: true, vision: true, json: true }
const GEMINI = { ...GPT, context_window: 1_048_576, max_output: 65_536, reasoning: true }

/** Special editions take and give other things than the family they are named after. */
const SPECIAL =
  /audio|chat-latest|deep-research|embedding|image|live|moderation|realtime|search|transcribe|tts|vision|voice/

/** The most particular first. Limits of output stand here only where they are the same for every edition. */
const FAMILIES: readonly Family[] = [
  { vendor: 'anthropic', name: /^claude-3-(opus|sonnet|haiku)/, facts: { ...CLAUDE, max_output: 4_096 } },
  { vendor: 'anthropic', name: /^claude-3-5/, facts: { ...CLAUDE, max_output: 8_192 } },
  { vendor: 'anthropic', name: /^claude-3-7/, facts: { ...CLAUDE_4, max_output: 64_000 } },
  {
    vendor: 'anthropic',
    name: /^claude-(opus|sonnet|haiku)-4-5/,
    facts: { ...CLAUDE_4, json: true, max_output: 64_000 },
  },
  { vendor: 'anthropic', name: /^claude-opus-4-1/, facts: { ...CLAUDE_4, json: true, max_output: 32_000 } },
  { vendor: 'anthropic', name: /^claude-(opus|sonnet)-4-[678]/, facts: CURRENT_CLAUDE },
  { vendor: 'anthropic', name: /^claude-sonnet-4(-0|-2|$)/, facts: { ...CLAUDE_4, max_output: 64_000 } },
  { vendor: 'anthropic', name: /^claude-opus-4(-0|-2|$)/, facts: { ...CLAUDE_4, max_output: 32_000 } },
  { vendor: 'anthropic', name: /^claude-(opus|sonnet|haiku|fable)-5/, facts: CURRENT_CLAUDE },
  { vendor: 'openai', name: /^gpt-3\.5-turbo(-0125|-1106)?$/, facts: { tools: true, max_output: 4_096 } },
  { vendor: 'openai', name: /^gpt-4-turbo/, facts: { tools: true, vision: true, max_output: 4_096 } },
  { vendor: 'openai', name: /^gpt-4o-2024-05-13/, facts: { tools: true, vision: true, max_output: 4_096 } },
  { vendor: 'openai', name: /^gpt-4o/, facts: { ...GPT, max_output: 16_384 } },
  { vendor: 'openai', name: /^gpt-4\.1/, facts: { ...GPT, max_output: 32_768 } },
  { vendor: 'openai', name: /^gpt-5(\.[0-9])?-chat/, facts: { ...GPT, max_output: 16_384 } },
  { vendor: 'openai', name: /^gpt-5/, facts: { ...GPT, reasoning: true, max_output: 128_000 } },
  { vendor: 'openai', name: /^o3-mini/, facts: { tools: true, json: true, reasoning: true, max_output: 100_000 } },
  { vendor: 'openai', name: /^(o1|o3|o4-mini)(-20|-pro|$)/, facts: { ...GPT, reasoning: true, max_output: 100_000 } },
  { vendor: 'google', name: /^gemini-2\.0-flash/, facts: { ...GPT, context_window: 1_048_576, max_output: 8_192 } },
  { vendor: 'google', name: /^gemini-2\.5-(pro|flash)/, facts: GEMINI },
  { vendor: 'google', name: /^gemini-3/, facts: GEMINI },
  { vendor: 'xai', name: /^grok-3-mini/, facts: { tools: true, json: true, reasoning: true } },
  { vendor: 'xai', name: /^grok-3/, facts: { tools: true, json: true } },
  { vendor: 'xai', name: /^grok-4.*non-reasoning/, facts: GPT },
  { vendor: 'xai', name: /^grok-(4|latest)/, facts: { ...GPT, reasoning: true } },
  { vendor: 'mistral', name: /^(mistral|ministral|magistral|codestral)-/, facts: { tools: true, json: true } },
  { vendor: 'deepseek', name: /^deepseek-chat/, facts: { tools: true, json: true } },
  { vendor: 'deepseek', name: /^deepseek-reasoner/, facts: { tools: true, json: true, reasoning: true } },
]

/** Part of the usual price that the vendor's batch endpoint charges. */
const BATCH: { readonly [vendor: string]: number } = { anthropic: 0.5, openai: 0.5, google: 0.5 }

export function findFamily(vendor: string, model: string): ModelFacts | undefined {
  const name = model.toLowerCase()
  if (SPECIAL.test(name)) return undefined
  return FAMILIES.find((family) => family.vendor === vendor && family.name.test(name))?.facts
}

export function findBatchPart(vendor: string): number | undefined {
  return BATCH[vendor]
}
